//! `queue`: A message that is not finished.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "queue")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: i64,
    pub team_id: i64,
    pub lane_id: i64,
    pub due_at: i64,
    /// The wait reason known when it was written; windows and blocks are derived when read.
    #[sea_orm(column_type = "Text", nullable)]
    pub wait_reason: Option<String>,
    /// Rounds begun, from 1.
    pub round: i32,
    /// How its round went so far (JSON); empty for a message that was never tried.
    #[sea_orm(column_type = "Text")]
    pub progress: String,
    pub size: i32,
    pub recipient_count: i32,
    #[sea_orm(column_type = "Text")]
    pub sender_domain: String,
    /// The incarnation that is sending it now, through which provider, since when.
    pub lease: Option<i64>,
    pub provider_id: Option<i64>,
    pub started_at: Option<i64>,
    /// What was charged to the provider's caps for it (JSON), to be given back where the rules say so.
    #[sea_orm(column_type = "Text", nullable)]
    pub charge: Option<String>,
    pub created_at: i64,
    /// The claim that it was leased with.
    pub claim_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
