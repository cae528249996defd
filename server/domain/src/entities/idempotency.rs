//! `idempotency`: The stored answer to a request with an Idempotency-Key.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::idempotency::Operation;
use sea_orm::entity::prelude::*;
use sendmux_rules::{Mode, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub team_id: i64,
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub mode: Mode,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_hash: Vec<u8>,
    #[sea_orm(column_type = "Text")]
    pub operation: Operation,
    pub body_hash: Vec<u8>,
    pub status: i32,
    #[sea_orm(column_type = "Text")]
    pub answer: String,
    pub expires_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
