//! `api_keys`: An API key; only its hash is known.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::column::Joined;
use crate::keys::Permission;
use sea_orm::entity::prelude::*;
use sendmux_rules::{Mode, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(column_type = "Text")]
    pub public_id: String,
    pub team_id: i64,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub mode: Mode,
    /// Visible beginning of the key. Only the SHA-256 of the rest is stored.
    #[sea_orm(column_type = "Text")]
    pub prefix: String,
    pub hash: Vec<u8>,
    #[sea_orm(column_type = "Text")]
    pub permissions: Joined<Permission>,
    pub lane_id: i64,
    pub created_by: Option<i64>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// The permission `keys:write`, which is not among the others: nodes of an earlier version could not read them then.
    pub keys_write: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
