//! How many requests a key may make in a fixed minute of UTC.
//!
//! This counts in the memory of one process. Where several nodes share a database the count has to be taken in
//! `rate_windows`, which the SMTP listener counts in too; [`RateLimiter::take`] is already of the form which that takes.

use parking_lot::Mutex;
use sendmux_domain::keys::KeyContext;
use sendmux_domain::{Domain, Result, Timestamp};
use std::collections::HashMap;
use std::time::Duration;

const WINDOW_MS: i64 = 60_000;

/// What a request found when it asked for its place in the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Requests a minute.
    pub(crate) limit: u32,
    /// Requests left in this minute.
    pub(crate) remaining: u32,
    /// When the next minute begins, in seconds of Unix time.
    pub(crate) reset: i64,
    /// How long until then.
    pub(crate) retry_after: Duration,
    /// Whether this request has a place.
    pub(crate) allowed: bool,
}

/// The requests of the current minute, by key.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    number: i64,
    used: HashMap<i64, u32>,
}

impl RateLimiter {
    /// Takes one request of this key's minute. A request that finds no place is not counted.
    pub(crate) async fn take(&self, domain: &Domain, key: &KeyContext) -> Result<Taken> {
        Ok(self.take_at(key.key_id, domain.settings.rate_limit_per_minute, domain.clock.now()))
    }

    fn take_at(&self, key_id: i64, limit: u32, now: Timestamp) -> Taken {
        let mut window = self.window.lock();
        // A clock that steps back does not open an old minute again.
        let number = now.as_millis().div_euclid(WINDOW_MS).max(window.number);
        if number > window.number {
            *window = Window {
                number,
                used: HashMap::new(),
            };
        }
        let used = window.used.entry(key_id).or_default();
        let allowed = *used < limit;
        *used += u32::from(allowed);
        let end = Timestamp::from_millis((number + 1) * WINDOW_MS);
        Taken {
            limit,
            remaining: limit - (*used).min(limit),
            reset: end.as_millis() / 1_000,
            retry_after: end.since(now),
            allowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn counts_each_key_in_fixed_minutes() {
        let limiter = RateLimiter::default();
        let first = limiter.take_at(1, 2, at(599));
        assert_eq!((first.allowed, first.remaining, first.reset), (true, 1, 600));
        assert_eq!(first.retry_after, Duration::from_secs(1));
        assert!(limiter.take_at(1, 2, at(599)).allowed);
        let third = limiter.take_at(1, 2, at(599));
        assert_eq!((third.allowed, third.remaining), (false, 0));
        assert!(limiter.take_at(2, 2, at(599)).allowed, "another key has its own");
        let next = limiter.take_at(1, 2, at(600));
        assert_eq!((next.allowed, next.remaining, next.reset), (true, 1, 660));
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away() {
        let limiter = RateLimiter::default();
        assert!(limiter.take_at(1, 1, at(600)).allowed);
        assert!(!limiter.take_at(1, 1, at(599)).allowed);
        assert!(!limiter.take_at(1, 1, at(601)).allowed);
    }

    #[test]
    fn a_limit_that_was_lowered_does_not_underflow() {
        let limiter = RateLimiter::default();
        for _ in 0..5 {
            limiter.take_at(1, 5, at(0));
        }
        assert_eq!(limiter.take_at(1, 2, at(0)).remaining, 0);
    }
}
