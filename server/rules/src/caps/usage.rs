//! Usage of a provider in the windows that still count.

use serde::{Deserialize, Serialize};

use super::{Caps, DayRule};
use crate::managed;
use crate::time::Timestamp;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// One aligned window: its number since the Unix epoch and what was charged in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Window {
    #[serde(rename = "w")]
    index: i64,
    #[serde(rename = "n")]
    used: u32,
}

impl Window {
    fn counted_in(&self, index: i64) -> u64 {
        if self.index == index { u64::from(self.used) } else { 0 }
    }
}

/// Charges of one hour.
///
/// The hour leaves the rolling day when its last charge is 24 hours old, so that no 24 hours ever hold more than the
/// cap, and the first charges of the hour wait an hour longer at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct HourBucket {
    #[serde(rename = "h")]
    index: i64,
    #[serde(rename = "n")]
    used: u32,
    #[serde(rename = "t")]
    last: Timestamp,
}

impl HourBucket {
    /// Time at which the bucket leaves the rolling day, in milliseconds since the Unix epoch.
    fn leaves_at(&self) -> i64 {
        self.last.as_millis().saturating_add(DAY)
    }
}

/// Usage of a provider in all windows. At most a few hundred bytes as JSON. `Usage::default()` is that of a provider
/// that never sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    #[serde(rename = "s", default)]
    second: Window,
    #[serde(rename = "m", default)]
    minute: Window,
    /// Oldest first, at most one for each hour. Those that have left the day are dropped by the next charge.
    #[serde(rename = "d", default)]
    hours: Vec<HourBucket>,
    /// The last UTC day on which 80% of the day's cap was reached. Noted only where days are UTC days.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    near_day: Option<i64>,
    /// Number of corrections of a clock that moved windows. A charge taken before a correction is not given back, since
    /// a window of the same number may be another one.
    #[serde(rename = "b", default, skip_serializing_if = "is_zero")]
    set_back: u32,
}

/// A charge that may be given back, at most once. Store it with the attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Charge {
    #[serde(rename = "n")]
    units: u32,
    #[serde(rename = "s")]
    second: i64,
    #[serde(rename = "m")]
    minute: i64,
    #[serde(rename = "h")]
    hour: i64,
    #[serde(rename = "b", default, skip_serializing_if = "is_zero")]
    set_back: u32,
}

impl Charge {
    /// The charged units.
    pub const fn units(&self) -> u32 {
        self.units
    }

    /// Number of the hour since the Unix epoch in which it was taken.
    pub const fn hour(&self) -> i64 {
        self.hour
    }
}

/// Usage in the current windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Used {
    /// Usage of this second.
    pub second: u32,
    /// Usage of this minute.
    pub minute: u32,
    /// Usage of this hour.
    pub hour: u32,
    /// Usage of the day, by the day rule.
    pub day: u32,
}

impl Usage {
    /// Usage of each window at `now`.
    pub fn used(&self, day_rule: DayRule, now: Timestamp) -> Used {
        let count = |span| u32::try_from(self.count(span, now)).unwrap_or(u32::MAX);
        Used {
            second: count(Span::Second),
            minute: count(Span::Minute),
            hour: count(Span::Hour),
            day: count(Span::of_day(day_rule)),
        }
    }

    /// The last UTC day (see [`crate::managed::day_of`]) on which 80% of the day's cap was reached, while the cap stood.
    pub const fn near_day(&self) -> Option<i64> {
        self.near_day
    }

    /// Forgets that the cap was nearly reached. To be called when the cap changes.
    pub const fn forget_near_day(&mut self) {
        self.near_day = None;
    }

    /// Notes the day when its usage reaches 80% of the cap of a UTC day. To be called after each charge.
    pub(super) fn note_near(&mut self, caps: &Caps, now: Timestamp) {
        if let (DayRule::UtcDay, Some(cap)) = (caps.day_rule, caps.day) {
            let used = u32::try_from(self.count(Span::UtcDay, now)).unwrap_or(u32::MAX);
            if managed::is_near(used, cap) {
                self.near_day = Some(self.index(Span::UtcDay, now));
            }
        }
    }

    pub(super) fn charge(&mut self, now: Timestamp, units: u32) -> Charge {
        let second = advance(&mut self.second, now, SECOND, units);
        let minute = advance(&mut self.minute, now, MINUTE, units);
        let hour = self.charge_hour(now, units);
        Charge {
            units,
            second,
            minute,
            hour,
            set_back: self.set_back,
        }
    }

    fn charge_hour(&mut self, now: Timestamp, units: u32) -> i64 {
        let index = self.index(Span::Hour, now);
        // A bucket is kept while either day rule still counts it.
        self.hours
            .retain(|bucket| bucket.leaves_at() > now.as_millis() || day_of(bucket.index) == day_of(index));
        match self.hours.last_mut() {
            Some(newest) if newest.index == index => {
                newest.used = newest.used.saturating_add(units);
                newest.last = newest.last.max(now);
            }
            _ => self.hours.push(HourBucket {
                index,
                used: units,
                last: now,
            }),
        }
        index
    }

