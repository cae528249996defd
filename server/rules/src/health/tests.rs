use proptest::prelude::*;

use super::*;
use crate::outcome::{Class, IoFault, Reply, Stage};

const POLICY: HealthPolicy = HealthPolicy {
    failures: 3,
    within: Duration::from_secs(300),
    quota: Duration::from_secs(24 * 3_600),
    connection: Duration::from_secs(3_600),
    first_pause: Duration::from_secs(30),
    longest_pause: Duration::from_secs(300),
    longest_asked: Duration::from_secs(24 * 3_600),
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
}

fn smtp(stage: Stage, code: u16, text: &str) -> Outcome {
    Outcome::from_smtp(stage, Reply::parse(code, [text]))
}

fn timeout() -> Outcome {
    Outcome::from_io(Stage::Connect, IoFault::Timeout)
}

fn throttled(asked: Option<u64>) -> Outcome {
    let mut outcome = smtp(Stage::MailFrom, 450, "4.7.1 too many messages");
    outcome.retry_after = asked.map(Duration::from_secs);
    outcome
}

fn taken() -> Outcome {
    smtp(Stage::Body, 250, "2.0.0 Ok")
}

/// Applies outcomes in turn and returns the last events.
fn apply(health: &mut Health, outcomes: &[(i64, &Outcome)]) -> Vec<HealthEvent> {
    let mut last = Vec::new();
    for (seconds, outcome) in outcomes {
        let (next, events) = on_outcome(&POLICY, std::mem::take(health), outcome, at(*seconds));
        *health = next;
        last = events;
    }
    last
}

#[test]
fn what_a_clock_that_was_ahead_noted_lasts_as_long_as_it_was_to() {
    let day = 24 * 3_600;
    let mut health = Health::default();
    apply(&mut health, &[(5 * day, &timeout()), (5 * day, &timeout())]);
    let untouched = health.clone();
    assert!(!set_back(&POLICY, &mut health, at(5 * day - 9)));
    assert_eq!(health, untouched);
    assert!(set_back(&POLICY, &mut health, at(0)));
    assert_eq!(health.failures, [at(0), at(0)]);

    apply(
        &mut health,
        &[(5 * day, &timeout()), (5 * day, &timeout()), (5 * day, &timeout())],
    );
    assert!(set_back(&POLICY, &mut health, at(0)));
    let block = health.block.as_ref().unwrap();
    assert_eq!(
        (block.since, block.until, health.out_since),
        (at(0), Some(at(3_600)), Some(at(0)))
    );
    assert!(!set_back(&POLICY, &mut health, at(60)));

    let mut health = Health::default();
    apply(&mut health, &[(5 * day, &throttled(None))]);
    assert!(set_back(&POLICY, &mut health, at(0)));
    assert_eq!(health.pause.unwrap().until, at(300));
    // A block that is cleared by hand stays one.
    let mut health = Health::default();
    apply(&mut health, &[(0, &smtp(Stage::Auth, 535, "5.7.8 no"))]);
    let pulled = health.clone();
    assert!(!set_back(&POLICY, &mut health, at(-5)));
    assert_eq!(health, pulled);
}

#[test]
fn the_defaults_are_the_published_numbers() {
    assert_eq!(HealthPolicy::default(), POLICY);
}

#[test]
fn the_third_failure_within_five_minutes_pulls_for_an_hour() {
    let mut health = Health::default();
    let fault = timeout();
    assert!(apply(&mut health, &[(0, &fault), (299, &fault)]).is_empty());
    let events = apply(&mut health, &[(300, &fault)]);
    let block = health.block.clone().unwrap();
    assert_eq!(events, [HealthEvent::Blocked(block.clone())]);
    assert_eq!(
        (block.kind, block.since, block.until),
        (BlockKind::Connection, at(300), Some(at(3_900)))
    );
    assert_eq!(block.cause, "timeout at connect");
    assert!(health.block_at(at(3_899)).is_some());
    assert!(health.block_at(at(3_900)).is_none());
}

#[test]
fn failures_further_apart_do_not_pull() {
    let mut health = Health::default();
    for turn in 0..20 {
        apply(&mut health, &[(turn * 151, &timeout())]);
        assert_eq!(health.block, None);
    }
    assert!(health.failures.len() < 3);
}

#[test]
fn a_success_between_failures_does_not_hide_them() {
    let mut health = Health::default();
    let fault = timeout();
    apply(
        &mut health,
        &[(0, &fault), (1, &taken()), (2, &fault), (3, &taken()), (4, &fault)],
    );
    assert!(health.block.is_some());
}

