//! The durable queue: what waits, what is leased, and how an attempt is settled.
//!
//! These functions only carry out what the delivery engine has decided. Each takes part in a transaction of the
//! caller's, so that a decision and what it rests on are one.

mod hasten;
mod lease;
mod progress;
mod settle;
mod work;

pub use hasten::{Place, hasten, hasten_all, hasten_some, hasten_these, hastened, marks_hold};
pub use lease::{
    LaneDue, Start, held_back, lanes_due, lease, leased_by, locked, modes, next_due_after, of_sender, ready, transfer,
    waiting,
};
pub use progress::Progress;
pub use settle::{AttemptRecord, Fate, RecipientResult, Recipients, Settlement, postpone, settle};
pub use work::{Work, load};

use crate::entities;
use sendmux_rules::WaitReason;

/// A row of the queue.
pub type Row = entities::queue::Model;

/// The reasons of messages that go as soon as a provider opens.
const HELD_BACK: [WaitReason; 3] = [WaitReason::Blocked, WaitReason::Throttled, WaitReason::Cap];
