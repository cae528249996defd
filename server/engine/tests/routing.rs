//! Weights, groups, caps and blocks as the running engine keeps to them, on every database there is to test on, under a
//! clock that the test moves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Answer, Scripted, World, scoped_key, submit};
use sea_orm::{EntityTrait, QueryOrder};
use sendmux_domain::clock::Clock;
use sendmux_domain::events::EventKind;
use sendmux_domain::keys::{KeyContext, Scope};
use sendmux_domain::messages::RecordedCandidate;
use sendmux_domain::providers::{self, CapsForm};
use sendmux_domain::testing::{START, databases};
use sendmux_domain::{Timestamp, dry_run, groups, routing};
use sendmux_rules::{BlockKind, IoFault, LeftOut, MessageStatus, Mode, ProviderKind, Stage, WaitReason};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Chosen first, but for one draw in a million.
const FIRST: i64 = 1_000_000;

impl World {
    /// A group of these providers, and a key for it.
    async fn group(&self, name: &str, members: &[(&str, Option<i64>)]) -> (String, Arc<KeyContext>) {
        let members = members.iter().map(|(id, weight)| ((*id).to_owned(), *weight)).collect();
        let group = groups::create(&self.test, &self.session.actor(None), name, members)
            .await
            .unwrap()
            .public_id;
        let scope = Scope::Groups(vec![group.clone()]);
        (group, scoped_key(&self.test, &self.session, Mode::Live, scope).await)
    }

    async fn block(&self, provider: &str) -> Option<(BlockKind, Option<Timestamp>)> {
        let view = providers::get(&self.test, self.session.team.id, provider)
            .await
            .unwrap();
        view.block.map(|block| (block.kind, block.until))
    }

    /// Submits with this key and waits until the message is sent.
    async fn send(&self, key: &Arc<KeyContext>) -> String {
        let id = submit(&self.test, key, &["a@example.com"]).await;
        self.until_status(&id, MessageStatus::Sent).await;
        id
    }

    /// Reason for which a message waits, and until when.
    async fn waits(&self, id: &str) -> Option<(Option<WaitReason>, Timestamp)> {
        let waiting = self.detail(id).await.waiting?;
        Some((waiting.reason, waiting.expected_at))
    }
}

fn times(scripted: &Scripted) -> Vec<Timestamp> {
    scripted.handed.lock().iter().map(|(at, _, _)| *at).collect()
}

#[tokio::test]
async fn what_is_over_a_cap_waits_for_the_next_window() {
    let windows = [
        (
            CapsForm {
                second: Some(2),
                ..CapsForm::default()
            },
            SECOND,
        ),
        (
            CapsForm {
                minute: Some(2),
                ..CapsForm::default()
            },
            MINUTE,
        ),
        (
            CapsForm {
                hour: Some(2),
                ..CapsForm::default()
            },
            HOUR,
        ),
    ];
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        world.start().await;
        for (caps, window) in windows {
            // To the begin of a window of every length, and past what was sent before.
            world.test.clock.advance(HOUR);
            let start = world.test.domain.clock.now();
            scripted.handed.lock().clear();
            world.caps(&provider, caps).await;
            let mut ids = Vec::new();
            for _ in 0..5 {
                ids.push(world.submit(&["a@example.com"]).await);
            }
            for (step, sent) in [(0u32, 2), (1, 4), (2, 5)] {
                world
                    .until("the window is used up", async || scripted.count() == sent)
                    .await;
                let last = ids.last().unwrap();
                if sent < 5 {
                    let opens_at = start.plus(window * (step + 1));
                    world
                        .until("the rest waits", async || {
                            world.waits(last).await == Some((Some(WaitReason::Cap), opens_at))
                        })
                        .await;
                    world.test.clock.advance(window);
                } else {
                    world.until_status(last, MessageStatus::Sent).await;
                }
            }
            let at = |step: u32| start.plus(window * step);
            assert_eq!(times(&scripted), [at(0), at(0), at(1), at(1), at(2)]);
            world.test.clock.advance(2 * HOUR - window * 2);
        }
        world.stop().await;
    }
}

