//! The timeline of a message, made from the message, its attempts and its feedback.

use super::convert::source;
use super::model::TimelineItem;
use crate::server::words::moment;
use sendmux_domain::feedback::{DeliveryStatus, FeedbackEvent};
use sendmux_domain::messages::query::{AttemptView, MessageDetail};
use sendmux_rules::{Class, MessageStatus, Timestamp};

/// Events of a message, oldest first.
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
        format!("Accepted over {}", source(row.source)),
        Some(recipients(row.recipient_count)),
        row.created_at,
    )];
    let mut round = 1;
    for attempt in &detail.attempts {
        if attempt.round > round {
            round = attempt.round;
            entries.push(entry("info", format!("Round {round} began"), None, attempt.started_at));
        }
        let (tone, title, text) = attempt_text(attempt);
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
    for event in &detail.feedback {
        let (tone, title) = feedback_text(event);
        entries.push(entry(tone, title, feedback_detail(event), event.at));
    }
    if let Some(at) = detail.content_removed_at {
        let why =
            "It is no longer kept: neither its source nor its attachments can be had, and it cannot be sent again.";
        entries.push(entry("info", "Content removed".to_owned(), Some(why.to_owned()), at));
    }
    entries
}

/// Tone and text of a feedback event.
fn feedback_text(event: &FeedbackEvent) -> (&'static str, String) {
    let addresses: Vec<&str> = event.data.recipients.iter().map(|one| one.email.as_str()).collect();
    let whom = if addresses.is_empty() {
        "a recipient".to_owned()
    } else {
        addresses.join(", ")
    };
    match event.delivery_status() {
        DeliveryStatus::Delivered => ("success", format!("Delivered to {whom}")),
        DeliveryStatus::Bounced => ("error", format!("Bounced for good: {whom}")),
        DeliveryStatus::SoftBounced => ("warning", format!("Bounced: {whom}")),
        DeliveryStatus::Complained => ("error", format!("Complaint by {whom}")),
        DeliveryStatus::Rejected => ("error", "Rejected by the provider after it took it".to_owned()),
        DeliveryStatus::Delayed => ("warning", format!("Delivery to {whom} is delayed")),
    }
}

/// The answer of the recipient's server, or else what the provider says about it.
fn feedback_detail(event: &FeedbackEvent) -> Option<String> {
    let diagnostic = event.data.recipients.iter().find_map(|one| one.diagnostic.clone());
    diagnostic.or_else(|| event.data.detail.clone())
}

/// Reply of the provider: reply code, enhanced status code and text; none when there was nothing.
pub fn answer(attempt: &AttemptView) -> Option<String> {
    let code = attempt.code.map(|code| code.to_string());
    let parts: Vec<String> = code
        .into_iter()
        .chain(attempt.enhanced.clone())
        .chain(Some(attempt.detail.clone()).filter(|text| !text.is_empty()))
        .collect();
    Some(parts.join(" ")).filter(|text| !text.is_empty())
}

fn attempt_text(attempt: &AttemptView) -> (&'static str, String, Option<String>) {
    let provider = attempt
        .provider
        .as_ref()
        .map_or("a deleted provider", |(_, name)| name.as_str());
    let (tried, accepted) = attempt.recipients;
    let answer = answer(attempt);
    match attempt.class {
        Class::Accepted if accepted < tried => (
            "warning",
            format!("{provider} took it for {accepted} of {tried} recipients"),
            answer,
        ),
        Class::Accepted => ("success", format!("{provider} took it"), answer),
        Class::Unknown => (
            "warning",
            format!("{provider}: it is not known whether it was taken"),
            answer,
        ),
        Class::Deferred | Class::Throttled => ("warning", format!("{provider}: not now"), answer),
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
