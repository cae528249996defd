//! Availability of a provider: its block, pause and caps, which open with time or by hand.

use serde::{Deserialize, Serialize};

use super::LeftOut;
use crate::caps::{CapFit, Caps, Usage, cap_fit};
use crate::health::Health;
use crate::time::Timestamp;

/// Availability of a provider at one instant, for a message of one size in cap units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// End of the block, if the provider is blocked; the inner `None` is a block that is cleared by hand.
    pub blocked: Option<Option<Timestamp>>,
    /// Time since when it is out of rotation, across blocks that follow each other; see [`Health::out_since`].
    pub out_since: Option<Timestamp>,
    /// End of the pause.
    pub paused_until: Option<Timestamp>,
    /// Fit of the message under its caps.
    pub cap_fit: CapFit,
}

/// Reason why a provider cannot take a message now, and the time at which that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Reason.
    pub reason: LeftOut,
    /// Time at which it ends; `None` when it ends only by hand.
    pub opens_at: Option<Timestamp>,
}

impl Availability {
    /// Available without reservation.
    pub const OPEN: Self = Self {
        blocked: None,
        out_since: None,
        paused_until: None,
        cap_fit: CapFit::Now,
    };

    /// Availability of a provider at `now` for `units` of its caps, see [`crate::ProviderKind::cap_units`].
    pub fn of(health: &Health, caps: &Caps, usage: &Usage, units: u32, now: Timestamp) -> Self {
        Self {
            blocked: health.block_at(now).map(|block| block.until),
            out_since: health.out_since,
            paused_until: health.pause_at(now).map(|pause| pause.until),
            cap_fit: cap_fit(caps, usage, now, units),
        }
    }

    /// End of the block in force at `now`, if there is one; the inner `None` is a block that is cleared by hand.
    pub fn block_at(&self, now: Timestamp) -> Option<Option<Timestamp>> {
        self.blocked.filter(|until| until.is_none_or(|until| now < until))
    }

    /// Time since when it is out of rotation; the earliest instant when that is unknown, or it is in rotation.
    pub(super) fn out_since(&self, now: Timestamp) -> Timestamp {
        let since = self.block_at(now).and(self.out_since);
        since.unwrap_or(Timestamp::MIN)
    }

    /// The hold that ends last; nothing can go before that.
    pub(super) fn hold(&self, now: Timestamp) -> Option<Hold> {
        let blocked = self.block_at(now).map(|opens_at| Hold {
            reason: LeftOut::Blocked,
            opens_at,
        });
        let paused = self.paused_until.filter(|until| now < *until).map(|until| Hold {
            reason: LeftOut::Paused,
            opens_at: Some(until),
        });
        let full = match self.cap_fit {
            CapFit::Until(opens_at) if now < opens_at => Some(Hold {
                reason: LeftOut::Cap,
                opens_at: Some(opens_at),
            }),
            CapFit::Now | CapFit::Until(_) | CapFit::Never => None,
        };
        let holds = [full, paused, blocked].into_iter().flatten();
        holds.max_by_key(|hold| (hold.opens_at.is_none(), hold.opens_at))
    }
}