#[tokio::test]
async fn a_day_cap_of_three_lets_the_fourth_go_a_day_later() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        let caps = CapsForm {
            day: Some(3),
            ..CapsForm::default()
        };
        world.caps(&provider, caps).await;
        world.start().await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(world.submit(&["a@example.com"]).await);
        }
        world.until("three are sent", async || scripted.count() == 3).await;
        let opens_at = START.plus(DAY);
        let mut waiting = Vec::new();
        for id in &ids {
            world
                .until("it is settled or waits", async || {
                    world.status(id).await == MessageStatus::Sent
                        || world.waits(id).await == Some((Some(WaitReason::Cap), opens_at))
                })
                .await;
            if world.status(id).await == MessageStatus::Queued {
                waiting.push(id.clone());
            }
        }
        assert_eq!(waiting.len(), 2);
        let lanes = routing::waiting_by_reason(&world.test, world.session.team.id)
            .await
            .unwrap();
        assert_eq!(lanes.len(), 1);
        assert_eq!(
            (lanes[0].messages, lanes[0].reason, lanes[0].opens_at),
            (2, Some(WaitReason::Cap), Some(opens_at))
        );
        // However long: over-cap messages outlive every expiry.
        world.test.clock.advance(DAY - SECOND);
        world.test.clock.advance(SECOND);
        for id in &waiting {
            world.until_status(id, MessageStatus::Sent).await;
        }
        assert_eq!(times(&scripted), [START, START, START, opens_at, opens_at]);
        world.stop().await;
    }
}

#[tokio::test]
async fn a_charge_comes_back_when_the_provider_did_not_take_the_message() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        world.one_a_day(&provider).await;
        scripted.then(Answer::Reply(Stage::RcptTo, 451, "4.2.0 greylisted"));
        world.start().await;
        let id = world.submit(&["a@example.com"]).await;
        world
            .until("the round ended", async || {
                world
                    .detail(&id)
                    .await
                    .waiting
                    .is_some_and(|waiting| waiting.round == 2)
            })
            .await;
        world.test.clock.advance(5 * MINUTE);
        world.until_status(&id, MessageStatus::Sent).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_charge_that_comes_back_is_room_for_the_next_at_once() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        world.one_a_day(&provider).await;
        scripted.then(Answer::Reply(Stage::RcptTo, 550, "5.1.1 no such user"));
        let first = world.submit(&["nobody@example.com"]).await;
        let second = world.submit(&["a@example.com"]).await;
        world.start().await;
        world.until_status(&first, MessageStatus::Failed).await;
        world.until_status(&second, MessageStatus::Sent).await;
        assert_eq!(times(&scripted), [START, START]);
        world.stop().await;
    }
}

#[tokio::test]
async fn a_group_is_never_left_whatever_fails() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (one_id, one) = world.provider("one").await;
        let (two_id, two) = world.provider("two").await;
        let (three_id, three) = world.provider("three").await;
        let (_, inside) = world.group("inside", &[(&one_id, None), (&two_id, None)]).await;
        let (_, outside) = world.group("outside", &[(&three_id, None)]).await;
        for broken in [&one, &two] {
            broken.always(Some(Answer::Break(Stage::Connect, IoFault::Refused)));
        }
        world.start().await;
        let mut ids = Vec::new();
        for _ in 0..20 {
            ids.push(submit(&world.test, &inside, &["a@example.com"]).await);
        }
        world
            .until("both are pulled", async || {
                world.block(&one_id).await.is_some() && world.block(&two_id).await.is_some()
            })
            .await;
        world.send(&outside).await;
        assert_eq!(three.count(), 1, "only its own group's message");
        for broken in [&one, &two] {
            broken.always(None);
        }
        // The blocks end after an hour, the rounds of those that were tried at their times.
        world.test.clock.advance(HOUR);
        for id in &ids {
            world
                .until("it is sent, or waits for its round", async || {
                    world.status(id).await == MessageStatus::Sent
                        || world.detail(id).await.waiting.is_some_and(|waiting| waiting.round > 1)
                })
                .await;
        }
        world.test.clock.advance(2 * HOUR);
        for id in &ids {
            world.until_status(id, MessageStatus::Sent).await;
        }
        assert_eq!(three.count(), 1);
        world.stop().await;
    }
}

