//! Retries: the next step of a message between and after its attempts.
//!
//! A round tries each candidate at most once. It ends when no candidate is left, or at once when an outcome forbids
//! another provider (a deferral, an unknown outcome). Then the message waits for the next round, four in all. Meanwhile
//! a candidate that only a cap, a pause or a block held back takes it as soon as it opens, in the same round.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::classify::MessageEffect;
use crate::names::named_enum;
use crate::outcome::{Class, Hint, Outcome};
use crate::select::{Considered, LeftOut, Waiting};
use crate::status::{MessageStatus, RecipientStatus, WaitReason};
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The schedule of retries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Delay after each round but the last.
    pub delays: Vec<Duration>,
    /// Time that a message waits for blocked providers alone before it fails.
    pub expiry: Duration,
}

impl Default for RetryPolicy {
    /// 5 minutes, 2 hours, 12 hours; 72 hours.
    fn default() -> Self {
        Self {
            delays: vec![HOUR / 12, 2 * HOUR, 12 * HOUR],
            expiry: 72 * HOUR,
        }
    }
}

/// Step after a round without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterRound {
    /// Start of the next round.
    RetryAt(Timestamp),
    /// That was the last round.
    Fail,
}

/// Step after round `round`, counted from 1, which ended without success at `now`.
pub fn after_round(policy: &RetryPolicy, round: u32, now: Timestamp) -> AfterRound {
    let index = usize::try_from(round).unwrap_or(usize::MAX).saturating_sub(1);
    policy
        .delays
        .get(index)
        .map_or(AfterRound::Fail, |delay| AfterRound::RetryAt(now.plus(*delay)))
}

named_enum! {
    /// Reason why recipients of a message failed.
    pub enum FailReason {
        /// The recipients, or the message, were refused.
        Refused = "refused",
        /// No provider lets this sender send.
        SenderRefused = "sender_refused",
        /// No provider takes a message of this size.
        TooLarge = "too_large",
        /// No provider takes so many recipients.
        TooManyRecipients = "too_many_recipients",
        /// No provider offers SMTPUTF8.
        NoSmtputf8 = "no_smtputf8",
        /// The providers send to everyone in the headers at once, and not all of them are to get the message now.
        HeaderRecipients = "header_recipients",
        /// All rounds ended without success.
        RetriesExhausted = "retries_exhausted",
        /// The message waited for blocked providers alone for too long.
        Expired = "expired",
        /// No provider is left that could take the message for its pending recipients.
        NoProvider = "no_provider",
    }
}

/// State of the current round. Stored with the message; a new message has `Round::first()`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Number of the round, from 1.
    pub number: u32,
    /// Attempts of this round with a temporary failure.
    pub failed: u32,
    /// True if an outcome forbade other providers in this round.
    pub closed: bool,
    /// Start of the next round, once it is set.
    pub retry_at: Option<Timestamp>,
    /// The last refusal after which other providers may be tried.
    pub refusal: Option<FailReason>,
}

impl Round {
    /// The first round.
    pub const fn first() -> Self {
        Self::numbered(1)
    }

    const fn numbered(number: u32) -> Self {
        Self {
            number,
            failed: 0,
            closed: false,
            retry_at: None,
            refusal: None,
        }
    }

    /// The next round, without tried candidates.
    #[must_use]
    pub const fn next(&self) -> Self {
        Self::numbered(self.number.saturating_add(1))
    }

    /// The same round from its start.
    #[must_use]
    pub const fn again(&self) -> Self {
        Self::numbered(self.number)
    }

    /// Records the effect of an outcome on the recipients that it leaves pending. Call it once for an attempt, or once
    /// for each different outcome of an attempt that had several.
    pub fn note(&mut self, outcome: &Outcome) {
        match outcome.effect_on_message() {
            MessageEffect::Sent | MessageEffect::Fails | MessageEffect::AnotherOrWait => {}
            MessageEffect::AnotherOrRetry => self.failed = self.failed.saturating_add(1),
            MessageEffect::NextRound => {
                self.failed = self.failed.saturating_add(1);
                self.closed = true;
            }
            MessageEffect::AnotherOrFail => {
                self.refusal = Some(match outcome.class {
                    Class::SenderRefused => FailReason::SenderRefused,
                    Class::MessageRefused => match outcome.hint {
                        Some(Hint::NoSmtputf8) => FailReason::NoSmtputf8,
                        Some(Hint::HeaderRecipients) => FailReason::HeaderRecipients,
                        _ => FailReason::TooLarge,
                    },
                    _ => FailReason::Refused,
                });
            }
        }
    }
}

/// The reason why no provider takes a message, from the permanent reasons against each candidate and the last
/// `refusal`.
///
/// `None` when there is none, or not the same one everywhere. A server's refusal comes first, since its text says more;
/// a refused sender comes before missing capabilities, since it can be remedied.
pub fn why_unserved(considered: &[Considered], refusal: Option<FailReason>) -> Option<FailReason> {
    let found = considered.iter().filter_map(|one| one.left_out?.fail_reason());
    let mut reasons = refusal.into_iter().chain(found);
    let first = reasons.next()?;
    let mut all_same = true;
    for reason in std::iter::once(first).chain(reasons) {
        match reason {
            FailReason::Refused | FailReason::SenderRefused => return Some(reason),
            other => all_same &= other == first,
        }
    }
    all_same.then_some(first)
}

impl LeftOut {
    const fn fail_reason(self) -> Option<FailReason> {
        match self {
            Self::TooLarge => Some(FailReason::TooLarge),
            Self::TooManyRecipients => Some(FailReason::TooManyRecipients),
            Self::NoSmtputf8 => Some(FailReason::NoSmtputf8),
            Self::HeaderRecipients => Some(FailReason::HeaderRecipients),
            Self::SenderRefused => Some(FailReason::SenderRefused),
            Self::Tried | Self::Inactive | Self::ZeroWeight | Self::Blocked | Self::Paused | Self::Cap | Self::Busy => {
                None
            }
        }
    }
}

