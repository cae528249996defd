//! Candidates of a selection: why one provider and not another.

use super::Moment;
use serde::{Deserialize, Serialize};

/// A provider in the scope of a message, as it stands or stood for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CandidateItem {
    /// Public id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its weight in the draw.
    pub weight: u32,
    /// How probable it is, 0 to 100, that the draw falls on it; 0 for those that are left out.
    pub chance: f64,
    /// Why it is left out; none: it takes part in the draw.
    pub left_out: Option<String>,
    /// When it opens, if only time keeps it out.
    pub opens: Option<Moment>,
    /// It is the one that the draw fell on.
    pub is_chosen: bool,
}

/// What would become of a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DryRunView {
    /// `success`, `warning` or `error`.
    pub tone: String,
    /// What would become of it.
    pub verdict: String,
    /// Why, and what to do.
    pub detail: String,
    /// When it would go, if it waited for a time.
    pub opens: Option<Moment>,
    /// The providers in the scope.
    pub candidates: Vec<CandidateItem>,
}
