//! Instants, and the tolerance of clocks.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Tolerated step of a clock backwards, and difference between the clocks of nodes: times no further ahead than this
/// are waited for. It is more than NTP steps a synchronised clock, and short enough to wait.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(10);

/// An instant in UTC, as milliseconds since the Unix epoch.
///
/// Arithmetic saturates: an instant computed from an absurd duration is merely very far away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "sea-orm", derive(sea_orm::DeriveValueType))]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant.
    pub const MIN: Self = Self(i64::MIN);

    /// The instant this many milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The instant `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// The instant `duration` earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// True if this was less than `age` ago. False for times that lie ahead: they come from a clock that has stepped
    /// back since, and their age is unknown.
    pub fn is_within(self, age: Duration, now: Self) -> bool {
        self <= now && now.since(self) < age
    }

    /// True if this lies ahead of `now` by more than [`CLOCK_TOLERANCE`], so that it comes from a clock that was wrong.
    pub fn is_ahead_of(self, now: Self) -> bool {
        self > now.plus(CLOCK_TOLERANCE)
    }

    /// Time since `earlier`; zero when `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// Milliseconds of a duration, saturating.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_ahead_is_not_recent() {
        let (now, second) = (Timestamp::from_millis(50_000), Duration::from_secs(1));
        assert!(now.is_within(second, now) && now.minus(second / 2).is_within(second, now));
        assert!(!now.minus(second).is_within(second, now));
        assert!(!now.plus(second).is_within(second, now));
        assert!(!now.plus(CLOCK_TOLERANCE).is_ahead_of(now));
        assert!(now.plus(CLOCK_TOLERANCE + second).is_ahead_of(now));
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(
            Timestamp::from_millis(i64::MIN).minus(Duration::MAX).as_millis(),
            i64::MIN
        );
        assert_eq!(
            Timestamp::from_millis(5).since(Timestamp::from_millis(9)),
            Duration::ZERO
        );
        assert_eq!(
            Timestamp::from_millis(9).since(Timestamp::from_millis(5)),
            Duration::from_millis(4)
        );
    }
}
