//! Disposition of a message after an attempt. The rules are `sendmux_rules::retry`'s; this translates their decisions
//! for the queue.

use sendmux_domain::queue::{Disposition, Progress, RecipientResult, Recipients, Row, Work};
use sendmux_domain::{Settings, Timestamp};
use sendmux_providers::SendReport;
use sendmux_rules::retry::{self, AfterRound, FailReason, Next, RetryPolicy};
use sendmux_rules::select::{Selection, Waiting};
use sendmux_rules::{Class, IoFault, MessageStatus, Outcome, RecipientStatus, Stage, WaitReason};

/// Interval at which a message is rechecked that waits for something that only a hand can open.
pub(crate) const RECHECK_INTERVAL: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// The schedule of this installation.
pub(crate) fn policy(settings: &Settings) -> RetryPolicy {
    RetryPolicy {
        delays: settings.retry_delays.clone(),
        expiry: settings.blocked_expiry,
    }
}

/// Outcome of an attempt at `provider_id` that came to `report`.
pub(crate) fn after_attempt(
    policy: &RetryPolicy,
    work: &Work,
    provider_id: i64,
    report: &SendReport,
    now: Timestamp,
) -> (Recipients, Disposition) {
    let mut progress = Progress::of(&work.queue);
    let mut statuses = Vec::with_capacity(work.recipients.len());
    let mut results = Vec::new();
    let mut noted: Vec<&Outcome> = Vec::new();
    let mut tried = false;
    for recipient in &work.recipients {
        let before = recipient.status;
        let position = u32::try_from(recipient.position).unwrap_or(u32::MAX);
        let outcome = report
            .outcomes
            .iter()
            .find(|outcome| outcome.position == position)
            .map(|one| &one.outcome);
        let (RecipientStatus::Pending, Some(outcome)) = (before, outcome) else {
            statuses.push(before);
            continue;
        };
        let status = before.settle(retry::recipient_status(outcome));
        tried |= outcome.effect_on_message().counts_as_tried();
        // Once for each different outcome, as the rule asks.
        if !noted.contains(&outcome) {
            progress.round.note(outcome);
            noted.push(outcome);
        }
        statuses.push(status);
        results.push(RecipientResult {
            position: recipient.position,
            status,
            outcome: outcome.clone(),
        });
    }
    if tried {
        progress.tried.push(provider_id);
    }
    // What it lacks for some of them does not rule it out for the others.
    let pending_results = || {
        results
            .iter()
            .filter(|result| result.status == RecipientStatus::Pending)
    };
    let lacks = |result: &RecipientResult| result.outcome.hint.filter(|hint| hint.is_lacking());
    if pending_results().all(|result| lacks(result).is_some())
        && let Some(hint) = pending_results().find_map(lacks)
    {
        progress.lacking.insert(provider_id, hint);
    }
    progress.sent = count(&statuses, RecipientStatus::Sent);
    progress.failed = count(&statuses, RecipientStatus::Failed);

    // What went wrong, in the words of the first recipient that was not accepted.
    let unsent = results
        .iter()
        .find(|result| result.status != RecipientStatus::Sent)
        .map(|result| result.outcome.cause());
    let cause = || {
        report
            .detail
            .clone()
            .or_else(|| unsent.clone())
            .unwrap_or_else(|| report.overall.cause())
    };
    let recipients = if statuses.iter().all(|status| *status == RecipientStatus::Sent) {
        Recipients::AllSent
    } else {
        Recipients::Each(results)
    };
    let pending = statuses.contains(&RecipientStatus::Pending);
    let disposition = if pending && !progress.round.closed {
        if progress.round.failed > 0
            && let AfterRound::RetryAt(at) = retry::after_round(policy, progress.round.number, now)
        {
            // Counted from here, however late it is looked at next.
            progress.round.retry_at = Some(at);
        }
        // Whether another candidate is left is for the next claim to say, which sees them as they then are. It keeps its
        // place in the lane, before what came later, so that it is looked at next.
        Disposition::Queued {
            due_at: work.queue.due_at.min(now),
            reason: None,
            progress,
            error: Some(cause()),
        }
    } else {
        match retry::round_end(policy, &statuses, &progress.round, None, progress.ready_since, now) {
            Next::Finish { status, reason } => finished(status, reason, &statuses, Some(cause())),
            Next::Retry { at, .. } => Disposition::Queued {
                due_at: at,
                reason: Some(WaitReason::Retry),
                progress: progress.next_round(at),
                error: Some(cause()),
            },
            // Nothing to wait for was given.
            next @ Next::Wait { .. } => Disposition::Queued {
                due_at: next.wake_at().unwrap_or_else(|| now.plus(RECHECK_INTERVAL)),
                reason: None,
                progress,
                error: Some(cause()),
            },
        }
    };
    (recipients, disposition)
}

/// The outcome of an attempt that nobody can tell the end of.
pub(crate) fn unknown(rule: &'static str) -> Outcome {
    Outcome {
        class: Class::Unknown,
        stage: Stage::AfterBody,
        reply: None,
        fault: Some(IoFault::Reset),
        retry_after: None,
        permanent: false,
        hint: None,
        confirmed: false,
        rule,
    }
}

