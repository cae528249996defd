//! `lanes`: A resolved scope, and the line of the queue for its messages.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::column::Joined;
use crate::lanes::ScopeKind;
use sea_orm::entity::prelude::*;
use sendmux_rules::{Mode, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lanes")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub team_id: i64,
    #[sea_orm(column_type = "Text")]
    pub mode: Mode,
    #[sea_orm(column_type = "Text")]
    pub scope: ScopeKind,
    /// Ascending database ids of the providers or groups, joined by commas; empty for `all`.
    #[sea_orm(column_type = "Text")]
    pub targets: Joined<i64>,
    #[sea_orm(column_name = "hasten_at")]
    pub requeue_mark: Timestamp,
    #[sea_orm(column_name = "hastened_at")]
    pub requeued_mark: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
