//! `mailboxes`: A connected mailbox: its account and its tokens.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use sea_orm::entity::prelude::*;
use sendmux_rules::{ProviderKind, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mailboxes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider_id: i64,
    pub team_id: i64,
    #[sea_orm(column_type = "Text")]
    pub kind: ProviderKind,
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    #[sea_orm(column_type = "Text")]
    pub email: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub tenant: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub scopes: String,
    pub tokens: Vec<u8>,
    pub access_expires_at: Timestamp,
    pub generation: i64,
    pub connected_at: Timestamp,
    pub renewed_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
