//! Health of a provider: failures, blocks and pauses.
//!
//! Failures that are the provider's fault are counted. The third within five minutes blocks it; a definite fault blocks
//! it at once. A throttled provider is paused. After a block the provider starts with a clean record.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::classify::ProviderEffect;
use crate::names::named_enum;
use crate::outcome::{BlockKind, Outcome, truncate};
use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Thresholds and durations of blocks and pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthPolicy {
    /// Failures that block a provider.
    pub failures: usize,
    /// Time within which these failures must fall.
    pub within: Duration,
    /// Length of a `quota` block.
    pub quota: Duration,
    /// Length of a `connection` block.
    pub connection: Duration,
    /// First pause of a throttled provider that named no time.
    pub first_pause: Duration,
    /// Limit of the doubling of pauses.
    pub longest_pause: Duration,
    /// Limit of a pause that the provider asked for.
    pub longest_asked: Duration,
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self {
            failures: 3,
            within: 5 * MINUTE,
            quota: 24 * HOUR,
            connection: HOUR,
            first_pause: Duration::from_secs(30),
            longest_pause: 5 * MINUTE,
            longest_asked: 24 * HOUR,
        }
    }
}

/// A block: a provider out of rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Kind of fault.
    pub kind: BlockKind,
    /// Time at which it was blocked.
    pub since: Timestamp,
    /// Time at which it ends by itself; `None` until it is cleared by hand.
    pub until: Option<Timestamp>,
    /// Reply or fault of the provider, in one line.
    pub cause: String,
}

impl Block {
    fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// True if this block lasts longer than the other: until cleared by hand, then a day, then an hour.
    fn outweighs(&self, other: &Self) -> bool {
        match (self.until, other.until) {
            (None, None) | (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some(mine), Some(theirs)) => mine > theirs,
        }
    }
}

/// A pause: a throttled provider that is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Time from which the provider may be tried again. The pause is kept after that, so that the next one is longer.
    pub until: Timestamp,
    /// Pauses in a row without an accepted message between them, this one included.
    pub step: u32,
}

/// Health of a provider. `Health::default()` is a clean record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// Recent failures, oldest first; always fewer than [`HealthPolicy::failures`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Timestamp>,
    /// The last block. One that has ended no longer counts, see [`Health::block_at`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// The last pause, ended or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Time of the first block since the provider last took a message, across blocks that follow each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_since: Option<Timestamp>,
}

named_enum! {
    /// Cause of the end of a block.
    pub enum RecoveryCause {
        /// Its time was over.
        Expired = "expired",
        /// A connection test passed, or the provider was authorised again.
        Tested = "tested",
        /// It was cleared by hand.
        ByHand = "by_hand",
    }
}

/// A change of a provider's health. Each is shown, and sent to webhooks, with its cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthEvent {
    /// The provider was blocked.
    Blocked(Block),
    /// The provider is back in rotation.
    Recovered {
        /// The block that ended.
        block: Block,
        /// Cause of its end.
        by: RecoveryCause,
    },
    /// The provider was paused.
    Paused(Pause),
    /// A fault of the installation itself, for example of its OAuth client, that the operator must be alerted to.
    OperatorFault(String),
}

impl Health {
    /// The block in force at `now`.
    pub fn block_at(&self, now: Timestamp) -> Option<&Block> {
        self.block.as_ref().filter(|block| block.holds(now))
    }

    /// The pause in force at `now`.
    pub fn pause_at(&self, now: Timestamp) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| now < pause.until)
    }
}

/// Dates times that lie ahead of `now` by more than the clock tolerance back to `now`: a block keeps its length, a
/// pause becomes no longer than the longest that nobody asked for. To be called when the clock has been set back.
/// Returns true if anything changed.
pub fn set_back(policy: &HealthPolicy, health: &mut Health, now: Timestamp) -> bool {
    let before = health.clone();
    for at in health.failures.iter_mut().chain(&mut health.out_since) {
        if at.is_ahead_of(now) {
            *at = now;
        }
    }
    if let Some(block) = &mut health.block
        && block.since.is_ahead_of(now)
    {
        block.until = block.until.map(|until| now.plus(until.since(block.since)));
        block.since = now;
    }
    if let Some(pause) = &mut health.pause {
        // The length that was asked for is not stored; a provider that is still throttled asks again.
        let longest = now.plus(policy.longest_pause);
        if pause.until.is_ahead_of(longest) {
            pause.until = longest;
        }
    }
    *health != before
}

/// Health of the provider after an attempt with this outcome, and what changed.
pub fn on_outcome(
    policy: &HealthPolicy,
    health: Health,
    outcome: &Outcome,
    now: Timestamp,
) -> (Health, Vec<HealthEvent>) {
    let (mut health, mut events) = expire(health, now);
    match outcome.effect_on_provider() {
        ProviderEffect::None | ProviderEffect::LeaveOutSender => {}
        ProviderEffect::Works => works(&mut health, now),
        ProviderEffect::Failure(kind) => events.extend(failure(policy, &mut health, kind, outcome, now)),
        ProviderEffect::Block(kind) => events.extend(pull(policy, &mut health, kind, outcome, now)),
        ProviderEffect::Pause(asked) => events.extend(pause(policy, &mut health, asked, now)),
        ProviderEffect::TellOperator => events.push(HealthEvent::OperatorFault(outcome.cause())),
    }
    (health, events)
}

