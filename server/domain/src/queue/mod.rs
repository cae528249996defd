//! The durable queue: what waits, what is leased, and how an attempt is settled.
//!
//! These functions only carry out what the delivery engine has decided. Each takes part in a transaction of the
//! caller's, so that a decision and what it rests on are one.

mod lease;
mod progress;
mod settle;
mod work;

pub use lease::{
    LaneDue, Start, held_back, lanes_due, lease, leased_by, modes, next_due_after, of_sender, ready, transfer, waiting,
};
pub use progress::Progress;
pub use settle::{
    AttemptRecord, Fate, RecipientResult, Recipients, Settlement, hasten, hasten_blocked, hasten_these, postpone,
    settle,
};
pub use work::{Work, load};

use crate::entities;
use crate::entities::queue::Column;
use sea_orm::{ColumnTrait, Condition};
use sendmux_rules::{Timestamp, WaitReason};

/// A row of the queue.
pub type Row = entities::queue::Model;

/// The reasons of messages that go as soon as a provider opens.
const HELD_BACK: [WaitReason; 3] = [WaitReason::Blocked, WaitReason::Throttled, WaitReason::Cap];

/// Messages that wait, each by itself, for one of these reasons, and are not due at `now`.
fn waiting_for(reasons: &[WaitReason], now: Timestamp) -> Condition {
    Condition::all()
        .add(Column::WaitReason.is_in(reasons.iter().map(|reason| reason.as_str())))
        .add(Column::Lease.is_null())
        .add(Column::DueAt.gt(now.as_millis()))
}
