//! The managed route, as the team and the operator see it.

use super::{BlockItem, Moment, ProviderItem, SesQuota};
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
    /// When the day's count begins anew.
    pub resets: Moment,
    /// `active`, `inactive`, `suspended` or `setup`.
    pub state: String,
    /// An increase can be asked for.
    pub can_request: bool,
    /// The viewer's role lets them ask.
    pub may_request: bool,
    /// When the request that waits for the operator was made.
    pub pending: Option<Moment>,
    /// The last request that was decided.
    pub decided: Option<Outcome>,
    /// It waits for the viewer's own address to be verified.
    pub awaits_viewer: bool,
    /// Why it is suspended, in a clause.
    pub suspended: Option<String>,
    /// What is sent through it ends in the sandbox.
    pub to_sandbox: bool,
    /// Recipients, hard bounces and complaints of 7 days.
    pub feedback: FeedbackItem,
}

/// What the operator decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The cap that was granted; none when the request was denied.
    pub granted: Option<u32>,
    /// What the operator wrote.
    pub note: Option<String>,
    /// When.
    pub at: Moment,
}

/// What came back of what was sent through the managed route within 7 days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackItem {
    /// Recipients that were sent to.
    pub recipients: u64,
    /// `12 (0.8%)`.
    pub bounces: String,
    /// `1 (0.05%)`.
    pub complaints: String,
}

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
    /// When the team was made.
    pub team_created: Moment,
    /// The user who asked.
    pub requested_by: String,
    /// When.
    pub created: Moment,
    /// The cap when it was asked.
    pub current_cap: u32,
    /// The cap now.
    pub cap: u32,
    /// The cap that was granted.
    pub granted: Option<u32>,
    /// What the operator wrote.
    pub note: Option<String>,
    /// When it was decided.
    pub decided: Option<Moment>,
    /// Recipients of this day.
    pub used: u32,
    /// What came back within 7 days.
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
    /// When it was made.
    pub created: Moment,
    /// Recipients a day.
    pub cap: u32,
    /// Recipients of this day.
    pub used: u32,
    /// What came back within 7 days.
    pub feedback: FeedbackItem,
    /// `active`, `inactive`, `suspended` or `setup`.
    pub state: String,
    /// Why it is suspended, in a clause.
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
    /// What Amazon says of the account.
    pub account: Option<SesQuota>,
    /// Why Amazon could not be asked.
    pub account_error: Option<String>,
    /// Why the account is pulled from rotation, for all teams.
    pub block: Option<BlockItem>,
    /// Until when the account asked to be left alone.
    pub paused_until: Option<Moment>,
    /// What is wrong with this installation itself.
    pub faults: Vec<FaultItem>,
    /// What all teams sent, and what came back.
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
    /// What it stops.
    pub title: String,
    /// What to do.
    pub advice: String,
    /// What was answered.
    pub cause: String,
    /// When it was last met.
    pub at: Moment,
}

/// A team that sends much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyTeam {
    /// Public id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it sent and what came back.
    pub feedback: FeedbackItem,
}

/// Endpoint to which Amazon SNS posts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointItem {
    /// The address.
    pub url: String,
    /// The topic that is subscribed.
    pub topic: Option<String>,
    /// When something last came.
    pub last: Option<Moment>,
}

/// The mails that the system sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SystemMailPage {
    /// What they go through, in words.
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
    /// What went wrong.
    pub error: Option<String>,
    /// When it was written.
    pub created: Moment,
}
