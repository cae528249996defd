//! The managed route: offers of a higher cap, and suspensions of teams.
//!
//! The route counts recipients in UTC days. Its Amazon SES account is shared by all teams, so a team whose mail bounces
//! or is complained about is stopped long before Amazon would stop the account (which is put under review at 5% bounces
//! or 0.1% complaints: "Using the Amazon SES reputation metrics" in Amazon's developer guide).

use serde::{Deserialize, Serialize};

use crate::names::named_enum;
use crate::time::Timestamp;

/// Days after the day on which the threshold was reached on which an increase is still offered.
pub const OFFERED_DAYS: i64 = 7;
/// Time for which bounces and complaints count, in milliseconds: 7 days.
pub const WINDOW_MS: i64 = 7 * DAY_MS;

const DAY_MS: i64 = 24 * 3_600_000;
/// Percentage of a day's cap from which an increase is offered.
const NEAR_PERCENT: u64 = 80;

/// Number of the UTC day since the Unix epoch.
pub const fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}

/// Begin of the UTC day after that of `at`, when the count of the day starts anew.
pub const fn next_day(at: Timestamp) -> Timestamp {
    Timestamp::from_millis((day_of(at) + 1) * DAY_MS)
}

/// Smallest number of recipients that reaches 80% of a day's cap.
pub const fn threshold(cap: u32) -> u32 {
    // No more than the cap, so it fits.
    (cap as u64 * NEAR_PERCENT).div_ceil(100) as u32
}

/// True if `used` recipients reach 80% of a day's cap. Never for a cap of 0, under which nothing can be sent.
pub const fn is_near(used: u32, cap: u32) -> bool {
    cap > 0 && used >= threshold(cap)
}

/// True if an increase is offered at `now`: the threshold was reached on `near_day` (see [`day_of`]), which is today or
/// within the last 7 days.
pub const fn offers_increase(near_day: Option<i64>, now: Timestamp) -> bool {
    match near_day {
        Some(day) => day_of(now).saturating_sub(day) <= OFFERED_DAYS,
        None => false,
    }
}

/// Bounces and complaints of a team's mail through the managed route within the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Feedback {
    /// Recipients accepted by the provider.
    pub recipients: u64,
    /// Hard bounces among them.
    pub hard_bounces: u64,
    /// Complaints among them.
    pub complaints: u64,
}

impl Feedback {
    /// Hard bounces in percent of the recipients.
    pub fn bounce_percent(&self) -> f64 {
        percent(self.hard_bounces, self.recipients)
    }

    /// Complaints in percent of the recipients.
    pub fn complaint_percent(&self) -> f64 {
        percent(self.complaints, self.recipients)
    }
}

/// Percentage of `part` in `whole`. It may exceed 100: mail bounces late, so more can come back than was sent within
/// the window.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return if part == 0 { 0.0 } else { 100.0 };
    }
    part as f64 * 100.0 / whole as f64
}

named_enum! {
    /// Reason of a suspension on the managed route.
    pub enum SuspensionReason {
        /// At least 10 hard bounces and 5% of the recipients.
        Bounces = "bounces",
        /// At least 3 complaints and 0.1% of the recipients.
        Complaints = "complaints",
    }
}

const MIN_BOUNCES: u64 = 10;
const MIN_COMPLAINTS: u64 = 3;

