//! `events`: An event, for webhooks and the dashboard.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::column::Json;
use crate::events::EventKind;
use sea_orm::entity::prelude::*;
use sendmux_rules::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    #[sea_orm(column_type = "Text")]
    pub public_id: String,
    pub team_id: i64,
    #[sea_orm(column_type = "Text")]
    pub kind: EventKind,
    pub message_id: Option<i64>,
    pub provider_id: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub data: Json<serde_json::Value>,
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