    /// Dates charges that lie ahead of `now` by more than the clock tolerance back to `now`. To be called when the
    /// clock has been set back. Returns true if anything changed.
    pub fn set_back(&mut self, now: Timestamp) -> bool {
        let before = self.clone();
        for (window, length) in [(&mut self.second, SECOND), (&mut self.minute, MINUTE)] {
            let begins = Timestamp::from_millis(window.index.saturating_mul(length));
            if begins.is_ahead_of(now) {
                window.index = now.as_millis().div_euclid(length);
            }
        }
        let hour = now.as_millis().div_euclid(HOUR);
        let mut ahead: Option<u32> = None;
        self.hours.retain(|bucket| {
            if bucket.last.is_ahead_of(now) {
                ahead = Some(ahead.unwrap_or(0).saturating_add(bucket.used));
            }
            !bucket.last.is_ahead_of(now)
        });
        if let Some(used) = ahead {
            match self.hours.last_mut() {
                Some(newest) if newest.index >= hour => {
                    newest.used = newest.used.saturating_add(used);
                    newest.last = newest.last.max(now);
                }
                _ => self.hours.push(HourBucket {
                    index: hour,
                    used,
                    last: now,
                }),
            }
        }
        let today = self.index(Span::UtcDay, now);
        self.near_day = self.near_day.map(|day| day.min(today));
        if *self == before {
            return false;
        }
        self.set_back = self.set_back.wrapping_add(1);
        true
    }

    pub(super) fn refund(&mut self, charge: Charge) {
        if charge.set_back != self.set_back {
            return;
        }
        for (window, index) in [(&mut self.second, charge.second), (&mut self.minute, charge.minute)] {
            if window.index == index {
                window.used = window.used.saturating_sub(charge.units);
            }
        }
        // An emptied bucket stays: it holds the newest hour, so that the windows do not move backwards.
        if let Some(bucket) = self.hours.iter_mut().find(|bucket| bucket.index == charge.hour) {
            bucket.used = bucket.used.saturating_sub(charge.units);
        }
    }

    /// The caps that are set, each with the window that it limits.
    pub(super) fn windows(&self, caps: &Caps) -> impl Iterator<Item = CapWindow> + use<> {
        [
            (caps.second, Span::Second),
            (caps.minute, Span::Minute),
            (caps.hour, Span::Hour),
            (caps.day, Span::of_day(caps.day_rule)),
        ]
        .into_iter()
        .filter_map(|(cap, span)| cap.map(|cap| CapWindow { cap, span }))
    }

    /// Number of the window that `now` counts in, never before the newest one charged.
    fn index(&self, span: Span, now: Timestamp) -> i64 {
        let newest_hour = self.hours.last().map(|bucket| bucket.index);
        let newest = match span {
            Span::Second => Some(self.second.index),
            Span::Minute => Some(self.minute.index),
            Span::Hour | Span::RollingDay => newest_hour,
            Span::UtcDay => newest_hour.map(day_of),
        };
        let index = now.as_millis().div_euclid(span.window());
        newest.map_or(index, |newest| index.max(newest))
    }

    fn count(&self, span: Span, now: Timestamp) -> u64 {
        let index = self.index(span, now);
        match span {
            Span::Second => self.second.counted_in(index),
            Span::Minute => self.minute.counted_in(index),
            Span::Hour => self.sum(|bucket| bucket.index == index),
            Span::UtcDay => self.sum(|bucket| day_of(bucket.index) == index),
            Span::RollingDay => self.sum(|bucket| bucket.leaves_at() > now.as_millis()),
        }
    }

    fn sum(&self, counts: impl Fn(&HourBucket) -> bool) -> u64 {
        self.hours
            .iter()
            .filter(|bucket| counts(bucket))
            .map(|bucket| u64::from(bucket.used))
            .sum()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The UTC day of an hour.
fn day_of(hour: i64) -> i64 {
    hour.div_euclid(DAY / HOUR)
}

/// Moves a window forward to that of `now`, never backwards, and counts the units in it. Returns its number.
fn advance(window: &mut Window, now: Timestamp, length: i64, units: u32) -> i64 {
    let index = now.as_millis().div_euclid(length);
    if index > window.index {
        *window = Window { index, used: 0 };
    }
    window.used = window.used.saturating_add(units);
    window.index
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Second,
    Minute,
    Hour,
    RollingDay,
    UtcDay,
}

impl Span {
    /// Length of the aligned windows in milliseconds; the rolling day is made of hours.
    const fn window(self) -> i64 {
        match self {
            Self::Second => SECOND,
            Self::Minute => MINUTE,
            Self::Hour | Self::RollingDay => HOUR,
            Self::UtcDay => DAY,
        }
    }

    const fn of_day(rule: DayRule) -> Self {
        match rule {
            DayRule::Rolling => Self::RollingDay,
            DayRule::UtcDay => Self::UtcDay,
        }
    }
}

/// A configured cap and the window that it limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct CapWindow {
    cap: u32,
    span: Span,
}

impl CapWindow {
    /// Units that fit now.
    pub(super) fn left(self, usage: &Usage, now: Timestamp) -> u32 {
        let used = u32::try_from(usage.count(self.span, now)).unwrap_or(u32::MAX);
        self.cap.saturating_sub(used)
    }

    /// Time from which `units` fit; `None` if they fit now. `units` must not exceed the cap.
    pub(super) fn opens_at(self, usage: &Usage, now: Timestamp, units: u32) -> Option<Timestamp> {
        if units <= self.left(usage, now) {
            return None;
        }
        if self.span == Span::RollingDay {
            return Some(self.rolling_opens_at(usage, now, units));
        }
        let next = usage.index(self.span, now).saturating_add(1);
        Some(Timestamp::from_millis(next.saturating_mul(self.span.window())))
    }

    /// Time at which enough of the oldest hours have left the rolling day.
    fn rolling_opens_at(self, usage: &Usage, now: Timestamp, units: u32) -> Timestamp {
        let mut needed = usage.count(Span::RollingDay, now) + u64::from(units);
        let counted = usage.hours.iter().filter(|bucket| bucket.leaves_at() > now.as_millis());
        for bucket in counted {
            needed = needed.saturating_sub(u64::from(bucket.used));
            if needed <= u64::from(self.cap) {
                return Timestamp::from_millis(bucket.leaves_at());
            }
        }
        now
    }
}