#[tokio::test]
async fn a_weight_of_0_drains_a_provider() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (one_id, one) = world.provider("one").await;
        let (two_id, two) = world.provider("two").await;
        let (group, key) = world.group("bulk", &[(&one_id, Some(1)), (&two_id, Some(1))]).await;
        world.start().await;
        let actor = world.session.actor(None);
        // In its group, where its own weight does not count …
        let members = vec![(one_id.clone(), Some(0)), (two_id.clone(), Some(1))];
        groups::set_members(&world.test, &actor, &group, members).await.unwrap();
        for _ in 0..30 {
            world.send(&key).await;
        }
        assert_eq!((one.count(), two.count()), (0, 30));
        // … and for the scope of all, where its weight in a group does not.
        providers::set_weight(&world.test, &actor, &two_id, Some(0))
            .await
            .unwrap();
        let all = world.key.clone();
        for _ in 0..30 {
            world.send(&all).await;
        }
        assert_eq!((one.count(), two.count()), (30, 30));
        // A drained provider stands in for nobody.
        one.always(Some(Answer::Break(Stage::Connect, IoFault::Refused)));
        let id = world.submit(&["a@example.com"]).await;
        // Only once this is written down: the engine has looked for somebody else in vain.
        let next_round = Some((Some(WaitReason::Retry), START.plus(5 * MINUTE)));
        world
            .until("it waits for its next round", async || {
                world.waits(&id).await == next_round
            })
            .await;
        assert_eq!(two.count(), 30);
        providers::set_weight(&world.test, &actor, &two_id, None).await.unwrap();
        world.until_status(&id, MessageStatus::Sent).await;
        assert_eq!(two.count(), 31);
        world.stop().await;
    }
}

#[tokio::test]
async fn gmail_fails_three_times_and_ses_takes_over_until_an_hour_is_over() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (gmail_id, gmail) = world.provider("Gmail").await;
        let (ses_id, ses) = world.provider("SES").await;
        let (_, key) = world
            .group("default", &[(&gmail_id, Some(FIRST)), (&ses_id, Some(1))])
            .await;
        gmail.always(Some(Answer::Api(
            ProviderKind::Gmail,
            503,
            "backendError",
            "Backend Error",
        )));
        world.start().await;
        // Each of three messages within five minutes fails there and is delivered by the other at once.
        for failures in 1..=3 {
            assert_eq!(world.block(&gmail_id).await, None);
            let id = world.send(&key).await;
            let attempts = world.detail(&id).await.attempts;
            let told: Vec<_> = attempts
                .iter()
                .map(|attempt| {
                    (
                        attempt.provider.as_ref().unwrap().1.as_str(),
                        attempt.class.as_str(),
                        attempt.round,
                    )
                })
                .collect();
            assert_eq!(told, [("Gmail", "connection", 1), ("SES", "accepted", 1)]);
            assert_eq!((gmail.count(), ses.count()), (failures, failures));
            if failures < 3 {
                world.test.clock.advance(2 * MINUTE);
            }
        }
        let until = START.plus(4 * MINUTE + HOUR);
        assert_eq!(world.block(&gmail_id).await, Some((BlockKind::Connection, Some(until))));
        let id = world.send(&key).await;
        assert_eq!((gmail.count(), ses.count()), (3, 4), "it is not even tried");
        let choice = world.detail(&id).await.attempts[0].choice.clone();
        let left_out = |one: &RecordedCandidate| one.left_out == Some(LeftOut::Blocked);
        assert!(choice.candidates.iter().any(left_out), "{choice:?}");
        let run = dry_run::dry_run(
            &world.test,
            world.session.team.id,
            &key.public_id,
            100,
            1,
            "example.com",
        )
        .await
        .unwrap();
        let told: Vec<_> = run.candidates.iter().map(|one| (one.left_out, one.opens_at)).collect();
        assert_eq!(told, [(Some(LeftOut::Blocked), Some(until)), (None, None)]);

        gmail.always(None);
        world.test.clock.advance(HOUR);
        assert_eq!(world.block(&gmail_id).await, None);
        world.send(&key).await;
        assert_eq!((gmail.count(), ses.count()), (4, 4));
        // It is back with a clean record: two more failures do not pull it.
        for _ in 0..2 {
            gmail.then(Answer::Api(ProviderKind::Gmail, 503, "backendError", "Backend Error"));
            world.send(&key).await;
        }
        assert_eq!(world.block(&gmail_id).await, None);
        world.stop().await;
    }
}

