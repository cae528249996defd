//! `lanes`: A resolved scope, and the line of the queue for its messages.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lanes")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub team_id: i64,
    #[sea_orm(column_type = "Text")]
    pub mode: String,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// Ascending database ids of the providers or groups, joined by commas; empty for `all`.
    #[sea_orm(column_type = "Text")]
    pub targets: String,
    #[sea_orm(column_name = "hasten_at")]
    pub requeue_mark: i64,
    #[sea_orm(column_name = "hastened_at")]
    pub requeued_mark: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
