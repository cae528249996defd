//! `sandbox_messages`: A message that the sandbox captured instead of sending.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::column::Json;
use sea_orm::entity::prelude::*;
use sendmux_rules::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sandbox_messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: i64,
    pub team_id: i64,
    pub provider_id: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub return_path: Option<String>,
    /// The envelope's recipients (JSON list).
    #[sea_orm(column_type = "Text")]
    pub recipients: Json<Vec<String>>,
    /// Only if it differs from the stored content (the managed route changes the sender).
    pub raw: Option<Vec<u8>>,
    pub captured_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
