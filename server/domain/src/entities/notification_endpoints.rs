//! `notification_endpoints`: An address to which Amazon SNS posts feedback.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use sea_orm::entity::prelude::*;
use sendmux_rules::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_endpoints")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(column_type = "Text")]
    pub token: String,
    /// 0 for the operator's account.
    pub provider_id: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub topic_arn: Option<String>,
    pub confirmed_at: Option<Timestamp>,
    pub last_received_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
