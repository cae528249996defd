use super::*;
use crate::accounts::{SignInError, sign_in};
use crate::clock::Clock;
use crate::entities::{lanes, queue};
use crate::keys::{self, Scope};
use crate::routing::tests::{key, pulled, relay, submit, with_runtime};
use crate::testing::{PASSWORD, START, TestDomain, databases};
use sendmux_rules::BlockKind;
use sendmux_rules::caps::{self, CapFit, Caps};
use sendmux_rules::health::Pause;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_clock_that_goes_back_is_noticed_once_and_a_wobble_is_not() {
    let second = Duration::from_secs(1);
    let mut watch = Watch::new(START);
    assert_eq!(watch.went_back_after(START.plus(10 * second), 10 * second), None);
    // It is set forward, and varies a little.
    assert_eq!(watch.went_back_after(START.plus(HOUR), 20 * second), None);
    assert_eq!(watch.went_back_after(START.plus(HOUR + 5 * second), 30 * second), None);
    // And is corrected.
    let back = watch.went_back_after(START.plus(40 * second), 40 * second);
    assert_eq!(back, Some(HOUR - 20 * second));
    assert_eq!(watch.went_back_after(START.plus(50 * second), 50 * second), None);
    // Many small steps add up.
    let steps = (1..=30).filter_map(|n| {
        let elapsed = 50 * second + n * second;
        watch.went_back_after(START.plus(50 * second), elapsed)
    });
    assert_eq!(steps.count(), 2);
}

async fn due_at(test: &TestDomain) -> Vec<Duration> {
    let mut rows: Vec<(i64, Timestamp)> = queue::Entity::find()
        .select_only()
        .columns([queue::Column::MessageId, queue::Column::DueAt])
        .into_tuple()
        .all(test.db.read())
        .await
        .unwrap();
    rows.sort_unstable();
    rows.into_iter().map(|(_, due_at)| due_at.since(START)).collect()
}

async fn waits(test: &TestDomain, due_at: Timestamp, reason: WaitReason, round: i32) {
    let of_reason = queue::Entity::update_many()
        .col_expr(queue::Column::WaitReason, Expr::value(reason))
        .col_expr(queue::Column::Round, Expr::value(round))
        .filter(queue::Column::DueAt.eq(due_at));
    update(test, of_reason).await.unwrap();
}

#[tokio::test]
async fn a_used_up_cap_a_block_and_a_pause_bind_for_their_own_length() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let (used, blocked, paused) = (
            relay(&test, &session, "Used").await.id,
            relay(&test, &session, "Blocked").await.id,
            relay(&test, &session, "Paused").await.id,
        );
        let caps = Caps {
            minute: Some(1),
            hour: Some(2),
            day: Some(9),
            ..Caps::NONE
        };
        let ahead = START.plus(5 * DAY);
        with_runtime(&test, used, |state| {
            caps::charge(&mut state.usage, ahead, 1);
            state.last_used_at = Some(ahead);
        })
        .await;
        with_runtime(&test, blocked, |state| {
            state.health = pulled(BlockKind::Connection, Some(ahead.plus(HOUR)));
            state.health.block.as_mut().unwrap().since = ahead;
            state.last_used_at = Some(ahead);
        })
        .await;
        with_runtime(&test, paused, |state| {
            state.health.pause = Some(Pause { until: ahead, step: 1 });
        })
        .await;
        apply(&test).await.unwrap();

        let states = runtime::read(test.db.read(), [used, blocked, paused]).await.unwrap();
        let cap_fit = |at| caps::cap_fit(&caps, &states[&used].usage, at, 1);
        assert_eq!(cap_fit(START), CapFit::Until(START.plus(MINUTE)));
        assert_eq!(cap_fit(START.plus(MINUTE)), CapFit::Now);
        assert_eq!(states[&used].last_used_at, Some(START));
        let block = states[&blocked].health.block.clone().unwrap();
        assert_eq!((block.since, block.until), (START, Some(START.plus(HOUR))));
        let pause = states[&paused].health.pause.unwrap();
        assert_eq!(pause.until, START.plus(HealthPolicy::default().longest_pause));
        let marked = lanes::Entity::find()
            .filter(lanes::Column::RequeueMark.lt(START))
            .one(test.db.read());
        assert_eq!(marked.await.unwrap(), None, "what waits for them is looked at again");
    }
}

#[tokio::test]
async fn messages_and_retries_of_a_clock_that_was_ahead_go_on() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        relay(&test, &session, "Relay").await;
        let created = key(&test, &session, "key", Scope::All).await;
        let delays = test.settings.retry_delays.clone();
        test.clock.advance(5 * DAY);
        for (hours, wait) in [
            (0, None),
            (1, Some((WaitReason::Retry, 2))),
            (2, Some((WaitReason::Retry, 3))),
            (3, Some((WaitReason::Cap, 1))),
        ] {
            submit(&test, &created.secret).await.unwrap();
            let now = test.clock.now();
            let due = now.plus(hours * HOUR);
            let last = queue::Entity::update_many()
                .col_expr(queue::Column::DueAt, Expr::value(due))
                .filter(queue::Column::DueAt.eq(now))
                .filter(queue::Column::WaitReason.is_null());
            if let Some((reason, round)) = wait {
                update(&test, last).await.unwrap();
                waits(&test, due, reason, round).await;
            }
            test.clock.advance(Duration::from_millis(1));
        }
        test.clock.set_back(5 * DAY + Duration::from_millis(4));
        apply(&test).await.unwrap();
        let wanted = [Duration::ZERO, delays[0], delays[1]];
        assert_eq!(due_at(&test).await[..3], wanted);
        // A later call finds nothing, and leaves correct times alone.
        test.clock.advance(MINUTE);
        apply(&test).await.unwrap();
        assert_eq!(due_at(&test).await[..3], wanted);
    }
}

#[tokio::test]
async fn sign_ins_are_throttled_for_a_window_at_most() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let email = crate::entities::users::Entity::find_by_id(session.user.id)
            .one(test.db.read())
            .await
            .unwrap()
            .unwrap()
            .email;
        test.clock.advance(5 * DAY);
        let sign_in = async |password: &str| sign_in(&test, &email, password, None).await;
        while !matches!(sign_in("wrong").await, Err(SignInError::Throttled { .. })) {}
        test.clock.set_back(5 * DAY);
        apply(&test).await.unwrap();
        assert!(matches!(sign_in(PASSWORD).await, Err(SignInError::Throttled { .. })));
        test.clock.advance(15 * MINUTE);
        assert!(sign_in(PASSWORD).await.is_ok());
    }
}

#[tokio::test]
async fn caches_do_not_outlive_a_clock_that_steps_back() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let created = key(&test, &session, "key", Scope::All).await;
        let elsewhere = test.second_node().await;
        test.clock.advance(DAY);
        assert!(keys::authenticate(&elsewhere, &created.secret).await.unwrap().is_some());
        test.clock.set_back(DAY);
        keys::revoke(&test, &session.actor(None), &created.key.public_id)
            .await
            .unwrap();
        let known = keys::authenticate(&elsewhere, &created.secret).await.unwrap();
        assert!(known.is_none(), "a revoked key is not good until the wrong time comes");
    }
}