#[tokio::test]
async fn failures_further_apart_than_five_minutes_pull_nobody() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (gmail_id, gmail) = world.provider("Gmail").await;
        let (ses_id, _) = world.provider("SES").await;
        let (_, key) = world
            .group("default", &[(&gmail_id, Some(FIRST)), (&ses_id, Some(1))])
            .await;
        gmail.always(Some(Answer::Api(
            ProviderKind::Gmail,
            500,
            "backendError",
            "Backend Error",
        )));
        world.start().await;
        for failures in 1..=6 {
            world.send(&key).await;
            assert_eq!(gmail.count(), failures);
            assert_eq!(world.block(&gmail_id).await, None);
            world.test.clock.advance(3 * MINUTE);
        }
        world.stop().await;
    }
}

#[tokio::test]
async fn an_exhausted_quota_pulls_a_provider_for_a_day() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (gmail_id, gmail) = world.provider("Gmail").await;
        let (ses_id, ses) = world.provider("SES").await;
        let (_, key) = world
            .group("default", &[(&gmail_id, Some(FIRST)), (&ses_id, Some(1))])
            .await;
        gmail.then(Answer::Api(
            ProviderKind::Gmail,
            403,
            "dailyLimitExceeded",
            "Daily Limit Exceeded",
        ));
        world.start().await;
        world.send(&key).await;
        assert_eq!(
            (gmail.count(), ses.count()),
            (1, 1),
            "the message is delivered all the same"
        );
        let pulled = Some((BlockKind::Quota, Some(START.plus(DAY))));
        assert_eq!(world.block(&gmail_id).await, pulled);
        world.test.clock.advance(DAY - SECOND);
        world.send(&key).await;
        assert_eq!((gmail.count(), ses.count()), (1, 2));
        world.test.clock.advance(SECOND);
        assert_eq!(world.block(&gmail_id).await, None);
        world.send(&key).await;
        assert_eq!((gmail.count(), ses.count()), (2, 2));
        world.stop().await;
    }
}

#[tokio::test]
async fn an_auth_fault_is_over_only_by_hand() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (gmail_id, gmail) = world.provider("Gmail").await;
        let (ses_id, ses) = world.provider("SES").await;
        let (_, key) = world
            .group("default", &[(&gmail_id, Some(FIRST)), (&ses_id, Some(1))])
            .await;
        gmail.then(Answer::Api(
            ProviderKind::Gmail,
            401,
            "authError",
            "Invalid Credentials",
        ));
        world.start().await;
        world.send(&key).await;
        assert_eq!(world.block(&gmail_id).await, Some((BlockKind::Auth, None)));
        world.test.clock.advance(30 * DAY);
        world.send(&key).await;
        assert_eq!((gmail.count(), ses.count()), (1, 2));
        providers::unblock(&world.test, &world.session.actor(None), &gmail_id)
            .await
            .unwrap();
        world.send(&key).await;
        assert_eq!((gmail.count(), ses.count()), (2, 2));
        world.stop().await;
    }
}

