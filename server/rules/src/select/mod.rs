//! Selection of the provider for a message: filter, then cumulative-weight random.
//!
//! Every candidate of the key's scope comes in; one of them, or none, is chosen, never another. Each candidate left out
//! is returned with the reason, which answers "why this provider?", and with the time at which it opens, from which the
//! engine knows when to select again.

mod availability;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

pub use availability::{Availability, Hold};

use crate::caps::CapFit;
use crate::kind::{Capability, ProviderKind};
use crate::names::named_enum;
use crate::outcome::Hint;
use crate::status::WaitReason;
use crate::time::Timestamp;

/// A provider in the scope of a message, in its current state for this message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The provider.
    pub id: i64,
    /// Its kind.
    pub kind: ProviderKind,
    /// Its capability: its kind's, or less when the server announced less.
    pub capability: Capability,
    /// Its weight in this pool, see [`shares`](mod@crate::shares).
    pub weight: u32,
    /// True if it is switched on and set up. A blocked provider is active.
    pub active: bool,
    /// Time of its last configuration: a provider that is switched off or drained has been so since then or longer.
    pub configured_at: Timestamp,
    /// True if it was tried without success in this round.
    pub tried: bool,
    /// True if it refused this sender's domain a while ago.
    pub sender_refused: bool,
    /// Capability that it lacks for this message, as an earlier attempt showed.
    pub lacking: Option<Hint>,
    /// True if all its connections are in use and none becomes free soon.
    pub busy: bool,
    /// Block, pause and caps.
    pub availability: Availability,
}

impl Candidate {
    /// An active candidate of this kind without anything against it.
    pub const fn new(id: i64, kind: ProviderKind, weight: u32) -> Self {
        Self {
            id,
            kind,
            capability: kind.capability(),
            weight,
            active: true,
            configured_at: Timestamp::MIN,
            tried: false,
            sender_refused: false,
            lacking: None,
            busy: false,
            availability: Availability::OPEN,
        }
    }

    fn takes_size(&self, need: &Need) -> bool {
        self.capability.max_bytes.is_none_or(|most| need.bytes <= most)
    }

    fn takes_recipients(&self, need: &Need) -> bool {
        let few_enough = self
            .capability
            .max_recipients
            .is_none_or(|most| need.recipients <= most);
        few_enough && self.availability.cap_fit != CapFit::Never
    }

    /// Reason why it cannot take this message in this round, whatever opens; in the order of [`LeftOut`].
    fn ruled_out(&self, need: &Need) -> Option<LeftOut> {
        match self.lacking {
            Some(Hint::TooLarge) => return Some(LeftOut::TooLarge),
            Some(Hint::NoSmtputf8) => return Some(LeftOut::NoSmtputf8),
            Some(Hint::HeaderRecipients) => return Some(LeftOut::HeaderRecipients),
            Some(Hint::SplitRecipients | Hint::Installation) | None => {}
        }
        let rules = [
            (!self.takes_size(need), LeftOut::TooLarge),
            (!self.takes_recipients(need), LeftOut::TooManyRecipients),
            (
                self.capability.uses_header_recipients && !need.headers_all_pending,
                LeftOut::HeaderRecipients,
            ),
            (self.sender_refused, LeftOut::SenderRefused),
            (self.tried, LeftOut::Tried),
        ];
        rules.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
    }

    /// Reason why it cannot take the message now, and the time at which that ends.
    fn hold(&self, now: Timestamp) -> Option<Hold> {
        let off = |reason| Hold { reason, opens_at: None };
        if !self.active {
            return Some(off(LeftOut::Inactive));
        }
        if self.weight == 0 {
            return Some(off(LeftOut::ZeroWeight));
        }
        let busy = self.busy.then_some(Hold {
            reason: LeftOut::Busy,
            opens_at: Some(now),
        });
        self.availability.hold(now).or(busy)
    }

    /// True if it is out of rotation altogether: blocked, switched off or drained.
    fn is_out(&self, now: Timestamp) -> bool {
        self.is_off() || self.availability.block_at(now).is_some()
    }

