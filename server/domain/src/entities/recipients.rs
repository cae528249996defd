//! `recipients`: A recipient of a message, and its status.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::messages::RecipientField;
use sea_orm::entity::prelude::*;
use sendmux_rules::{Class, RecipientStatus, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recipients")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    pub team_id: i64,
    /// `to`, `cc`, `bcc`, or `envelope` for recipients that are only in the SMTP envelope.
    #[sea_orm(column_type = "Text")]
    pub field: RecipientField,
    #[sea_orm(column_type = "Text")]
    pub address: String,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub status: RecipientStatus,
    #[sea_orm(column_type = "Text", nullable)]
    pub class: Option<Class>,
    pub code: Option<i32>,
    #[sea_orm(column_type = "Text", nullable)]
    pub enhanced: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub detail: Option<String>,
    pub provider_id: Option<i64>,
    pub settled_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