#[test]
fn definite_faults_pull_at_once() {
    let mut auth = smtp(Stage::Auth, 535, "5.7.8 Credentials invalid");
    auth.confirmed = true;
    let cases = [
        (auth, BlockKind::Auth, None),
        (
            smtp(Stage::RcptTo, 554, "5.7.1 Relay access denied"),
            BlockKind::Config,
            None,
        ),
        (
            smtp(Stage::RcptTo, 550, "5.4.5 Daily sending limit exceeded"),
            BlockKind::Quota,
            Some(at(86_400)),
        ),
        (
            Outcome::from_io(Stage::Tls, IoFault::CertificateMismatch),
            BlockKind::Config,
            None,
        ),
    ];
    for (outcome, kind, until) in cases {
        let mut health = Health::default();
        apply(&mut health, &[(0, &outcome)]);
        let block = health.block.unwrap();
        assert_eq!((block.kind, block.until), (kind, until));
    }
}

#[test]
fn a_refused_login_is_only_a_failure_until_it_is_confirmed() {
    let mut health = Health::default();
    let refused = smtp(Stage::Auth, 535, "5.7.8 Credentials invalid");
    apply(&mut health, &[(0, &refused), (1, &refused)]);
    assert_eq!(health.block, None);
    apply(&mut health, &[(2, &refused)]);
    assert_eq!(health.block.unwrap().kind, BlockKind::Auth);
}

#[test]
fn a_worse_fault_replaces_a_block_and_a_lesser_one_does_not() {
    let mut health = Health::default();
    let fault = timeout();
    let quota = smtp(Stage::Body, 454, "Throttling failure: Daily message quota exceeded.");
    let config = Outcome::from_io(Stage::Tls, IoFault::CertificateMismatch);
    apply(&mut health, &[(0, &fault), (1, &fault), (2, &fault), (3, &quota)]);
    let block = health.block.clone().unwrap();
    assert_eq!((block.kind, block.since), (BlockKind::Quota, at(2)));
    assert!(apply(&mut health, &[(4, &quota), (5, &fault), (6, &fault), (7, &fault)]).is_empty());
    assert_eq!(health.block, Some(block));
    apply(&mut health, &[(8, &config)]);
    assert_eq!(health.block.clone().unwrap().until, None);
    assert!(apply(&mut health, &[(9, &quota)]).is_empty());
}

#[test]
fn a_recovered_provider_has_a_clean_record_and_remembers_its_outage() {
    let mut health = Health::default();
    let fault = timeout();
    apply(&mut health, &[(0, &fault), (1, &fault), (2, &fault)]);
    let (health, events) = expire(health, at(2 + 3_600));
    assert!(matches!(
        &events[..],
        [HealthEvent::Recovered {
            by: RecoveryCause::Expired,
            ..
        }]
    ));
    assert_eq!(
        (health.failures.len(), &health.block, health.out_since),
        (0, &None, Some(at(2)))
    );

    let mut again = health.clone();
    apply(&mut again, &[(4_000, &fault), (4_001, &fault)]);
    assert_eq!(again.block, None);
    apply(&mut again, &[(4_002, &fault)]);
    assert_eq!(again.out_since, Some(at(2)));

    let mut well = health;
    apply(&mut well, &[(4_000, &taken())]);
    assert_eq!(well, Health::default());
}

#[test]
fn an_outcome_after_the_end_of_a_block_reports_the_recovery_first() {
    let mut health = Health::default();
    let fault = timeout();
    apply(&mut health, &[(0, &fault), (1, &fault), (2, &fault)]);
    let events = apply(&mut health, &[(3_602, &fault)]);
    assert!(matches!(&events[..], [HealthEvent::Recovered { .. }]));
    assert_eq!(health.failures, [at(3_602)]);
}

#[test]
fn pauses_double_to_five_minutes_and_start_again_after_a_success() {
    let mut health = Health::default();
    let mut now = 0;
    for expected in [30, 60, 120, 240, 300, 300] {
        apply(&mut health, &[(now, &throttled(None))]);
        assert_eq!(health.pause.unwrap().until, at(now + expected));
        now += expected;
        assert!(health.pause_at(at(now)).is_none());
    }
    apply(&mut health, &[(now, &taken()), (now + 1, &throttled(None))]);
    assert_eq!(health.pause.unwrap().until, at(now + 31));
}

#[test]
fn a_burst_of_throttled_attempts_is_one_pause() {
    let mut health = Health::default();
    apply(&mut health, &[(0, &throttled(None))]);
    assert!(apply(&mut health, &[(1, &throttled(None))]).is_empty());
    apply(&mut health, &[(2, &taken())]);
    assert_eq!(health.pause, Some(Pause { until: at(30), step: 1 }));
    apply(&mut health, &[(3, &throttled(Some(100)))]);
    assert_eq!(
        health.pause,
        Some(Pause {
            until: at(103),
            step: 1
        })
    );
    assert!(apply(&mut health, &[(4, &throttled(Some(5)))]).is_empty());
}

