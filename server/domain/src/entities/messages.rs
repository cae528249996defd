//! `messages`: One accepted email.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::column::{Joined, Json};
use crate::messages::{Origin, Source};
use sea_orm::entity::prelude::*;
use sendmux_rules::{MessageStatus, Mode, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    #[sea_orm(column_type = "Text")]
    pub public_id: String,
    pub team_id: i64,
    pub key_id: Option<i64>,
    pub lane_id: i64,
    #[sea_orm(column_type = "Text")]
    pub mode: Mode,
    /// `http`, `smtp` or `system`, and details of the origin (JSON).
    #[sea_orm(column_type = "Text")]
    pub source: Source,
    #[sea_orm(column_type = "Text")]
    pub origin: Json<Origin>,
    #[sea_orm(column_type = "Text")]
    pub status: MessageStatus,
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    #[sea_orm(column_type = "Text")]
    pub from_email: String,
    #[sea_orm(column_type = "Text")]
    pub from_name: String,
    /// Null is the null reverse-path.
    #[sea_orm(column_type = "Text", nullable)]
    pub return_path: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub header_message_id: String,
    pub size: i32,
    pub recipient_count: i32,
    pub sent_count: i32,
    pub failed_count: i32,
    pub attempt_count: i32,
    pub smtputf8: bool,
    /// The provider that last accepted it.
    pub provider_id: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub scheduled_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Set when retention has removed the content.
    pub content_removed_at: Option<Timestamp>,
    pub resend_of: Option<i64>,
    /// Public ids of the groups that the message named, joined by commas.
    #[sea_orm(column_type = "Text", nullable)]
    pub delivery_groups: Option<Joined<String>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
