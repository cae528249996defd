//! Choice of the provider of an attempt, as it is recorded with it.

use sendmux_rules::{LeftOut, Timestamp};
use serde::{Deserialize, Serialize};

/// Choice of an attempt's provider. Empty for an attempt that was taken over from a dead node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The providers of the pool, with those that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<RecordedCandidate>,
}

/// Candidate as it stood then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedCandidate {
    /// Reason that it was left out; none: it took part in the draw.
    pub left_out: Option<LeftOut>,
    /// Time at which it would open, if only time kept it out.
    pub opens_at: Option<Timestamp>,
    /// Its public id.
    pub provider: String,
    /// Its weight in the draw.
    pub weight: u32,
}
