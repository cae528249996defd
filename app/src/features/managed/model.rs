//! The managed route, as the team and the operator see it.

use crate::model::Moment;
use serde::{Deserialize, Serialize};

/// A team's managed route on its card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedRoute {
    /// Public id of its provider.
    pub provider_id: String,
    /// The address that the team sends as.
    pub address: String,
    /// Recipients a day.
    pub cap: u32,
    /// Recipients of this day.
    pub used: u32,
    /// End of the day that is counted.
    pub resets: Moment,
    /// `active`, `inactive`, `suspended` or `setup`.
    pub state: String,
    /// An increase can be asked for.
    pub can_request: bool,
    /// The viewer's role lets them ask.
    pub may_request: bool,
    /// Time of the request that waits for the operator.
    pub pending: Option<Moment>,
    /// The last request that was decided.
    pub decided: Option<Outcome>,
    /// It waits for the viewer's own address to be verified.
    pub awaits_viewer: bool,
    /// Reason of the suspension, in a clause.
    pub suspended: Option<String>,
    /// Its messages end in the sandbox.
    pub to_sandbox: bool,
    /// Recipients, hard bounces and complaints of 7 days.
    pub feedback: FeedbackItem,
}

/// Decision of the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The cap that was granted; none when the request was denied.
    pub granted: Option<u32>,
    /// Note of the operator.
    pub note: Option<String>,
    /// Point in time.
    pub at: Moment,
}

/// Bounces and complaints on the managed route within 7 days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackItem {
    /// Recipients that were sent to.
    pub recipients: u64,
    /// `12 (0.8%)`.
    pub bounces: String,
    /// `1 (0.05%)`.
    pub complaints: String,
}