#[tokio::test]
async fn what_waits_in_a_group_goes_when_a_provider_joins_it() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (one_id, one) = world.provider("one").await;
        let (two_id, two) = world.provider("two").await;
        let (group, key) = world.group("bulk", &[(&one_id, None)]).await;
        one.always(Some(Answer::Api(
            ProviderKind::Gmail,
            401,
            "authError",
            "Invalid Credentials",
        )));
        world.start().await;
        let tried = submit(&world.test, &key, &["a@example.com"]).await;
        world
            .until("it is pulled", async || world.block(&one_id).await.is_some())
            .await;
        let waits = submit(&world.test, &key, &["a@example.com"]).await;
        world
            .until("it waits for it", async || {
                world
                    .detail(&waits)
                    .await
                    .waiting
                    .is_some_and(|waiting| waiting.by_hand)
            })
            .await;
        let members = vec![(one_id, None), (two_id, None)];
        groups::set_members(&world.test, &world.session.actor(None), &group, members)
            .await
            .unwrap();
        world.until_status(&waits, MessageStatus::Sent).await;
        // The one that was tried has its next round in five minutes.
        world.test.clock.advance(5 * MINUTE);
        world.until_status(&tried, MessageStatus::Sent).await;
        assert_eq!((one.count(), two.count()), (1, 2));
        world.stop().await;
    }
}

#[tokio::test]
async fn the_traffic_is_shared_by_weight() {
    const MESSAGES: usize = 2_000;
    let weights = [50.0, 30.0, 20.0];
    for test in databases().await {
        let mut world = World::new(test).await;
        let (one_id, one) = world.provider("one").await;
        let (two_id, two) = world.provider("two").await;
        let (three_id, three) = world.provider("three").await;
        let members = [(&*one_id, Some(50)), (&*two_id, Some(30)), (&*three_id, Some(20))];
        let (_, key) = world.group("bulk", &members).await;
        // All at once, so that slots are short and those that have one free are not preferred for it.
        for _ in 0..MESSAGES / 200 {
            let some = (0..200).map(|_| submit(&world.test, &key, &["a@example.com"]));
            futures::future::join_all(some).await;
        }
        world.start().await;
        let counts = || [&one, &two, &three].map(|scripted| scripted.count());
        world
            .until("all are sent", async || counts().iter().sum::<usize>() == MESSAGES)
            .await;
        let chi_square: f64 = counts()
            .iter()
            .zip(weights)
            .map(|(count, weight)| {
                let expected = MESSAGES as f64 * weight / 100.0;
                (*count as f64 - expected).powi(2) / expected
            })
            .sum();
        // Two degrees of freedom: one run in a million is above 27.6.
        assert!(chi_square < 27.6, "{:?}: {chi_square}", counts());
        world.stop().await;
    }
}

#[tokio::test]
async fn a_provider_that_hangs_keeps_nothing_from_the_others_of_its_pool() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (hanging_id, hanging) = world.provider("hangs").await;
        let (other_id, other) = world.provider("other").await;
        hanging.always(Some(Answer::Hang));
        let members = [(&*hanging_id, Some(FIRST)), (&*other_id, Some(1))];
        let (_, key) = world.group("both", &members).await;
        for _ in 0..100 {
            submit(&world.test, &key, &["a@example.com"]).await;
        }
        world.start().await;
        world.until("its slots are full", async || hanging.count() == 20).await;
        world.test.clock.advance(SECOND);
        world
            .until("the rest has gone elsewhere", async || other.count() == 80)
            .await;
        assert_eq!(hanging.count(), 20);
        world.crash();
    }
}

#[tokio::test]
async fn a_backlog_delays_no_failover() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (one_id, one) = world.provider("one").await;
        let (two_id, two) = world.provider("two").await;
        one.always(Some(Answer::Break(Stage::Connect, IoFault::Refused)));
        let members = [(&*one_id, Some(FIRST)), (&*two_id, Some(1))];
        let (_, key) = world.group("both", &members).await;
        let first = submit(&world.test, &key, &["first@example.com"]).await;
        world.test.clock.advance(SECOND);
        for _ in 0..200 {
            submit(&world.test, &key, &["later@example.com"]).await;
        }
        world.start().await;
        world.until_status(&first, MessageStatus::Sent).await;
        let (_, went_first, _) = two.handed.lock()[0].clone();
        assert_eq!(went_first, first, "it keeps its place");
        world.crash();
    }
}

