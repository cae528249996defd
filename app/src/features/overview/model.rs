//! The overview.

use crate::model::Moment;
use serde::{Deserialize, Serialize};

/// The overview of a team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverviewView {
    /// The cards.
    pub counts: Counts,
    /// The last 24 hours, oldest first.
    pub bars: Vec<Bar>,
    /// The providers.
    pub providers: Vec<HealthItem>,
    /// Waiting messages, by reason.
    pub waits: Vec<WaitItem>,
    /// Faults that need attention, most pressing first.
    pub attention: Vec<Attention>,
    /// First steps of a new team.
    pub checklist: Checklist,
    /// Messages of the managed route end in the sandbox.
    pub managed_in_sandbox: bool,
}

/// The cards of the overview.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Accepted within 24 hours.
    pub accepted: u64,
    /// Sent within 24 hours.
    pub sent: u64,
    /// Failed within 24 hours.
    pub failed: u64,
    /// Recipients whose mail bounced within 24 hours.
    pub bounced: u64,
    /// Recipients who complained within 24 hours.
    pub complained: u64,
    /// Waiting now.
    pub waiting: u64,
    /// Being sent now.
    pub sending: u64,
    /// Of those waiting: for the next round of the retry schedule.
    pub retrying: u64,
}

/// One hour of the chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// `14:00`, in UTC.
    pub label: String,
    /// Accepted in that hour.
    pub accepted: u64,
    /// Sent in that hour.
    pub sent: u64,
    /// Failed in that hour.
    pub failed: u64,
    /// Recipients whose mail bounced, told in that hour.
    pub bounced: u64,
    /// Recipients who complained in that hour.
    pub complained: u64,
}

/// Messages that wait for the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitItem {
    /// `cap`, `throttled`, `blocked`, `retry` or `scheduled`; empty for those that are next in line.
    pub reason: String,
    /// Reason, in words.
    pub label: String,
    /// Number of messages.
    pub messages: u64,
    /// Time at which the first of them goes; none when that is now, or by hand.
    pub next: Option<Moment>,
    /// Somebody has to do something before any of them goes.
    pub by_hand: bool,
    /// The same by scope.
    pub scopes: Vec<WaitScope>,
}

/// Messages of one scope that wait for the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitScope {
    /// The scope in words.
    pub scope: String,
    /// Number of messages.
    pub messages: u64,
    /// Time at which the first of them goes.
    pub next: Option<Moment>,
}

/// A provider's health in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthItem {
    /// Public id.
    pub id: String,
    /// Name given by people.
    pub name: String,
    /// The kind in words.
    pub kind_label: String,
    /// `active`, `paused`, `blocked`, `inactive` or `pending`.
    pub state: String,
    /// Reason for a state other than active.
    pub reason: Option<String>,
    /// End of that state.
    pub until: Option<Moment>,
}

/// Something that needs attention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// `warning` or `error`.
    pub tone: String,
    /// Title.
    pub title: String,
    /// Remedy.
    pub detail: String,
    /// Time at which it ends by itself.
    pub until: Option<Moment>,
    /// Address of the page to do it on.
    pub href: String,
}

/// First steps of a new team.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checklist {
    /// A key was made.
    pub has_key: bool,
    /// A message was sent.
    pub has_sent: bool,
    /// A provider of the team's own was added.
    pub has_provider: bool,
}

impl Checklist {
    /// Nothing is left to do.
    pub const fn is_done(self) -> bool {
        self.has_key && self.has_sent && self.has_provider
    }
}
