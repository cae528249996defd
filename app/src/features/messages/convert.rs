//! Messages.

use super::model::{AttemptItem, MessageItem, MessageView, RecipientItem, WaitingView};
use super::timeline;
use crate::features::routing::convert::{candidates, considered};
use crate::server::words::{duration, label, moment, size};
use sendmux_domain::dry_run::DryRun;
use sendmux_domain::messages::query::{self, AttemptView, MessageDetail, MessageRow, RecipientView};
use sendmux_domain::messages::{Origin, Source};
use sendmux_rules::{Class, RecipientStatus, Timestamp, WaitReason};

/// A message in the list.
pub fn message_item(row: MessageRow, now: Timestamp) -> MessageItem {
    let others = row.recipient_count.saturating_sub(1);
    MessageItem {
        id: row.public_id,
        status: row.status.as_str().to_owned(),
        mode: row.mode.as_str().to_owned(),
        subject: row.subject,
        from: mailbox(&row.from_name, &row.from_email),
        to: and_others(row.first_recipient, others),
        created: moment(row.created_at, now),
        last_error: row.last_error.filter(|_| row.sent_count < row.recipient_count),
    }
}

/// A message's page.
pub fn message(detail: MessageDetail, would: Option<DryRun>, in_sandbox: bool, now: Timestamp) -> MessageView {
    MessageView {
        timeline: timeline::of(&detail, now),
        recipients: detail
            .recipients
            .into_iter()
            .map(|recipient| recipient_item(recipient, &detail.attempts, now))
            .collect(),
        attempts: detail
            .attempts
            .into_iter()
            .map(|attempt| attempt_item(attempt, now))
            .collect(),
        waiting: detail.waiting.map(|waiting| waiting_view(waiting, would, now)),
        return_path: detail.return_path,
        header_message_id: detail.header_message_id,
        source: came_in(source(detail.row.source), &detail.origin),
        size: size(detail.row.size),
        in_sandbox,
        item: message_item(detail.row, now),
    }
}

/// Interface that a message came through, in words.
pub fn source(source: Source) -> &'static str {
    match source {
        Source::Smtp => "SMTP",
        Source::System => "Sendmux itself",
        Source::Http => "HTTP",
    }
}

/// `SMTP, from 192.0.2.7, over TLSv1.3`.
fn came_in(source: &str, origin: &Origin) -> String {
    let from = origin.remote_address.iter().map(|address| format!("from {address}"));
    let tls = origin.tls.iter().map(|version| format!("over {version}"));
    std::iter::once(source.to_owned())
        .chain(from)
        .chain(tls)
        .collect::<Vec<_>>()
        .join(", ")
}

fn recipient_item(recipient: RecipientView, attempts: &[AttemptView], now: Timestamp) -> RecipientItem {
    // What is kept of a recipient that was sent to in the end may be an answer from before.
    let detail = reply_to_all(&recipient, attempts).or_else(|| recipient.reply.clone());
    RecipientItem {
        field: label(recipient.field.as_str()),
        address: mailbox(&recipient.name, &recipient.address),
        status: recipient.status.to_string(),
        delivery_status: recipient.delivery_status.map(|status| status.as_str().to_owned()),
        detail,
        settled: recipient.settled_at.map(|at| moment(at, now)),
    }
}

/// Reply of the provider to the attempt that the recipient was sent with: a reply is kept for a recipient only
/// where it was not the same for all.
fn reply_to_all(recipient: &RecipientView, attempts: &[AttemptView]) -> Option<String> {
    if recipient.status != RecipientStatus::Sent {
        return None;
    }
    let took = |attempt: &&AttemptView| {
        attempt.class == Class::Accepted && recipient.settled_at.is_none_or(|at| attempt.started_at <= at)
    };
    attempts.iter().rev().find(took).and_then(timeline::answer)
}

fn attempt_item(attempt: AttemptView, now: Timestamp) -> AttemptItem {
    let code = attempt.code.map(|code| code.to_string());
    let (tried, accepted) = attempt.recipients;
    let ok = attempt.class == Class::Accepted;
    let chosen = attempt.provider.as_ref().map(|(id, _)| id.as_str());
    let candidates = considered(attempt.candidates, chosen, now);
    let partly = ok && accepted < tried;
    AttemptItem {
        ok,
        partly,
        class: if partly {
            "Partly accepted".to_owned()
        } else {
            label(attempt.class.as_str())
        },
        provider: attempt
            .provider
            .map_or_else(|| "A deleted provider".to_owned(), |(_, name)| name),
        round: attempt.round,
        code: code.into_iter().chain(attempt.enhanced).collect::<Vec<_>>().join(" "),
        text: attempt.detail,
        duration: duration(attempt.duration_ms),
        accepted: format!("{accepted} of {tried} accepted"),
        provider_message_id: attempt.provider_message_id,
        candidates,
        started: moment(attempt.started_at, now),
        id: attempt.public_id,
    }
}

/// Reason of its waiting. `would` is what the providers of its scope would do with it now.
fn waiting_view(waiting: query::WaitingView, would: Option<DryRun>, now: Timestamp) -> WaitingView {
    let reason = match waiting.reason {
        None => "Next in line.",
        Some(WaitReason::Cap) => "The caps of its providers leave no room at the moment.",
        Some(WaitReason::Throttled) => "Its providers asked for a pause.",
        Some(WaitReason::Blocked) => "Its providers are pulled from rotation or switched off.",
        Some(WaitReason::Retry) => "The last round did not succeed; the next one is due later.",
        Some(WaitReason::Scheduled) => "It was scheduled for later.",
    };
    let by_hand = if waiting.by_hand {
        " None of them comes back by itself: it goes when somebody puts one back, or adds another."
    } else {
        ""
    };
    let is_due = waiting.by_hand || waiting.expected_at.as_millis() - now.as_millis() < 1_000;
    WaitingView {
        reason: format!("{reason}{by_hand}"),
        expected: (!is_due).then(|| moment(waiting.expected_at, now)),
        candidates: would.map(|run| candidates(run.candidates, now)).unwrap_or_default(),
    }
}

/// `Name <address>`, or the address alone.
pub fn mailbox(name: &str, address: &str) -> String {
    if name.is_empty() {
        address.to_owned()
    } else {
        format!("{name} <{address}>")
    }
}

/// `first and 3 more`, or the first alone.
pub fn and_others(first: String, others: u32) -> String {
    if others == 0 {
        first
    } else {
        format!("{first} and {others} more")
    }
}