#[test]
fn a_pause_that_was_asked_for_has_sound_bounds() {
    let until = |asked| {
        let mut health = Health::default();
        apply(&mut health, &[(0, &throttled(Some(asked)))]);
        health.pause.unwrap().until
    };
    assert_eq!(until(7), at(7));
    assert_eq!(until(0), at(30));
    assert_eq!(until(u64::MAX), at(86_400));
}

#[test]
fn a_passed_test_ends_all_but_a_quota_block() {
    let quota = smtp(Stage::Body, 454, "Daily message quota exceeded.");
    let config = Outcome::from_io(Stage::Tls, IoFault::CertificateMismatch);
    let mut health = Health::default();
    apply(&mut health, &[(0, &quota)]);
    let (health, events) = on_test(&POLICY, health, Ok(()), at(1));
    assert!(health.block.is_some() && events.is_empty());
    let (health, events) = unblock(health);
    assert_eq!(health, Health::default());
    assert!(matches!(
        &events[..],
        [HealthEvent::Recovered {
            by: RecoveryCause::ByHand,
            ..
        }]
    ));

    let (health, _) = on_outcome(&POLICY, health, &config, at(2));
    let (health, events) = on_test(&POLICY, health, Ok(()), at(3));
    assert_eq!(health, Health::default());
    assert!(matches!(
        &events[..],
        [HealthEvent::Recovered {
            by: RecoveryCause::Tested,
            ..
        }]
    ));
}

#[test]
fn a_test_that_times_out_or_finds_the_server_busy_blocks_nothing() {
    let busy = smtp(Stage::Greeting, 421, "4.3.2 Service busy");
    let unconfirmed = smtp(Stage::Auth, 535, "5.7.8 no");
    for outcome in [&timeout(), &busy, &throttled(None), &unconfirmed] {
        let mut health = Health::default();
        for second in 0..5 {
            let (next, events) = on_test(&POLICY, health, Err(outcome), at(second));
            assert!(events.is_empty());
            health = next;
        }
        assert_eq!(health, Health::default());
    }
    let definite = Outcome {
        confirmed: true,
        ..unconfirmed
    };
    let (health, _) = on_test(&POLICY, Health::default(), Err(&definite), at(0));
    assert_eq!(health.block.unwrap().kind, BlockKind::Auth);
}

#[test]
fn an_event_says_the_cause() {
    let mut outcome = smtp(Stage::Auth, 535, "5.7.8 Credentials invalid");
    outcome.confirmed = true;
    let (health, events) = on_outcome(&POLICY, Health::default(), &outcome, at(0));
    assert_eq!(health.block.as_ref().unwrap().cause, "535 5.7.8 Credentials invalid");
    let json = serde_json::to_string(&(&health, &events)).unwrap();
    let back: (Health, Vec<HealthEvent>) = serde_json::from_str(&json).unwrap();
    assert_eq!(back, (health, events));
    assert_eq!(serde_json::to_string(&Health::default()).unwrap(), "{}");
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    (
        prop::sample::select(Class::ALL),
        prop::sample::select(Stage::ALL),
        any::<bool>(),
        prop::option::of(any::<u64>().prop_map(Duration::from_millis)),
    )
        .prop_map(|(class, stage, confirmed, retry_after)| Outcome {
            class,
            stage,
            reply: None,
            fault: None,
            retry_after,
            permanent: false,
            hint: None,
            confirmed,
            rule: "test",
        })
}

proptest! {
    /// After any outcomes in any order of times: records stay small, a block is announced when it begins and when it
    /// ends, and faults of others leave no trace.
    #[test]
    fn health_is_sound(steps in prop::collection::vec((any_outcome(), -600i64..7_200), 1..120)) {
        let (mut health, mut now) = (Health::default(), 0);
        for (outcome, by) in steps {
            now += by;
            let was_blocked = health.block.is_some();
            let before = health.clone();
            let (next, events) = on_outcome(&POLICY, health, &outcome, at(now));
            prop_assert!(next.failures.len() < POLICY.failures);
            let began = events.iter().filter(|event| matches!(event, HealthEvent::Blocked(_))).count();
            let ended = events.iter().filter(|event| matches!(event, HealthEvent::Recovered { .. })).count();
            prop_assert!(began <= 1 && ended <= 1);
            let is_blocked = match (began, ended) {
                (1, _) => true,
                (_, 1) => false,
                _ => was_blocked,
            };
            prop_assert_eq!(next.block.is_some(), is_blocked);
            prop_assert!(next.block.is_none() || next.out_since.is_some());
            let harmless = matches!(
                outcome.class,
                Class::RecipientRefused | Class::MessageRefused | Class::SenderRefused | Class::Deferred
            );
            if harmless && ended == 0 {
                prop_assert_eq!(&next, &before);
            }
            health = next;
        }
    }
}
