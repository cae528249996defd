//! `stats_hourly`: Counts of one hour, for charts.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use sea_orm::entity::prelude::*;
use sendmux_rules::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stats_hourly")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub team_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub hour_at: Timestamp,
    /// 0 for counts without a provider (accepted messages).
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider_id: i64,
    pub accepted: i32,
    pub sent: i32,
    pub failed: i32,
    pub attempts: i32,
    pub attempts_failed: i32,
    pub recipients: i32,
    pub bounced: i32,
    pub complained: i32,
    pub cancelled: i32,
    pub soft_bounced: i32,
    pub rejected: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
