//! `attempts`: One try of one message at one provider.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::column::Json;
use crate::messages::Choice;
use sea_orm::entity::prelude::*;
use sendmux_rules::{Class, Stage, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    #[sea_orm(column_type = "Text")]
    pub public_id: String,
    pub message_id: i64,
    pub team_id: i64,
    pub provider_id: i64,
    pub round: i32,
    #[sea_orm(column_type = "Text")]
    pub class: Class,
    #[sea_orm(column_type = "Text")]
    pub stage: Stage,
    pub code: Option<i32>,
    #[sea_orm(column_type = "Text", nullable)]
    pub enhanced: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub detail: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub provider_message_id: Option<String>,
    pub duration_ms: i32,
    pub recipient_count: i32,
    pub accepted_count: i32,
    /// The candidates, and the reason why each was left out (JSON).
    #[sea_orm(column_type = "Text")]
    pub choice: Json<Choice>,
    pub started_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