    /// True if it was switched off or drained by hand, which is also how it opens again.
    const fn is_off(&self) -> bool {
        !self.active || self.weight == 0
    }

    /// Time since when it is out of rotation; the earliest instant when that is unknown, or it is in rotation. While a
    /// provider is switched off or drained, blocks that come and go do not count.
    fn out_since(&self, now: Timestamp) -> Timestamp {
        match self.is_off() {
            true => self.configured_at,
            false => self.availability.out_since(now),
        }
    }
}

/// Requirements of the message on a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Size as stored, in bytes.
    pub bytes: u64,
    /// Recipients still to be served.
    pub recipients: u32,
    /// True if everyone in To, Cc and Bcc is still to be served. A provider without an envelope would send to the
    /// others again.
    pub headers_all_pending: bool,
}

named_enum! {
    /// Reason why a candidate was left out.
    pub enum LeftOut {
        /// The message is larger than the provider takes.
        TooLarge = "too_large",
        /// More recipients than the provider takes, or than its caps ever allow.
        TooManyRecipients = "too_many_recipients",
        /// The message needs SMTPUTF8, which the provider does not offer.
        NoSmtputf8 = "no_smtputf8",
        /// The provider sends to everyone in the headers, and not all of them are to get the message now.
        HeaderRecipients = "header_recipients",
        /// The provider refuses this sender.
        SenderRefused = "sender_refused",
        /// Already tried in this round.
        Tried = "tried",
        /// Switched off, or not set up.
        Inactive = "inactive",
        /// Its weight is 0.
        ZeroWeight = "zero_weight",
        /// Blocked.
        Blocked = "blocked",
        /// Paused after it throttled.
        Paused = "paused",
        /// Its caps do not permit the message now.
        Cap = "cap",
        /// All its connections are in use, and none becomes free soon.
        Busy = "busy",
    }
}

impl LeftOut {
    /// Wait reason of a message that waits for such a candidate; `None` when it does not wait for it.
    pub const fn wait_reason(self) -> Option<WaitReason> {
        match self {
            Self::Cap => Some(WaitReason::Cap),
            // The message is simply next in line.
            Self::Busy => None,
            Self::Paused => Some(WaitReason::Throttled),
            Self::Blocked | Self::Inactive | Self::ZeroWeight => Some(WaitReason::Blocked),
            Self::TooLarge
            | Self::TooManyRecipients
            | Self::NoSmtputf8
            | Self::HeaderRecipients
            | Self::SenderRefused
            | Self::Tried => None,
        }
    }
}

/// A candidate as it was considered in a selection. Stored with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// The provider.
    pub id: i64,
    /// Its weight in the draw.
    pub weight: u32,
    /// Reason why it was left out; `None` for one that took part in the draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// Time at which it opens, if only time keeps it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Timestamp>,
}

/// Wait of a message whose remaining candidates are only held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Wait reason of the candidate that opens first.
    pub reason: WaitReason,
    /// Time at which that one opens; `None` when it opens only by hand.
    pub opens_at: Option<Timestamp>,
    /// Time since when all of them are out of rotation, if all are: from then on the message waits for blocked
    /// providers alone. `Timestamp::MIN` when there are no candidates at all.
    pub blocked_since: Option<Timestamp>,
}

/// Result of a selection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The provider to try now.
    pub chosen: Option<i64>,
    /// All candidates, in the order given.
    pub considered: Vec<Considered>,
    /// Wait for the first to open of the candidates that are only held back.
    pub waiting: Option<Waiting>,
}

/// Chooses a provider for a message at `now`.
///
/// Each open candidate is chosen with a probability of its weight over the sum of the open ones' weights.
pub fn select<R: Rng + ?Sized>(candidates: &[Candidate], need: &Need, now: Timestamp, rng: &mut R) -> Selection {
    let considered: Vec<Considered> = candidates
        .iter()
        .map(|candidate| consider(candidate, need, now))
        .collect();
    Selection {
        chosen: draw(&considered, rng),
        waiting: waiting(candidates, &considered, now),
        considered,
    }
}