/// Records an accepted message. An attempt that began before a pause or block says nothing about the provider since.
fn works(health: &mut Health, now: Timestamp) {
    if health.pause_at(now).is_none() {
        health.pause = None;
    }
    if health.block.is_none() {
        health.out_since = None;
    }
}

fn failure(
    policy: &HealthPolicy,
    health: &mut Health,
    kind: BlockKind,
    outcome: &Outcome,
    now: Timestamp,
) -> Option<HealthEvent> {
    if health.block.is_some() {
        return None;
    }
    let oldest = now.minus(policy.within);
    health.failures.retain(|at| *at >= oldest);
    health.failures.push(now);
    if health.failures.len() < policy.failures {
        return None;
    }
    pull(policy, health, kind, outcome, now)
}

/// Blocks the provider, unless it is already blocked for at least as long.
fn pull(
    policy: &HealthPolicy,
    health: &mut Health,
    kind: BlockKind,
    outcome: &Outcome,
    now: Timestamp,
) -> Option<HealthEvent> {
    let block = Block {
        kind,
        since: health.block.as_ref().map_or(now, |block| block.since),
        until: match kind {
            BlockKind::Quota => Some(now.plus(policy.quota)),
            BlockKind::Connection => Some(now.plus(policy.connection)),
            BlockKind::Auth | BlockKind::Config => None,
        },
        cause: truncate(&outcome.cause()).to_owned(),
    };
    let known = health.block.as_ref();
    // The same fault again, from attempts that were under way, is not a new event.
    if known.is_some_and(|known| known.kind == kind || !block.outweighs(known)) {
        return None;
    }
    health.failures.clear();
    health.out_since.get_or_insert(now);
    health.block = Some(block.clone());
    Some(HealthEvent::Blocked(block))
}

/// Pauses the provider for the time it asked for, or for twice as long as the last time.
///
/// During a pause, attempts that were under way before it may make it longer but do not count as another pause.
fn pause(policy: &HealthPolicy, health: &mut Health, asked: Option<Duration>, now: Timestamp) -> Option<HealthEvent> {
    let running = health.pause_at(now).copied();
    let step = match running {
        Some(pause) => pause.step,
        None => health.pause.map_or(0, |pause| pause.step).saturating_add(1),
    };
    let asked = asked.filter(|asked| !asked.is_zero());
    let length = match (asked, running) {
        (Some(asked), _) => asked.min(policy.longest_asked),
        (None, Some(_)) => return None,
        (None, None) => policy
            .first_pause
            .saturating_mul(1u32.checked_shl(step - 1).unwrap_or(u32::MAX))
            .min(policy.longest_pause),
    };
    let pause = Pause {
        until: now.plus(length),
        step,
    };
    if running.is_some_and(|running| running.until >= pause.until) {
        return None;
    }
    health.pause = Some(pause);
    Some(HealthEvent::Paused(pause))
}

/// Ends a block whose time is over; the provider starts with a clean record.
pub fn expire(health: Health, now: Timestamp) -> (Health, Vec<HealthEvent>) {
    match health.block {
        Some(block) if !block.holds(now) => {
            let clean = Health {
                out_since: health.out_since,
                ..Health::default()
            };
            let by = RecoveryCause::Expired;
            (clean, vec![HealthEvent::Recovered { block, by }])
        }
        block => (Health { block, ..health }, Vec::new()),
    }
}

/// Ends a block by hand, and any pause; the provider starts with a clean record.
pub fn unblock(health: Health) -> (Health, Vec<HealthEvent>) {
    let by = RecoveryCause::ByHand;
    let recovered = health.block.map(|block| HealthEvent::Recovered { block, by });
    (Health::default(), recovered.into_iter().collect())
}

/// Health of the provider after a connection test, or after it was authorised again.
///
/// A passed test ends every block but `quota`, about which it says nothing. A failed one blocks the provider only for a
/// definite fault of credentials or settings: a timeout or a busy server proves nothing.
pub fn on_test(
    policy: &HealthPolicy,
    health: Health,
    result: Result<(), &Outcome>,
    now: Timestamp,
) -> (Health, Vec<HealthEvent>) {
    let (mut health, mut events) = expire(health, now);
    match result {
        Ok(()) => {
            if health.block.as_ref().is_none_or(|block| block.kind == BlockKind::Quota) {
                return (health, events);
            }
            let recovered = health.block.map(|block| HealthEvent::Recovered {
                block,
                by: RecoveryCause::Tested,
            });
            events.extend(recovered);
            (Health::default(), events)
        }
        Err(outcome) => {
            if let ProviderEffect::Block(kind @ (BlockKind::Auth | BlockKind::Config)) = outcome.effect_on_provider() {
                events.extend(pull(policy, &mut health, kind, outcome, now));
            }
            (health, events)
        }
    }
}

#[cfg(test)]
mod tests;
