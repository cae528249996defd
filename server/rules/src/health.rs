//! Whether a provider is in rotation.
//!
//! Failures that are the provider's fault are counted; the third within five minutes pulls it, a definite fault at
//! once. A throttled provider is paused. What comes back, comes back with a clean record.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::classify::ProviderEffect;
use crate::names::named_enum;
use crate::outcome::{BlockKind, Outcome, truncate};
use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The numbers that health goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthPolicy {
    /// So many failures pull a provider.
    pub failures: usize,
    /// When they fall within this time.
    pub within: Duration,
    /// How long a `quota` block lasts.
    pub quota: Duration,
    /// How long a `connection` block lasts.
    pub connection: Duration,
    /// The first pause of a throttled provider that did not say how long.
    pub first_pause: Duration,
    /// Pauses double up to this.
    pub longest_pause: Duration,
    /// A pause that was asked for is no longer than this.
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

/// A provider pulled from rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The kind of fault.
    pub kind: BlockKind,
    /// When it was pulled.
    pub since: Timestamp,
    /// When it comes back by itself; `None` is by hand only.
    pub until: Option<Timestamp>,
    /// Reply or fault of the provider, in one line.
    pub cause: String,
}

impl Block {
    fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// A block that lasts longer weighs more: by hand before a day before an hour.
    fn outweighs(&self, other: &Self) -> bool {
        match (self.until, other.until) {
            (None, None) | (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some(mine), Some(theirs)) => mine > theirs,
        }
    }
}

/// A provider that asked to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When it may be tried again. The pause is kept after that, so that the next one is longer.
    pub until: Timestamp,
    /// Pauses in a row without a message taken between them, this one included.
    pub step: u32,
}

/// Health of a provider. `Health::default()` is a clean record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// Recent failures, oldest first; never more than one fewer than pull the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Timestamp>,
    /// Why it is out of rotation; one whose time has come counts no more, see [`Health::block_at`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// The last pause, over or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// When it was first pulled since it last took a message: a provider that comes back only to be pulled again has
    /// been out since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_since: Option<Timestamp>,
}

named_enum! {
    /// How a block ended.
    pub enum RecoveryCause {
        /// Its time was over.
        Expired = "expired",
        /// A connection test passed, or the provider was authorised again.
        Tested = "tested",
        /// Somebody ended it.
        ByHand = "by_hand",
    }
}

/// What changed in a provider's health; each is shown, and sent to webhooks, with its cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthEvent {
    /// Pulled from rotation.
    Blocked(Block),
    /// Back in rotation.
    Recovered {
        /// The block that ended.
        block: Block,
        /// How it ended.
        by: RecoveryCause,
    },
    /// Left alone until then.
    Paused(Pause),
    /// The installation itself is at fault, for example its OAuth client: the operator must be told.
    OperatorFault(String),
}

impl Health {
    /// The block that holds at `now`.
    pub fn block_at(&self, now: Timestamp) -> Option<&Block> {
        self.block.as_ref().filter(|block| block.holds(now))
    }

    /// The pause that holds at `now`.
    pub fn pause_at(&self, now: Timestamp) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| now < pause.until)
    }
}

/// Has what was noted by a clock that was ahead count from `now`, where it lies further ahead than clocks wobble: a block
/// lasts as long as it was to, a pause no longer than one that nobody asked for. To be called when the clock has been
/// set back. Whether there was anything.
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
        // How long it was asked for is not kept; a provider that still wants to be left alone says so again.
        let longest = now.plus(policy.longest_pause);
        if pause.until.is_ahead_of(longest) {
            pause.until = longest;
        }
    }
    *health != before
}

/// The provider's health after an attempt came to this.
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

/// A message was taken. What was under way when the provider was paused or pulled says nothing about it since.
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

/// Pulls the provider, unless it is pulled already for at least as long.
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
    // More of the same from attempts that were under way is no news.
    if known.is_some_and(|known| known.kind == kind || !block.outweighs(known)) {
        return None;
    }
    health.failures.clear();
    health.out_since.get_or_insert(now);
    health.block = Some(block.clone());
    Some(HealthEvent::Blocked(block))
}

/// Pauses the provider for as long as it asked, or for twice as long as the last time.
///
/// While a pause lasts, what was under way before it may make it longer but not count as another.
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

/// Ends a block whose time has come; the provider starts with a clean record.
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

/// Ends a block by hand, and a pause with it; the provider starts with a clean record.
pub fn unblock(health: Health) -> (Health, Vec<HealthEvent>) {
    let by = RecoveryCause::ByHand;
    let recovered = health.block.map(|block| HealthEvent::Recovered { block, by });
    (Health::default(), recovered.into_iter().collect())
}

/// The provider's health after a connection test, or after it was authorised again.
///
/// A passed test ends every block but `quota`, about which it says nothing. A failed one pulls the provider only for a
/// definite fault of credentials or settings: one that times out or finds the server busy proves nothing.
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
