//! Effects of an outcome on the message and on the provider.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::outcome::{BlockKind, Class, Hint, Outcome, Stage};

/// Effect on the recipients of an outcome: all pending ones, or the one of the RCPT command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEffect {
    /// The recipients are sent.
    Sent,
    /// The recipients fail.
    Fails,
    /// The recipients stay pending until the next round; no other provider is tried in this one.
    NextRound,
    /// Another provider is tried at once; without one the recipients fail.
    AnotherOrFail,
    /// Another provider is tried at once; without one the recipients wait until this one opens. It does not count as
    /// tried in this round.
    AnotherOrWait,
    /// Another provider is tried at once; without one the recipients wait for the next round.
    AnotherOrRetry,
}

/// Effect on the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderEffect {
    /// None: the fault is not the provider's.
    None,
    /// The provider works: its next pause is the shortest again.
    Works,
    /// A failure; the third within five minutes blocks it with this kind.
    Failure(BlockKind),
    /// Blocked at once.
    Block(BlockKind),
    /// Paused for the time it asked for, or by the schedule.
    Pause(Option<Duration>),
    /// Left out for this sender's domain for a while.
    LeaveOutSender,
    /// An alert to the operator; the account is not at fault.
    TellOperator,
}

/// Effect on the message, by section of the classes' table.
///
/// Deferrals and unknown replies before RCPT say nothing about the recipients, so another provider is tried.
pub fn effect_on_message(outcome: &Outcome) -> MessageEffect {
    let before_rcpt = outcome.stage.is_before_rcpt();
    match outcome.class {
        Class::Accepted => MessageEffect::Sent,
        Class::RecipientRefused => MessageEffect::Fails,
        Class::MessageRefused if outcome.hint.is_some_and(Hint::is_lacking) => MessageEffect::AnotherOrFail,
        Class::MessageRefused => MessageEffect::Fails,
        Class::SenderRefused => MessageEffect::AnotherOrFail,
        Class::Throttled | Class::Quota => MessageEffect::AnotherOrWait,
        Class::Connection | Class::Auth | Class::Config => MessageEffect::AnotherOrRetry,
        Class::Unknown => MessageEffect::NextRound,
        Class::Other if outcome.permanent && before_rcpt => MessageEffect::AnotherOrFail,
        Class::Other if outcome.permanent => MessageEffect::Fails,
        Class::Deferred | Class::Other if before_rcpt => MessageEffect::AnotherOrRetry,
        Class::Deferred | Class::Other => MessageEffect::NextRound,
    }
}

/// Effect on the provider. A refused login that was not confirmed on a fresh connection is only a failure.
pub fn effect_on_provider(outcome: &Outcome) -> ProviderEffect {
    if outcome.hint == Some(Hint::Installation) {
        return ProviderEffect::TellOperator;
    }
    match outcome.class {
        // An accepted recipient is not yet an accepted message.
        Class::Accepted if outcome.stage == Stage::RcptTo => ProviderEffect::None,
        Class::Accepted => ProviderEffect::Works,
        Class::RecipientRefused | Class::MessageRefused | Class::Deferred => ProviderEffect::None,
        Class::SenderRefused => ProviderEffect::LeaveOutSender,
        Class::Throttled => ProviderEffect::Pause(outcome.retry_after),
        Class::Quota => ProviderEffect::Block(BlockKind::Quota),
        Class::Connection | Class::Unknown => ProviderEffect::Failure(BlockKind::Connection),
        Class::Auth if !outcome.confirmed => ProviderEffect::Failure(BlockKind::Auth),
        Class::Auth => ProviderEffect::Block(BlockKind::Auth),
        Class::Config => ProviderEffect::Block(BlockKind::Config),
        Class::Other if outcome.stage.is_before_rcpt() => ProviderEffect::Failure(BlockKind::Connection),
        Class::Other => ProviderEffect::None,
    }
}

impl Outcome {
    /// See [`effect_on_message`].
    pub fn effect_on_message(&self) -> MessageEffect {
        effect_on_message(self)
    }

    /// See [`effect_on_provider`].
    pub fn effect_on_provider(&self) -> ProviderEffect {
        effect_on_provider(self)
    }
}
