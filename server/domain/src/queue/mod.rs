//! The durable queue: what waits, what is leased, and how an attempt is settled.
//!
//! These functions only carry out what the delivery engine has decided. Each takes part in a transaction of the
//! caller's, so that a decision and what it rests on are one.

mod lease;
mod settle;
mod work;

pub use lease::{LaneDue, Start, lanes_due, lease, leased_by, next_due, ready};
pub use settle::{AttemptRecord, Fate, RecipientResult, Recipients, Settlement, settle};
pub use work::{Work, load};

use crate::entities;

/// A row of the queue.
pub type Row = entities::queue::Model;

/// Database ids as they stand in a column: joined by commas.
pub fn join_ids(ids: &[i64]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// The ids in such a column.
pub fn split_ids(text: &str) -> Vec<i64> {
    text.split(',').filter_map(|id| id.parse().ok()).collect()
}
