//! `providers`: An account that Sendmux sends through.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use sea_orm::entity::prelude::*;
use sendmux_rules::{ProviderKind, ProviderStatus, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "providers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(column_type = "Text")]
    pub public_id: String,
    pub team_id: i64,
    #[sea_orm(column_type = "Text")]
    pub kind: ProviderKind,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub status: ProviderStatus,
    /// Null is unset, which counts as 100 outside groups.
    pub weight: Option<i32>,
    pub cap_second: Option<i32>,
    pub cap_minute: Option<i32>,
    pub cap_hour: Option<i32>,
    pub cap_day: Option<i32>,
    /// Settings to connect (JSON), and secrets, sealed.
    #[sea_orm(column_type = "Text")]
    pub config: String,
    pub secret: Option<Vec<u8>>,
    /// Incremented by every change; an edit based on an older version is refused.
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
