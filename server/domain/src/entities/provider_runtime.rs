//! `provider_runtime`: Usage, health and pause of a provider.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::column::Json;
use sea_orm::entity::prelude::*;
use sendmux_rules::caps::Usage;
use sendmux_rules::{BlockKind, Health, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_runtime")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider_id: i64,
    #[sea_orm(column_type = "Text")]
    pub usage: Json<Usage>,
    #[sea_orm(column_type = "Text")]
    pub health: Json<Health>,
    #[sea_orm(column_type = "Text", nullable)]
    pub block_kind: Option<BlockKind>,
    pub block_until: Option<Timestamp>,
    pub pause_until: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// JSON, read where it is shown: a result that cannot be read must not keep the provider from sending.
    #[sea_orm(column_type = "Text", nullable)]
    pub last_test: Option<String>,
    pub version: i64,
    /// The row whose health counts instead of its own.
    pub health_of: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
