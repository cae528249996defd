//! `parked_notices`: A notice about a message that is not known yet.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use sea_orm::entity::prelude::*;
use sendmux_rules::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "parked_notices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub endpoint_id: i64,
    /// The notice (JSON). Read one by one: one that cannot be read is thrown away, and does not hold up the others.
    #[sea_orm(column_type = "Text")]
    pub notice: String,
    pub received_at: Timestamp,
    pub due_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
