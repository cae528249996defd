//! Caps on what goes through a provider in a second, a minute, an hour and a day.
//!
//! Second, minute and hour are windows aligned in UTC. A day is the last 24 hours, because that is how Gmail, Microsoft
//! and Amazon count, or the UTC day for the managed route ([`DayRule`]). Usage is counted whether or not a cap is set,
//! so that a cap set later knows what went before.
//!
//! [`cap_fit`] checks, [`charge`] takes immediately before an attempt, [`refund`] gives back when the provider did not take
//! the message.
//!
//! A clock that steps back loosens no cap. Windows do not move backwards: a time earlier than the newest window
//! counts in the newest window, so no window ever holds more than its cap while clocks differ by at most
//! [`CLOCK_TOLERANCE`](crate::time::CLOCK_TOLERANCE), on one node or between several. When a clock was wrong by more
//! than that and was corrected, [`Usage::set_back`] dates charges that lie ahead of it back to now: each window then
//! binds for its own length at most instead of until the wrong time comes. Charges are kept hour by hour, so hours and
//! days stay exact, except for charges that the wrong clock dropped as a day old. Of seconds and minutes only the
//! newest is kept: one that the clock reaches again may be filled up to its cap again.

mod usage;

use serde::{Deserialize, Serialize};

pub use usage::{Charge, Usage, Used};

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

/// Highest usage of a provider in each window, in the units of
/// [`ProviderKind::cap_units`](crate::ProviderKind::cap_units); `None` is no cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caps {
    /// Cap of a second.
    pub second: Option<u32>,
    /// Cap of a minute.
    pub minute: Option<u32>,
    /// Cap of an hour.
    pub hour: Option<u32>,
    /// Cap of a day.
    pub day: Option<u32>,
    /// Rule for the day.
    #[serde(default)]
    pub day_rule: DayRule,
}

impl Caps {
    /// No cap in any window.
    pub const NONE: Self = Self {
        second: None,
        minute: None,
        hour: None,
        day: None,
        day_rule: DayRule::Rolling,
    };

    /// Caps of windows that roll.
    pub(crate) const fn rolling(second: u32, minute: u32, hour: u32, day: u32) -> Self {
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
    /// Fits now.
    Now,
    /// Fits from this time on, if nothing else is charged until then.
    Until(Timestamp),
    /// Larger than a cap: never fits.
    Never,
}

/// Fit of `units` more under the caps at `now`: now, from which time on, or never. Zero units always fit.
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

/// Units that fit at `now`; `u32::MAX` without caps.
pub fn headroom(caps: &Caps, usage: &Usage, now: Timestamp) -> u32 {
    usage
        .windows(caps)
        .map(|window| window.left(usage, now))
        .min()
        .unwrap_or(u32::MAX)
}

/// Counts `units` in every window. Returns the charge, which [`refund`] can give back.
///
/// Does not check the caps: call [`cap_fit`] first, in the same transaction.
pub fn charge(usage: &mut Usage, now: Timestamp, units: u32) -> Charge {
    usage.charge(now, units)
}

/// [`charge`] that also notes when 80% of the day's cap are reached ([`Usage::near_day`]).
pub fn charge_under(caps: &Caps, usage: &mut Usage, now: Timestamp, units: u32) -> Charge {
    let charge = usage.charge(now, units);
    usage.note_near(caps, now);
    charge
}

/// Gives a charge back to those of its windows that are still counted. Windows that have passed are left alone.
pub fn refund(usage: &mut Usage, charge: Charge) {
    usage.refund(charge);
}

#[cfg(test)]
mod tests;
