//! Messages, their recipients, attempts and timeline.

use super::{CandidateItem, Moment};
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
    /// When it was accepted.
    pub created: Moment,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// A message's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageView {
    /// What the list shows.
    pub item: MessageItem,
    /// Return path; none is the null reverse-path.
    pub return_path: Option<String>,
    /// The Message-ID header.
    pub header_message_id: String,
    /// How it came in: `SMTP`, from which address, over which TLS.
    pub source: String,
    /// Size with headers and attachments, in words.
    pub size: String,
    /// Its status, recipient by recipient.
    pub recipients: Vec<RecipientItem>,
    /// Oldest first.
    pub attempts: Vec<AttemptItem>,
    /// Oldest first.
    pub timeline: Vec<TimelineItem>,
    /// Why it waits, when it does.
    pub waiting: Option<WaitingView>,
    /// The sandbox captured it.
    pub in_sandbox: bool,
}

/// Why a message waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WaitingView {
    /// In words.
    pub reason: String,
    /// When it expects to go.
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
    /// What became of it after it was sent, where the provider tells: `delivered`, `bounced`, …
    pub delivery_status: Option<String>,
    /// What was answered for it.
    pub detail: Option<String>,
    /// When it was settled.
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
    /// What was answered.
    pub text: String,
    /// How long it took, in words.
    pub duration: String,
    /// Recipients accepted, of those tried.
    pub accepted: String,
    /// The provider's own id.
    pub provider_message_id: Option<String>,
    /// Why this provider: those that were looked at; none where that was not recorded.
    pub candidates: Vec<CandidateItem>,
    /// When it started.
    pub started: Moment,
}

/// One entry of the timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineItem {
    /// `info`, `success`, `warning` or `error`.
    pub tone: String,
    /// What happened.
    pub title: String,
    /// More of it.
    pub detail: Option<String>,
    /// When.
    pub at: Moment,
}