impl MessageEffect {
    /// True if the provider counts as tried in this round for the recipients that it leaves pending. One that is only
    /// held back from now on does not, whatever it did with other recipients of the message before.
    pub const fn counts_as_tried(self) -> bool {
        matches!(self, Self::NextRound | Self::AnotherOrFail | Self::AnotherOrRetry)
    }

    /// True if another provider is tried at once.
    pub const fn fails_over(self) -> bool {
        matches!(self, Self::AnotherOrFail | Self::AnotherOrWait | Self::AnotherOrRetry)
    }
}

/// Status after this outcome of a recipient that was pending. Use with [`RecipientStatus::settle`].
pub fn recipient_status(outcome: &Outcome) -> RecipientStatus {
    match outcome.effect_on_message() {
        MessageEffect::Sent => RecipientStatus::Sent,
        MessageEffect::Fails => RecipientStatus::Failed,
        MessageEffect::NextRound
        | MessageEffect::AnotherOrFail
        | MessageEffect::AnotherOrWait
        | MessageEffect::AnotherOrRetry => RecipientStatus::Pending,
    }
}

/// Status of a message if its pending recipients fail.
pub fn final_status(recipients: &[RecipientStatus]) -> MessageStatus {
    let sent = recipients
        .iter()
        .filter(|status| **status == RecipientStatus::Sent)
        .count();
    match sent {
        0 => MessageStatus::Failed,
        sent if sent == recipients.len() => MessageStatus::Sent,
        _ => MessageStatus::PartiallySent,
    }
}

/// Next step of a message, after an attempt or when no provider could be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The message is finished; recipients that are still pending fail for this reason.
    Finish {
        /// `sent`, `partially_sent` or `failed`.
        status: MessageStatus,
        /// Reason why some recipients were not sent to.
        reason: Option<FailReason>,
    },
    /// The message goes on in the same round as soon as a candidate opens, or in the next one if that is due first.
    Wait {
        /// Wait reason of the candidate that opens first.
        reason: WaitReason,
        /// Time at which the first candidate opens by itself.
        opens_at: Option<Timestamp>,
        /// Start of the next round ([`Round::next`]), if one is due.
        retry_at: Option<Timestamp>,
        /// Time at which the message fails if no candidate has opened.
        expires_at: Option<Timestamp>,
    },
    /// This round is over; the next one begins later.
    Retry {
        /// Number of the next round.
        round: u32,
        /// Start of the next round.
        at: Timestamp,
    },
}

impl Next {
    /// Time at which the message is due again by itself; `None` if it is finished, or waits for a change made by hand.
    pub fn wake_at(&self) -> Option<Timestamp> {
        match *self {
            Self::Finish { .. } => None,
            Self::Retry { at, .. } => Some(at),
            Self::Wait {
                opens_at,
                retry_at,
                expires_at,
                ..
            } => [opens_at, retry_at, expires_at].into_iter().flatten().min(),
        }
    }
}

/// Decides the next step of a message that no candidate can take now, or none may.
///
/// - `recipients`: their statuses after the attempts so far;
/// - `waiting`: the wait returned by [`crate::select()`], with the candidates of this round marked as tried;
/// - `ready_since`: time since when it could have gone: its acceptance, its scheduled time, or the start of this round.
///
/// While a candidate is open and the round is not closed, try it instead of calling this.
pub fn round_end(
    policy: &RetryPolicy,
    recipients: &[RecipientStatus],
    round: &Round,
    waiting: Option<&Waiting>,
    ready_since: Timestamp,
    now: Timestamp,
) -> Next {
    let finish = |reason| Next::Finish {
        status: final_status(recipients),
        reason,
    };
    if !recipients.contains(&RecipientStatus::Pending) {
        let failed = recipients.contains(&RecipientStatus::Failed);
        return finish(failed.then_some(FailReason::Refused));
    }
    let retry_at = match after_round(policy, round.number, now) {
        _ if round.failed == 0 => None,
        AfterRound::RetryAt(at) => Some(at),
        AfterRound::Fail => None,
    };
    match waiting {
        Some(waiting) if !round.closed => {
            // A later time was set by a clock that was ahead.
            let retry_at = retry_at.map(|at| round.retry_at.map_or(at, |settled| settled.min(at)));
            match wait(policy, waiting, retry_at, ready_since) {
                Next::Wait {
                    expires_at: Some(at), ..
                } if at <= now => finish(Some(FailReason::Expired)),
                next => next,
            }
        }
        _ => match retry_at {
            Some(at) => Next::Retry {
                round: round.number.saturating_add(1),
                at,
            },
            None if round.failed > 0 => finish(Some(FailReason::RetriesExhausted)),
            None => finish(Some(round.refusal.unwrap_or(FailReason::NoProvider))),
        },
    }
}

fn wait(policy: &RetryPolicy, waiting: &Waiting, retry_at: Option<Timestamp>, ready_since: Timestamp) -> Next {
    let retry_first = retry_at.is_some_and(|retry| waiting.opens_at.is_none_or(|opens| retry <= opens));
    // While another round is to come, the message does not wait for blocked providers alone.
    let blocked_since = waiting.blocked_since.filter(|_| retry_at.is_none());
    Next::Wait {
        reason: if retry_first { WaitReason::Retry } else { waiting.reason },
        opens_at: waiting.opens_at,
        retry_at,
        expires_at: blocked_since.map(|since| since.max(ready_since).plus(policy.expiry)),
    }
}

#[cfg(test)]
mod tests;
