//! `suspensions`: The last suspension of a team's managed route.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::column::Json;
use crate::stats::HourlyCounts;
use sea_orm::entity::prelude::*;
use sendmux_rules::ProviderStatus;
use sendmux_rules::Timestamp;
use sendmux_rules::managed::{Feedback, SuspensionReason};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "suspensions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider_id: i64,
    pub team_id: i64,
    #[sea_orm(column_type = "Text")]
    pub reason: SuspensionReason,
    #[sea_orm(column_type = "Text")]
    pub feedback: Json<Feedback>,
    #[sea_orm(column_type = "Text")]
    pub status_before: ProviderStatus,
    pub suspended_at: Timestamp,
    pub lifted_at: Option<Timestamp>,
    #[sea_orm(column_type = "Text", nullable)]
    pub counted: Option<Json<HourlyCounts>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
