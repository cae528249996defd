//! The timeline of a message, told from the message and its attempts.

use super::messages::source;
use crate::model::TimelineItem;
use crate::server::moment::moment;
use sendmux_domain::feedback::{Standing, Told};
use sendmux_domain::messages::query::{AttemptView, MessageDetail};
use sendmux_rules::{MessageStatus, Timestamp};

/// What happened to a message, oldest first.
pub fn of(detail: &MessageDetail, now: Timestamp) -> Vec<TimelineItem> {
    let row = &detail.row;
    let entry = |tone: &str, title: String, detail: Option<String>, at: Timestamp| TimelineItem {
        tone: tone.to_owned(),
        title,
        detail,
        at: moment(at, now),
    };
    let mut entries = vec![entry(
        "info",
        format!("Accepted over {}", source(&row.source)),
        Some(recipients(row.recipient_count)),
        row.created_at,
    )];
    let mut round = 1;
    for attempt in &detail.attempts {
        if attempt.round > round {
            round = attempt.round;
            entries.push(entry("info", format!("Round {round} began"), None, attempt.started_at));
        }
        let (tone, title, text) = told(attempt);
        entries.push(entry(tone, title, text, attempt.started_at));
    }
    if let Some(at) = row.finished_at {
        let counts = (row.recipient_count > 1).then(|| {
            format!(
                "{} of {} recipients accepted, {} failed",
                row.sent_count, row.recipient_count, row.failed_count
            )
        });
        let (tone, title, text) = match row.status {
            MessageStatus::Sent => ("success", "Sent", counts),
            MessageStatus::PartiallySent => ("warning", "Partly sent", counts),
            MessageStatus::Cancelled => ("warning", "Cancelled", None),
            _ => ("error", "Failed", row.last_error.clone().or(counts)),
        };
        entries.push(entry(tone, title.to_owned(), text, at));
    }
    for told in &detail.feedback {
        let (tone, title) = came_back(told);
        entries.push(entry(tone, title, said(told), told.at));
    }
    if let Some(at) = detail.content_removed_at {
        let why =
            "It is no longer kept: neither its source nor its attachments can be had, and it cannot be sent again.";
        entries.push(entry("info", "Content removed".to_owned(), Some(why.to_owned()), at));
    }
    entries
}

/// What was told of a message after a provider took it.
fn came_back(told: &Told) -> (&'static str, String) {
    let addresses: Vec<&str> = told.data.recipients.iter().map(|one| one.email.as_str()).collect();
    let whom = if addresses.is_empty() {
        "a recipient".to_owned()
    } else {
        addresses.join(", ")
    };
    match told.standing() {
        Standing::Delivered => ("success", format!("Delivered to {whom}")),
        Standing::Bounced => ("error", format!("Bounced for good: {whom}")),
        Standing::SoftBounced => ("warning", format!("Bounced: {whom}")),
        Standing::Complained => ("error", format!("Complaint by {whom}")),
        Standing::Rejected => ("error", "Rejected by the provider after it took it".to_owned()),
        Standing::Delayed => ("warning", format!("Delivery to {whom} is delayed")),
    }
}

/// What servers answered, or else what the provider says of it.
fn said(told: &Told) -> Option<String> {
    let diagnostic = told.data.recipients.iter().find_map(|one| one.diagnostic.clone());
    diagnostic.or_else(|| told.data.detail.clone())
}

/// What the provider answered: reply code, enhanced status code and text; none when there was nothing.
pub fn answer(attempt: &AttemptView) -> Option<String> {
    let code = attempt.code.map(|code| code.to_string());
    let parts: Vec<String> = code
        .into_iter()
        .chain(attempt.enhanced.clone())
        .chain(Some(attempt.detail.clone()).filter(|text| !text.is_empty()))
        .collect();
    Some(parts.join(" ")).filter(|text| !text.is_empty())
}

fn told(attempt: &AttemptView) -> (&'static str, String, Option<String>) {
    let provider = attempt
        .provider
        .as_ref()
        .map_or("a deleted provider", |(_, name)| name.as_str());
    let (tried, accepted) = attempt.recipients;
    let answer = answer(attempt);
    match attempt.class.as_str() {
        "accepted" if accepted < tried => (
            "warning",
            format!("{provider} took it for {accepted} of {tried} recipients"),
            answer,
        ),
        "accepted" => ("success", format!("{provider} took it"), answer),
        "unknown" => (
            "warning",
            format!("{provider}: it is not known whether it was taken"),
            answer,
        ),
        "deferred" | "throttled" => ("warning", format!("{provider}: not now"), answer),
        _ => ("error", format!("{provider} did not take it"), answer),
    }
}

fn recipients(count: u32) -> String {
    if count == 1 {
        "1 recipient".to_owned()
    } else {
        format!("{count} recipients")
    }
}
