//! Messages, their recipients, attempts and timeline.

use crate::features::routing::model::CandidateItem;
use crate::model::Moment;
use serde::{Deserialize, Serialize};

/// A message in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageItem {
    /// Public id.
    pub id: String,
    /// `queued`, `sending`, `sent`, `partially_sent`, `failed` or `cancelled`.
    pub status: String,
    /// `live` or `test`.
    pub mode: String,
    /// Subject.
    pub subject: String,
    /// Sender.
    pub from: String,
    /// The first recipients and how many more there are.
    pub to: String,
    /// Time of acceptance.
    pub created: Moment,
    /// The last error.
    pub last_error: Option<String>,
}

/// A message's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageView {
    /// Row of the list.
    pub item: MessageItem,
    /// Return path; none is the null reverse-path.
    pub return_path: Option<String>,
    /// The Message-ID header.
    pub header_message_id: String,
    /// Origin in words: `SMTP`, from which address, over which TLS.
    pub source: String,
    /// Size with headers and attachments, in words.
    pub size: String,
    /// Its status, recipient by recipient.
    pub recipients: Vec<RecipientItem>,
    /// Oldest first.
    pub attempts: Vec<AttemptItem>,
    /// Oldest first.
    pub timeline: Vec<TimelineItem>,
    /// Reason of its waiting, when it waits.
    pub waiting: Option<WaitingView>,
    /// The sandbox captured it.
    pub in_sandbox: bool,
}

/// Reason of a message's waiting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WaitingView {
    /// In words.
    pub reason: String,
    /// Time at which it expects to go.
    pub expected: Option<Moment>,
    /// The providers in its scope, and what keeps each of them.
    pub candidates: Vec<CandidateItem>,
}

/// One recipient and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientItem {
    /// `To`, `Cc`, `Bcc` or `Envelope`.
    pub field: String,
    /// The address, with its name when it has one.
    pub address: String,
    /// `pending`, `sent` or `failed`.
    pub status: String,
    /// Feedback after it was sent, where the provider tells: `delivered`, `bounced`, …
    pub delivery_status: Option<String>,
    /// Reply of the provider.
    pub detail: Option<String>,
    /// Time at which it was settled.
    pub settled: Option<Moment>,
}

/// One try of the message at one provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptItem {
    /// Public id.
    pub id: String,
    /// The round of the retry schedule, from 1.
    pub round: u32,
    /// Name of the provider.
    pub provider: String,
    /// The class of the outcome, in words.
    pub class: String,
    /// The provider took it, for some recipients at least.
    pub ok: bool,
    /// The provider took it, but not for every recipient.
    pub partly: bool,
    /// Reply code and enhanced code.
    pub code: String,
    /// Answer of the service.
    pub text: String,
    /// Duration, in words.
    pub duration: String,
    /// Recipients accepted, of those tried.
    pub accepted: String,
    /// The provider's own id.
    pub provider_message_id: Option<String>,
    /// Candidates of the selection; none where that was not recorded.
    pub candidates: Vec<CandidateItem>,
    /// Time at which it started.
    pub started: Moment,
}

/// One entry of the timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineItem {
    /// `info`, `success`, `warning` or `error`.
    pub tone: String,
    /// Event, in words.
    pub title: String,
    /// More of it.
    pub detail: Option<String>,
    /// Point in time.
    pub at: Moment,
}