/// Disposition of a message for which no provider can be chosen now.
pub(crate) enum Unserved {
    /// It waits, with this progress.
    Wait {
        wake_at: Timestamp,
        reason: WaitReason,
        progress: Progress,
    },
    /// It goes to the next round.
    Retry { at: Timestamp, progress: Progress },
    /// It is finished.
    Finish(Disposition),
}

/// Disposition of a message for which the selection has chosen nobody.
pub(crate) fn unserved(
    policy: &RetryPolicy,
    row: &Row,
    mut progress: Progress,
    selection: &Selection,
    now: Timestamp,
) -> Unserved {
    // Nobody has to ask once more to know why it fails.
    progress.round.refusal = retry::why_unserved(&selection.considered, progress.round.refusal);
    held_back(policy, row, progress, selection.waiting.as_ref(), now)
}

/// Disposition of a message that waits for this, if for anything.
fn held_back(
    policy: &RetryPolicy,
    row: &Row,
    mut progress: Progress,
    waiting: Option<&Waiting>,
    now: Timestamp,
) -> Unserved {
    let statuses = progress.statuses(u32::try_from(row.recipient_count).unwrap_or(0));
    let next = retry::round_end(policy, &statuses, &progress.round, waiting, progress.ready_since, now);
    match next {
        Next::Finish { status, reason } => Unserved::Finish(finished(status, reason, &statuses, None)),
        Next::Retry { at, .. } => {
            let at = progress.round.retry_at.map_or(at, |settled| settled.min(at));
            Unserved::Retry {
                at,
                progress: progress.next_round(at),
            }
        }
        Next::Wait { reason, retry_at, .. } => {
            progress.round.retry_at = retry_at;
            let wake_at = next.wake_at().unwrap_or_else(|| now.plus(RECHECK_INTERVAL));
            Unserved::Wait {
                wake_at,
                // What holds the candidates back, even when the next round is due before they open by themselves: a hand
                // that opens one of them lets the message go in this round.
                reason: waiting.map_or(reason, |waiting| waiting.reason),
                progress,
            }
        }
    }
}

/// Deaths of nodes that cost a message no round. A message beyond them may be what the nodes die of.
const FREE_TAKEOVERS: u32 = 10;

/// Outcome for a message whose node died while sending it. Nobody knows whether it was sent, so it waits as
/// after a first round; but no provider has failed, so the round begins anew.
pub(crate) fn after_node_death(settings: &Settings, row: &Row, outcome: &Outcome, now: Timestamp) -> Disposition {
    let mut progress = Progress::of(row);
    let policy = policy(settings);
    if progress.takeovers < FREE_TAKEOVERS
        && let AfterRound::RetryAt(at) = retry::after_round(&policy, 1, now)
    {
        return Disposition::Queued {
            due_at: at,
            reason: Some(WaitReason::Retry),
            progress: progress.same_round(at),
            error: Some(outcome.cause()),
        };
    }
    progress.round.note(outcome);
    match held_back(&policy, row, progress, None, now) {
        Unserved::Finish(disposition) => disposition,
        Unserved::Retry { at, progress } => Disposition::Queued {
            due_at: at,
            reason: Some(WaitReason::Retry),
            progress,
            error: Some(outcome.cause()),
        },
        Unserved::Wait {
            wake_at,
            reason,
            progress,
        } => Disposition::Queued {
            due_at: wake_at,
            reason: Some(reason),
            progress,
            error: Some(outcome.cause()),
        },
    }
}

fn finished(
    status: MessageStatus,
    reason: Option<FailReason>,
    statuses: &[RecipientStatus],
    cause: Option<String>,
) -> Disposition {
    let sent = count(statuses, RecipientStatus::Sent);
    let failed = u32::try_from(statuses.len()).unwrap_or(u32::MAX).saturating_sub(sent);
    let error = reason.map(|reason| {
        let why = explain(reason);
        cause.map_or_else(|| why.to_owned(), |cause| format!("{why}: {cause}"))
    });
    let int = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    Disposition::Finished {
        status,
        sent: int(sent),
        failed: int(failed),
        error,
    }
}

fn explain(reason: FailReason) -> &'static str {
    match reason {
        FailReason::Refused => "refused",
        FailReason::SenderRefused => {
            "no provider of this key lets this sender send; verify the sender's domain at a provider"
        }
        FailReason::TooLarge => "no provider of this key takes a message of this size",
        FailReason::TooManyRecipients => "no provider of this key takes so many recipients",
        FailReason::NoSmtputf8 => {
            "no provider of this key takes addresses or headers beyond ASCII: the servers do not offer SMTPUTF8"
        }
        FailReason::HeaderRecipients => {
            "the providers that are left send to everyone in the headers, and some of them are not to have the message, or \
             have it already"
        }
        FailReason::RetriesExhausted => "every round of tries ended without success",
        FailReason::Expired => "it waited too long for providers that are out of rotation",
        FailReason::NoProvider => "no provider is left in the scope of its key that could take it",
    }
}

fn count(statuses: &[RecipientStatus], of: RecipientStatus) -> u32 {
    u32::try_from(statuses.iter().filter(|status| **status == of).count()).unwrap_or(u32::MAX)
}
