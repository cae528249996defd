//! Pages of the operator of the installation.

use crate::features::managed::model::FeedbackItem;
use crate::features::providers::model::{BlockItem, ProviderItem, SesQuota};
use crate::model::Moment;
use serde::{Deserialize, Serialize};

/// The queue of requests for a higher cap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestsPage {
    /// Those that wait, the oldest first.
    pub pending: Vec<RequestItem>,
    /// Those that were decided or taken back last.
    pub recent: Vec<RequestItem>,
}

/// A request for a higher cap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestItem {
    /// Public id.
    pub id: String,
    /// `pending`, `approved`, `denied` or `cancelled`.
    pub status: String,
    /// Name of the team.
    pub team: String,
    /// Time at which the team was made.
    pub team_created: Moment,
    /// The user who asked.
    pub requested_by: String,
    /// Point in time.
    pub created: Moment,
    /// The cap when it was asked.
    pub current_cap: u32,
    /// The cap now.
    pub cap: u32,
    /// The cap that was granted.
    pub granted: Option<u32>,
    /// Note of the operator.
    pub note: Option<String>,
    /// Time of the decision.
    pub decided: Option<Moment>,
    /// Recipients of this day.
    pub used: u32,
    /// Bounces and complaints within 7 days.
    pub feedback: FeedbackItem,
    /// The team is suspended.
    pub suspended: bool,
}

/// A team in the operator's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamItem {
    /// Public id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address on the managed route.
    pub address: String,
    /// Its owners' addresses.
    pub owners: Vec<String>,
    /// Time at which it was made.
    pub created: Moment,
    /// Recipients a day.
    pub cap: u32,
    /// Recipients of this day.
    pub used: u32,
    /// Bounces and complaints within 7 days.
    pub feedback: FeedbackItem,
    /// `active`, `inactive`, `suspended` or `setup`.
    pub state: String,
    /// Reason of the suspension, in a clause.
    pub suspended: Option<String>,
}

/// The managed route as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ManagedPage {
    /// An Amazon SES account is configured.
    pub configured: bool,
    /// The domain that teams send from.
    pub domain: String,
    /// The account's region.
    pub region: Option<String>,
    /// Quota of the account, by Amazon's word.
    pub account: Option<SesQuota>,
    /// Error for which the quota is not known.
    pub account_error: Option<String>,
    /// Block of the account, for all teams.
    pub block: Option<BlockItem>,
    /// Until when the account asked to be left alone.
    pub paused_until: Option<Moment>,
    /// Faults of the installation itself.
    pub faults: Vec<FaultItem>,
    /// Recipients, bounces and complaints of all teams.
    pub feedback: FeedbackItem,
    /// Teams that are suspended.
    pub suspended: u64,
    /// Requests that wait.
    pub pending_requests: u64,
    /// The teams that sent most within 7 days.
    pub busiest: Vec<BusyTeam>,
    /// URL to which notifications are posted.
    pub endpoint: EndpointItem,
}

/// Something of the installation itself that only its operator can mend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultItem {
    /// Title: what it stops.
    pub title: String,
    /// Remedy.
    pub advice: String,
    /// Answer of the service.
    pub cause: String,
    /// Time at which it was last met.
    pub at: Moment,
}

/// A team that sends much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyTeam {
    /// Public id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its recipients, bounces and complaints.
    pub feedback: FeedbackItem,
}

/// Endpoint to which Amazon SNS posts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointItem {
    /// The address.
    pub url: String,
    /// The topic that is subscribed.
    pub topic: Option<String>,
    /// Time of the last notification.
    pub last: Option<Moment>,
}

/// The mails that the system sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SystemMailPage {
    /// Route of the mails, in words.
    pub via: String,
    /// The configured server.
    pub server: Option<ProviderItem>,
    /// They end here.
    pub to_sandbox: bool,
    /// Newest first.
    pub rows: Vec<SystemMailItem>,
    /// The cursor of the next page.
    pub older: Option<String>,
}

/// A mail of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemMailItem {
    /// Public id.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// Whom it goes to.
    pub to: String,
    /// `queued`, `sent`, …
    pub status: String,
    /// The error.
    pub error: Option<String>,
    /// Time at which it was written.
    pub created: Moment,
}
