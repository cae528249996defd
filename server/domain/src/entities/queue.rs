//! `queue`: An unfinished message.

#![expect(
    missing_docs,
    reason = "the columns are documented where the schema makes them, in migrations/"
)]

use crate::column::Json;
use crate::queue::StoredProgress;
use sea_orm::entity::prelude::*;
use sendmux_rules::caps::Charge;
use sendmux_rules::{Timestamp, WaitReason};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "queue")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: i64,
    pub team_id: i64,
    pub lane_id: i64,
    pub due_at: Timestamp,
    /// The wait reason known at the time of writing; windows and blocks are derived on reading.
    #[sea_orm(column_type = "Text", nullable)]
    pub wait_reason: Option<WaitReason>,
    /// Rounds begun, from 1.
    pub round: i32,
    /// State of the round (JSON); empty for a message that was never tried.
    #[sea_orm(column_type = "Text")]
    pub progress: StoredProgress,
    pub size: i32,
    pub recipient_count: i32,
    #[sea_orm(column_type = "Text")]
    pub sender_domain: String,
    /// The incarnation that is sending it, the provider, and the start.
    pub lease: Option<i64>,
    pub provider_id: Option<i64>,
    pub started_at: Option<Timestamp>,
    /// The charge to the provider's caps (JSON), for a refund.
    #[sea_orm(column_type = "Text", nullable)]
    pub charge: Option<Json<Charge>>,
    pub created_at: Timestamp,
    /// The claim of the lease.
    pub claim_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
