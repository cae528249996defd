//! Progress of a message's delivery, as stored in the queue.

use super::Row;
use crate::column::Json;
use sendmux_rules::retry::Round;
use sendmux_rules::{Hint, RecipientStatus, Timestamp, text_column};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// State of a message between its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// State of the current round.
    pub round: Round,
    /// The providers tried in this round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<i64>,
    /// Providers that will never take it, and the capability that they lack.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lacking: BTreeMap<i64, Hint>,
    /// Time since when it could have gone: its acceptance, its scheduled time, or the start of this round.
    pub ready_since: Timestamp,
    /// Recipients that were accepted.
    #[serde(default)]
    pub sent: u32,
    /// Recipients that failed.
    #[serde(default)]
    pub failed: u32,
    /// Number of nodes that died while sending it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub takeovers: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Progress {
    /// The progress of a row of the queue. For a message that was never tried the column is empty.
    pub fn of(row: &Row) -> Self {
        row.progress.0.clone().unwrap_or_else(|| Self {
            round: Round::first(),
            tried: Vec::new(),
            lacking: BTreeMap::new(),
            ready_since: row.created_at,
            sent: 0,
            failed: 0,
            takeovers: 0,
        })
    }

    /// True if nothing was tried in this round yet, so that it has as many providers to wait for as a new message.
    pub fn is_fresh(&self) -> bool {
        self.tried.is_empty() && self.round.failed == 0
    }

    /// The next round, starting at `at`.
    #[must_use]
    pub fn next_round(&self, at: Timestamp) -> Self {
        Self {
            round: self.round.next(),
            tried: Vec::new(),
            ready_since: at,
            ..self.clone()
        }
    }

    /// The same round, started again at `at` after a node died in it.
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
}

/// Progress in its column: JSON, or the empty text for a message that was never tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredProgress(pub Option<Progress>);

impl From<&Progress> for StoredProgress {
    fn from(progress: &Progress) -> Self {
        Self(Some(progress.clone()))
    }
}

impl fmt::Display for StoredProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(progress) => Json(progress).fmt(f),
            None => Ok(()),
        }
    }
}

impl FromStr for StoredProgress {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.parse().map(|Json(progress)| Self(Some(progress)))
    }
}

text_column!(StoredProgress);
