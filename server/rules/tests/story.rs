//! A story told by the decisions alone: three 5xx of Gmail within five minutes, SES takes over, and an hour later Gmail
//! is back. The same for a used-up quota (24 hours) and for refused credentials (by hand only).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sendmux_rules::caps::{Caps, Usage};
use sendmux_rules::health::{Health, HealthEvent, HealthPolicy, expire, on_outcome, unblock};
use sendmux_rules::select::{LeftOut, Selection};
use sendmux_rules::{Availability, BlockKind, Candidate, Need, Outcome, ProviderKind, Timestamp, select};

const GMAIL: i64 = 1;
const SES: i64 = 2;
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

struct Route {
    gmail: Health,
    now: Timestamp,
    rng: StdRng,
}

impl Route {
    fn new() -> Self {
        Self {
            gmail: Health::default(),
            now: START,
            rng: StdRng::seed_from_u64(1),
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    /// Gmail has nearly all the weight, so that it is chosen whenever it may be.
    fn select(&mut self) -> Selection {
        let availability = Availability::of(&self.gmail, &Caps::NONE, &Usage::default(), 1, self.now);
        let gmail = Candidate {
            availability,
            ..Candidate::new(GMAIL, ProviderKind::Gmail, u32::MAX)
        };
        let candidates = [gmail, Candidate::new(SES, ProviderKind::Ses, 1)];
        let need = Need {
            bytes: 2_000,
            recipients: 1,
            headers_all_pending: true,
        };
        select(&candidates, &need, self.now, &mut self.rng)
    }

    fn gmail_answers(&mut self, outcome: &Outcome) -> Vec<HealthEvent> {
        let health = std::mem::take(&mut self.gmail);
        let (health, events) = on_outcome(&HealthPolicy::default(), health, outcome, self.now);
        self.gmail = health;
        events
    }
}

fn gmail(status: u16, reason: &str, message: &str) -> Outcome {
    Outcome::from_api(ProviderKind::Gmail, status, reason, message, None)
}

#[test]
fn three_server_errors_pull_gmail_for_an_hour() {
    let mut route = Route::new();
    let broken = gmail(500, "backendError", "Backend Error");
    assert!(broken.effect_on_message().fails_over());
    for _ in 0..2 {
        assert_eq!(route.select().chosen, Some(GMAIL));
        assert!(route.gmail_answers(&broken).is_empty());
        route.pass(120);
    }
    assert_eq!(route.select().chosen, Some(GMAIL));
    let events = route.gmail_answers(&broken);
    assert!(matches!(&events[..], [HealthEvent::Blocked(block)] if block.kind == BlockKind::Connection));

    let selection = route.select();
    assert_eq!(selection.chosen, Some(SES));
    assert_eq!(selection.considered[0].left_out, Some(LeftOut::Blocked));
    assert_eq!(
        selection.considered[0].opens_at,
        Some(route.now.plus(Duration::from_secs(3_600)))
    );

    route.pass(3_599);
    assert_eq!(route.select().chosen, Some(SES));
    route.pass(1);
    assert_eq!(route.select().chosen, Some(GMAIL));
    let (health, events) = expire(route.gmail, route.now);
    assert!(health.failures.is_empty());
    assert!(matches!(&events[..], [HealthEvent::Recovered { .. }]));
}

#[test]
fn a_used_up_quota_pulls_gmail_for_24_hours() {
    let mut route = Route::new();
    let events = route.gmail_answers(&gmail(403, "dailyLimitExceeded", "Daily Limit Exceeded"));
    assert!(matches!(&events[..], [HealthEvent::Blocked(block)] if block.kind == BlockKind::Quota));
    route.pass(24 * 3_600 - 1);
    assert_eq!(route.select().chosen, Some(SES));
    route.pass(1);
    assert_eq!(route.select().chosen, Some(GMAIL));
}

#[test]
fn refused_credentials_pull_gmail_until_somebody_acts() {
    let mut route = Route::new();
    let mut refused = gmail(401, "authError", "Invalid Credentials");
    assert!(route.gmail_answers(&refused).is_empty());
    refused.confirmed = true;
    let events = route.gmail_answers(&refused);
    assert!(matches!(&events[..], [HealthEvent::Blocked(block)] if block.kind == BlockKind::Auth));
    route.pass(365 * 24 * 3_600);
    assert_eq!(route.select().chosen, Some(SES));
    route.gmail = unblock(route.gmail).0;
    assert_eq!(route.select().chosen, Some(GMAIL));
}
