//! Caps on what goes through a provider in a second, a minute, an hour and a day.
//!
//! Second, minute and hour are windows aligned in UTC. A day is the last 24 hours, because that is how Gmail, Microsoft
//! and Amazon count, or the UTC day for the managed route ([`DayRule`]). Usage is counted whether or not a cap is set,
//! so that a cap set later knows what went before.
//!
//! [`cap_fit`] checks, [`charge`] takes immediately before an attempt, [`refund`] gives back when the provider did not take
//! the message.
//!
//! A clock that steps back gives nothing away. Windows do not move backwards: a time earlier than the newest window
//! counts in the newest window, so that whatever wobbles within [`CLOCK_TOLERANCE`](crate::time::CLOCK_TOLERANCE), on
//! one node or between several, no window ever holds more than its cap. When the clock was wrong by more than that and
//! was set right, [`Usage::set_back`] has what was charged ahead of it count from now: each window then binds for its own
//! length at most instead of until the wrong time comes. What was charged is kept hour by hour, so that hours and days
//! stay exact, but for what the wrong clock took for a day old. Of seconds and minutes only the newest is kept: one that
//! the clock comes to once more may hold its cap once more.

mod usage;

use serde::{Deserialize, Serialize};

pub use usage::{Charge, Usage, Used};

use crate::kind::ProviderKind;
use crate::names::named_enum;
use crate::time::Timestamp;

named_enum! {
    /// Rule for the day.
    #[derive(Default)]
    pub enum DayRule {
        /// The last 24 hours.
        #[default]
        Rolling = "rolling",
        /// From 00:00 UTC to 00:00 UTC.
        UtcDay = "utc_day",
    }
}

/// The most that goes through a provider in each window, in the units of [`ProviderKind::cap_units`]; `None` is no cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caps {
    /// A second.
    pub second: Option<u32>,
    /// A minute.
    pub minute: Option<u32>,
    /// An hour.
    pub hour: Option<u32>,
    /// A day.
    pub day: Option<u32>,
    /// Rule for the day.
    #[serde(default)]
    pub day_rule: DayRule,
}

impl Caps {
    /// No cap at all.
    pub const NONE: Self = Self {
        second: None,
        minute: None,
        hour: None,
        day: None,
        day_rule: DayRule::Rolling,
    };

    /// The caps that a new provider of this kind has until somebody changes them.
    ///
    /// Microsoft 365's 30 a minute and 10,000 a day are Exchange Online's own limits of a mailbox; Gmail's 2,000 a day
    /// is Google Workspace's.
    pub const fn default_for(kind: ProviderKind) -> Self {
        match kind {
            ProviderKind::Gmail | ProviderKind::Ses => Self::rolling(5, 100, 1_800, 2_000),
            ProviderKind::Microsoft365 => Self::rolling(5, 30, 1_800, 10_000),
            ProviderKind::ManagedSes => Self {
                day: Some(50),
                day_rule: DayRule::UtcDay,
                ..Self::NONE
            },
            ProviderKind::Smtp | ProviderKind::Sandbox => Self::NONE,
        }
    }

    const fn rolling(second: u32, minute: u32, hour: u32, day: u32) -> Self {
        Self {
            second: Some(second),
            minute: Some(minute),
            hour: Some(hour),
            day: Some(day),
            day_rule: DayRule::Rolling,
        }
    }

    /// The smallest cap: more units than this at once never fit. `None` without caps.
    pub fn largest_charge(&self) -> Option<u32> {
        [self.second, self.minute, self.hour, self.day]
            .into_iter()
            .flatten()
            .min()
    }
}

/// Fit of a charge under the caps of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapFit {
    /// It fits now.
    Now,
    /// It fits from this time on, if nothing else is charged until then.
    Until(Timestamp),
    /// It is larger than a cap and never fits.
    Never,
}

/// Whether `units` more fit under the caps at `now`, and if not, when they will. Zero units always fit.
pub fn cap_fit(caps: &Caps, usage: &Usage, now: Timestamp, units: u32) -> CapFit {
    if units == 0 {
        return CapFit::Now;
    }
    if caps.largest_charge().is_some_and(|most| units > most) {
        return CapFit::Never;
    }
    let opens = usage
        .windows(caps)
        .filter_map(|window| window.opens_at(usage, now, units))
        .max();
    opens.map_or(CapFit::Now, CapFit::Until)
}

/// How many units fit at `now`; `u32::MAX` without caps.
pub fn headroom(caps: &Caps, usage: &Usage, now: Timestamp) -> u32 {
    usage
        .windows(caps)
        .map(|window| window.left(usage, now))
        .min()
        .unwrap_or(u32::MAX)
}

/// Counts `units` in every window and returns what [`refund`] needs to take them back.
///
/// This does not look at the caps: ask [`cap_fit`] first, in the same transaction.
pub fn charge(usage: &mut Usage, now: Timestamp, units: u32) -> Charge {
    usage.charge(now, units)
}

/// [`charge`] under these caps: notes as well when the day's cap is nearly reached ([`Usage::near_day`]).
pub fn charge_under(caps: &Caps, usage: &mut Usage, now: Timestamp, units: u32) -> Charge {
    let charge = usage.charge(now, units);
    usage.note_near(caps, now);
    charge
}

/// Takes a charge back, in those windows it was taken from that are still counted; a window that has passed is not
/// touched.
pub fn refund(usage: &mut Usage, charge: Charge) {
    usage.refund(charge);
}

#[cfg(test)]
mod tests;
