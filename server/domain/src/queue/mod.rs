//! The durable queue: waiting messages, leases, and settlements of attempts.
//!
//! These functions carry out the decisions of the delivery engine. Each runs in a transaction of the caller, so that a
//! decision and the data it rests on are consistent.

mod lease;
mod progress;
mod requeue;
mod settle;
mod work;

pub use lease::{
    LaneDue, Start, held_back, lanes_due, lease, leased_by, locked, modes, next_due_after, of_sender, ready, transfer,
    waiting,
};
pub use progress::{Progress, StoredProgress};
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

/// Wait reasons of messages that go as soon as a provider opens.
const HELD_BACK: [WaitReason; 3] = [WaitReason::Blocked, WaitReason::Throttled, WaitReason::Cap];
