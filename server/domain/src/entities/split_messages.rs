//! `split_messages`: One of the ids that a provider gave a message sent in several calls.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "split_messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub provider_message_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider_id: i64,
    pub message_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
