//! `provider_runtime`: Usage, health and pause of a provider.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_runtime")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider_id: i64,
    #[sea_orm(column_type = "Text")]
    pub usage: String,
    #[sea_orm(column_type = "Text")]
    pub health: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub block_kind: Option<String>,
    pub block_until: Option<i64>,
    pub pause_until: Option<i64>,
    pub last_used_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub last_test: Option<String>,
    pub version: i64,
    /// The row whose health counts instead of its own.
    pub health_of: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
