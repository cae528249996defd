//! Progress of a message's delivery, as the queue keeps it.

use super::Row;
use crate::error::{Error, Result};
use sendmux_rules::retry::Round;
use sendmux_rules::{Hint, RecipientStatus, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state of a message between its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The round and how it went.
    pub round: Round,
    /// The providers tried in this round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<i64>,
    /// The providers that will never take it, and what they lack.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lacking: BTreeMap<i64, Hint>,
    /// Since when it could have gone: accepted, scheduled for, or the begin of this round.
    pub ready_since: Timestamp,
    /// Recipients that were accepted.
    #[serde(default)]
    pub sent: u32,
    /// Recipients that failed.
    #[serde(default)]
    pub failed: u32,
    /// Nodes that have died while they were sending it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub takeovers: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Progress {
    /// The progress in a row of the queue. A message that was never tried has none written.
    ///
    /// # Errors
    /// When the column is unreadable.
    pub fn of(row: &Row) -> Result<Self> {
        if row.progress.is_empty() {
            return Ok(Self {
                round: Round::first(),
                tried: Vec::new(),
                lacking: BTreeMap::new(),
                ready_since: Timestamp::from_millis(row.created_at),
                sent: 0,
                failed: 0,
                takeovers: 0,
            });
        }
        serde_json::from_str(&row.progress)
            .map_err(|error| Error::Internal(format!("progress of message {}: {error}", row.message_id)))
    }

    /// Whether nothing was tried in this round yet, so that it has as many providers to wait for as a new message.
    pub fn is_fresh(&self) -> bool {
        self.tried.is_empty() && self.round.failed == 0
    }

    /// The next round, which begins at `at`.
    #[must_use]
    pub fn next_round(&self, at: Timestamp) -> Self {
        Self {
            round: self.round.next(),
            tried: Vec::new(),
            ready_since: at,
            ..self.clone()
        }
    }

    /// The same round from its start, which begins at `at`: a node has died in it.
    #[must_use]
    pub fn same_round(&self, at: Timestamp) -> Self {
        Self {
            round: self.round.again(),
            tried: Vec::new(),
            ready_since: at,
            takeovers: self.takeovers.saturating_add(1),
            ..self.clone()
        }
    }

    /// Statuses of the recipients, in no particular order.
    pub fn statuses(&self, recipients: u32) -> Vec<RecipientStatus> {
        let pending = recipients.saturating_sub(self.sent).saturating_sub(self.failed);
        [
            (RecipientStatus::Sent, self.sent),
            (RecipientStatus::Failed, self.failed),
            (RecipientStatus::Pending, pending),
        ]
        .into_iter()
        .flat_map(|(status, count)| std::iter::repeat_n(status, count as usize))
        .collect()
    }

    /// As it stands in the column.
    ///
    /// # Errors
    /// Never in practice; serialising is fallible by type.
    pub fn to_column(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Internal(format!("progress as JSON: {error}")))
    }
}
