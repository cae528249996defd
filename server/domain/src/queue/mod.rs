//! The durable queue: what waits, what is leased, and how an attempt is settled.
//!
//! These functions only carry out what the delivery engine has decided. Each takes part in a transaction of the
//! caller's, so that a decision and what it rests on are one.

mod lease;
mod progress;
mod requeue;
mod settle;
mod work;

pub use lease::{
    LaneDue, Start, held_back, lanes_due, lease, leased_by, locked, modes, next_due_after, of_sender, ready, transfer,
    waiting,
};
pub use progress::Progress;
pub use requeue::{
    QueueCursor, mark_all_for_requeue, mark_for_requeue, note_requeued, requeue_marks_hold, requeue_messages,
    requeue_page,
};
pub use settle::{AttemptRecord, Disposition, RecipientResult, Recipients, Settlement, postpone, settle};
pub use work::{Work, load};

use crate::entities;
use sendmux_rules::WaitReason;

/// A row of the queue.
pub type Row = entities::queue::Model;

/// The reasons of messages that go as soon as a provider opens.
const HELD_BACK: [WaitReason; 3] = [WaitReason::Blocked, WaitReason::Throttled, WaitReason::Cap];