/// Reason for which this feedback suspends a team, if it does. Complaints come before bounces.
pub const fn suspension(feedback: &Feedback) -> Option<SuspensionReason> {
    // 0.1% and 5%, in whole numbers.
    let complaints =
        feedback.complaints >= MIN_COMPLAINTS && feedback.complaints.saturating_mul(1_000) >= feedback.recipients;
    let bounces =
        feedback.hard_bounces >= MIN_BOUNCES && feedback.hard_bounces.saturating_mul(20) >= feedback.recipients;
    match (complaints, bounces) {
        (true, _) => Some(SuspensionReason::Complaints),
        (false, true) => Some(SuspensionReason::Bounces),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: i64 = 20_454 * DAY_MS;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn eighty_percent_is_reached_exactly() {
        for cap in 0..=2_000_u32 {
            for used in 0..=cap {
                let exact = cap > 0 && u64::from(used) * 100 >= u64::from(cap) * 80;
                assert_eq!(is_near(used, cap), exact, "{used} of {cap}");
            }
        }
        assert_eq!((threshold(50), threshold(1), threshold(3)), (40, 1, 3));
        assert_eq!(threshold(u32::MAX), 3_435_973_836);
        assert!(!is_near(0, 0) && !is_near(39, 50) && is_near(40, 50));
    }

    #[test]
    fn days_begin_at_midnight_utc() {
        assert_eq!(day_of(at(MIDNIGHT - 1)), 20_453);
        assert_eq!(day_of(at(MIDNIGHT)), 20_454);
        assert_eq!(day_of(at(-1)), -1);
        assert_eq!(next_day(at(MIDNIGHT - 1)), at(MIDNIGHT));
        assert_eq!(next_day(at(MIDNIGHT)), at(MIDNIGHT + DAY_MS));
    }

    #[test]
    fn an_increase_is_offered_on_the_day_and_for_seven_days_after() {
        let near = Some(day_of(at(MIDNIGHT)));
        for (now, offered) in [
            (MIDNIGHT, true),
            (MIDNIGHT + DAY_MS - 1, true),
            (MIDNIGHT + DAY_MS, true),
            (MIDNIGHT + 8 * DAY_MS - 1, true),
            (MIDNIGHT + 8 * DAY_MS, false),
            (MIDNIGHT + 400 * DAY_MS, false),
        ] {
            assert_eq!(offers_increase(near, at(now)), offered, "{now}");
        }
        assert!(!offers_increase(None, at(MIDNIGHT)));
        // An offer survives a clock that steps back over midnight.
        assert!(offers_increase(near, at(MIDNIGHT - 1)));
    }

    #[test]
    fn both_the_rate_and_the_least_number_count() {
        let after = |recipients, hard_bounces, complaints| {
            suspension(&Feedback {
                recipients,
                hard_bounces,
                complaints,
            })
        };
        use SuspensionReason::{Bounces, Complaints};
        for (recipients, hard_bounces, complaints, expected) in [
            (0, 0, 0, None),
            (9, 9, 0, None),
            (10, 10, 0, Some(Bounces)),
            (200, 10, 0, Some(Bounces)),
            (201, 10, 0, None),
            (201, 11, 0, Some(Bounces)),
            (20_000, 999, 0, None),
            (20_000, 1_000, 0, Some(Bounces)),
            (10, 0, 2, None),
            (3, 0, 3, Some(Complaints)),
            (3_000, 0, 3, Some(Complaints)),
            (3_001, 0, 3, None),
            (10_000, 0, 9, None),
            (10_000, 0, 10, Some(Complaints)),
            (100, 50, 50, Some(Complaints)),
            // Late bounces, with nothing sent within the window.
            (0, 10, 0, Some(Bounces)),
        ] {
            assert_eq!(
                after(recipients, hard_bounces, complaints),
                expected,
                "{recipients} {hard_bounces} {complaints}"
            );
        }
    }

    #[test]
    fn the_rule_is_the_percentage_whatever_the_numbers() {
        for recipients in 0..=400_u64 {
            for count in 0..=30_u64 {
                let bounces = Feedback {
                    recipients,
                    hard_bounces: count,
                    complaints: 0,
                };
                let expected = count >= 10 && bounces.bounce_percent() >= 5.0;
                assert_eq!(suspension(&bounces).is_some(), expected, "{bounces:?}");
                let complaints = Feedback {
                    recipients: recipients * 20,
                    hard_bounces: 0,
                    complaints: count,
                };
                let expected = count >= 3 && count * 1_000 >= complaints.recipients;
                assert_eq!(suspension(&complaints).is_some(), expected, "{complaints:?}");
            }
        }
    }
}