#[tokio::test]
async fn a_block_that_ends_by_itself_is_told_once_whoever_looks() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        scripted.always(Some(Answer::Reply(
            Stage::Body,
            454,
            "Throttling failure: Daily message quota exceeded.",
        )));
        world.start().await;
        world.submit(&["a@example.com"]).await;
        world
            .until("it is pulled", async || world.block(&provider).await.is_some())
            .await;
        world.crash();
        let elsewhere = world.test.second_node().await;
        world.test.clock.advance(DAY - Duration::from_millis(1));
        let until = world.test.clock.now().plus(Duration::from_millis(1));
        assert_eq!(providers::end_expired_blocks(&elsewhere).await.unwrap(), Some(until));
        assert_eq!(told(&world).await, [EventKind::ProviderBlocked]);

        world.test.clock.advance(Duration::from_millis(1));
        let (one, two) = tokio::join!(
            providers::end_expired_blocks(&world.test),
            providers::end_expired_blocks(&elsewhere)
        );
        assert_eq!((one.unwrap(), two.unwrap()), (None, None));
        assert_eq!(
            told(&world).await,
            [EventKind::ProviderBlocked, EventKind::ProviderRecovered]
        );
        let view = providers::get(&world.test, world.session.team.id, &provider)
            .await
            .unwrap();
        assert!(view.block.is_none());
    }
}

/// The kinds of all events, in their order.
async fn told(world: &World) -> Vec<EventKind> {
    let rows = sendmux_domain::entities::events::Entity::find()
        .order_by_asc(sendmux_domain::entities::events::Column::Id)
        .all(world.test.db.read())
        .await
        .unwrap();
    rows.into_iter().map(|row| row.kind).collect()
}

#[tokio::test]
async fn the_running_engine_tells_that_a_block_has_ended_although_nothing_is_sent() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        for _ in 0..3 {
            scripted.then(Answer::Break(Stage::Connect, IoFault::Refused));
        }
        world.start().await;
        // Each fails once; then the provider is out for an hour, and they wait for their next rounds.
        for _ in 0..3 {
            world.submit(&["a@example.com"]).await;
        }
        world
            .until("it is pulled", async || world.block(&provider).await.is_some())
            .await;
        world.test.clock.advance(HOUR);
        world.until("it is told", async || told(&world).await.len() == 2).await;
        assert_eq!(
            told(&world).await,
            [EventKind::ProviderBlocked, EventKind::ProviderRecovered]
        );
        world.stop().await;
    }
}

#[tokio::test]
async fn a_round_that_was_overtaken_by_its_retry_counts() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, scripted) = world.provider("relay").await;
        scripted.always(Some(Answer::Break(Stage::Connect, IoFault::Refused)));
        world.start().await;
        // Three failures pull the provider for an hour, which is longer than the first retry takes: the second round
        // begins when it is back.
        let ids = [
            world.submit(&["a@example.com"]).await,
            world.submit(&["b@example.com"]).await,
            world.submit(&["c@example.com"]).await,
        ];
        for (round, wait) in [(1, HOUR), (2, 2 * HOUR), (3, 12 * HOUR)] {
            for id in &ids {
                world
                    .until("its round ended", async || {
                        world.detail(id).await.attempts.len() == round
                    })
                    .await;
            }
            world.test.clock.advance(wait);
        }
        for id in ids {
            world.until_status(&id, MessageStatus::Failed).await;
            let rounds: Vec<u32> = world
                .detail(&id)
                .await
                .attempts
                .iter()
                .map(|attempt| attempt.round)
                .collect();
            assert_eq!(rounds, [1, 2, 3, 4]);
        }
        world.stop().await;
    }
}