fn consider(candidate: &Candidate, need: &Need, now: Timestamp) -> Considered {
    let ruled_out = candidate.ruled_out(need).map(|reason| Hold { reason, opens_at: None });
    let hold = ruled_out.or_else(|| candidate.hold(now));
    Considered {
        id: candidate.id,
        weight: candidate.weight,
        left_out: hold.map(|hold| hold.reason),
        opens_at: hold.and_then(|hold| hold.opens_at),
    }
}

/// Draws by cumulative weight among those not left out, whose weights are above 0.
fn draw<R: Rng + ?Sized>(considered: &[Considered], rng: &mut R) -> Option<i64> {
    let open = || considered.iter().filter(|one| one.left_out.is_none());
    let total: u64 = open().map(|one| u64::from(one.weight)).sum();
    if total == 0 {
        return None;
    }
    let mut point = rng.random_range(0..total);
    let chosen = open().find(|one| match point.checked_sub(u64::from(one.weight)) {
        Some(rest) => {
            point = rest;
            false
        }
        None => true,
    });
    chosen.map(|one| one.id)
}

fn waiting(candidates: &[Candidate], considered: &[Considered], now: Timestamp) -> Option<Waiting> {
    if candidates.is_empty() {
        // All providers of the scope were deleted; a group may get new members.
        return Some(Waiting {
            reason: WaitReason::Blocked,
            opens_at: None,
            blocked_since: Some(Timestamp::MIN),
        });
    }
    let held = || {
        let pairs = candidates.iter().zip(considered);
        pairs.filter_map(|(candidate, one)| Some((candidate, one, one.left_out?.wait_reason()?)))
    };
    // Those that open by hand come after those with a known time.
    let first = held().min_by_key(|(_, one, _)| (one.opens_at.is_none(), one.opens_at));
    let (_, one, reason) = first?;
    let all_out = held().all(|(candidate, _, _)| candidate.is_out(now));
    let out_since = held().map(|(candidate, _, _)| candidate.out_since(now)).max();
    Some(Waiting {
        reason,
        opens_at: one.opens_at,
        blocked_since: out_since.filter(|_| all_out),
    })
}

/// Reason why a message is refused on submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The scope holds no active provider with a weight above 0; blocked ones count as active.
    NoActiveProviders,
    /// None of them takes a message of this size; holds the largest size that one of them takes, in bytes.
    TooLarge(u64),
    /// None of them takes so many recipients.
    TooManyRecipients,
}

/// Checks that some provider of the scope could ever take the message, so that it is refused at once rather than left
/// to wait.
pub fn could_take(candidates: &[Candidate], need: &Need) -> Result<(), Refusal> {
    let serving = || {
        candidates
            .iter()
            .filter(|candidate| candidate.active && candidate.weight > 0)
    };
    if serving().next().is_none() {
        return Err(Refusal::NoActiveProviders);
    }
    if serving().any(|candidate| candidate.takes_size(need) && candidate.takes_recipients(need)) {
        return Ok(());
    }
    if serving().any(|candidate| candidate.takes_size(need)) {
        return Err(Refusal::TooManyRecipients);
    }
    let largest = serving().filter_map(|candidate| candidate.capability.max_bytes).max();
    Err(Refusal::TooLarge(largest.unwrap_or(0)))
}

/// Removes the managed route from the scope `all` while the team has an active provider of its own, since the route
/// changes the sender. A sandbox is not a provider of the team's own either.
///
/// `kind_of` returns a provider's kind, `is_active` true if it is switched on.
/// `kind_of` tells a provider's kind, `is_active` whether it is switched on.
pub fn prefer_own_providers<T>(
    providers: &mut Vec<T>,
    kind_of: impl Fn(&T) -> ProviderKind,
    is_active: impl Fn(&T) -> bool,
) {
    let own = |provider: &T| kind_of(provider).is_own();
    if providers.iter().any(|provider| is_active(provider) && own(provider)) {
        providers.retain(own);
    }
}

#[cfg(test)]
mod tests;
