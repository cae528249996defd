//! Candidates of a selection: why one provider and not another.

use crate::model::Moment;
use serde::{Deserialize, Serialize};

/// A provider in the scope of a message, as it stands or stood for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CandidateItem {
    /// Public id.
    pub id: String,
    /// Name given by people.
    pub name: String,
    /// Its weight in the draw.
    pub weight: u32,
    /// Probability, 0 to 100, that the draw falls on it; 0 for those that are left out.
    pub chance: f64,
    /// Reason for which it is left out; none: it takes part in the draw.
    pub left_out: Option<String>,
    /// Time at which it opens, if only time keeps it out.
    pub opens: Option<Moment>,
    /// It is the one that the draw fell on.
    pub is_chosen: bool,
}

/// Outcome of a dry run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DryRunView {
    /// `success`, `warning` or `error`.
    pub tone: String,
    /// Verdict.
    pub verdict: String,
    /// Reason, and remedy.
    pub detail: String,
    /// Time at which it would go, if it waited for one.
    pub opens: Option<Moment>,
    /// The providers in the scope.
    pub candidates: Vec<CandidateItem>,
}
