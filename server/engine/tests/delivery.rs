//! The engine as a whole, on every database there is to test on, under a clock that the test moves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Answer, World, key, submit};
use sendmux_domain::messages::query::AttemptView;
use sendmux_domain::testing::databases;
use sendmux_domain::{nodes, providers};
use sendmux_rules::{BlockKind, Hint, IoFault, MessageStatus, Mode, RecipientStatus, Stage, WaitReason};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn classes(attempts: &[AttemptView]) -> Vec<(&str, u32)> {
    attempts
        .iter()
        .map(|attempt| (attempt.class.as_str(), attempt.round))
        .collect()
}

#[tokio::test]
async fn a_message_is_sent_and_its_attempt_told() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        world.start().await;
        let id = world.submit(&["a@example.com", "b@example.com"]).await;
        world.until_status(&id, MessageStatus::Sent).await;
        let detail = world.detail(&id).await;
        assert_eq!(scripted.count(), 1);
        assert_eq!(
            (detail.row.sent_count, detail.row.failed_count, detail.row.attempt_count),
            (2, 0, 1)
        );
        assert!(
            detail
                .recipients
                .iter()
                .all(|recipient| recipient.status == RecipientStatus::Sent)
        );
        assert_eq!(detail.attempts[0].provider.as_ref().unwrap().0, provider);
        assert!(detail.waiting.is_none() && detail.row.finished_at.is_some());
        world.stop().await;
    }
}

#[tokio::test]
async fn what_was_accepted_before_the_start_is_delivered_after_it() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, scripted) = world.provider("relay").await;
        let mut ids = Vec::new();
        for _ in 0..150 {
            ids.push(world.submit(&["a@example.com"]).await);
        }
        world.start().await;
        world.until("all are sent", async || scripted.count() == 150).await;
        for id in ids {
            world.until_status(&id, MessageStatus::Sent).await;
        }
        world.stop().await;
    }
}

#[tokio::test]
async fn the_next_provider_is_tried_at_once_and_each_once_a_round() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, one) = world.provider("one").await;
        let (_, two) = world.provider("two").await;
        let broken = Answer::Break(Stage::Connect, IoFault::Refused);
        one.always(Some(broken.clone()));
        two.always(Some(broken));
        world.start().await;
        let id = world.submit(&["a@example.com"]).await;
        world
            .until("both were tried", async || world.detail(&id).await.attempts.len() == 2)
            .await;
        world
            .until("it waits", async || {
                world.detail(&id).await.waiting.is_some_and(|w| w.round == 2)
            })
            .await;
        assert_eq!((one.count(), two.count()), (1, 1));
        one.always(None);
        two.always(None);
        world.test.clock.advance(5 * MINUTE);
        world.until_status(&id, MessageStatus::Sent).await;
        assert_eq!(one.count() + two.count(), 3);
        world.stop().await;
    }
}

#[tokio::test]
async fn four_rounds_at_5_minutes_2_hours_and_12_hours_then_it_fails() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, scripted) = world.provider("relay").await;
        scripted.always(Some(Answer::Reply(
            Stage::RcptTo,
            451,
            "4.2.0 greylisted, come back later",
        )));
        world.start().await;
        let id = world.submit(&["a@example.com"]).await;
        for (round, wait) in [(1, 5 * MINUTE), (2, 2 * HOUR), (3, 12 * HOUR)] {
            world
                .until("the round ended", async || {
                    world
                        .detail(&id)
                        .await
                        .waiting
                        .is_some_and(|waiting| waiting.round == round + 1)
                })
                .await;
            assert_eq!(scripted.count(), round as usize);
            world.test.clock.advance(wait - Duration::from_millis(1));
            assert_eq!(scripted.count(), round as usize, "not a moment before");
            world.test.clock.advance(Duration::from_millis(1));
        }
        world.until_status(&id, MessageStatus::Failed).await;
        let detail = world.detail(&id).await;
        assert_eq!(
            classes(&detail.attempts),
            [("deferred", 1), ("deferred", 2), ("deferred", 3), ("deferred", 4)]
        );
        assert_eq!(detail.recipients[0].status, RecipientStatus::Failed);
        assert!(
            detail.recipients[0].reply.as_ref().unwrap().contains("greylisted"),
            "{:?}",
            detail.recipients[0]
        );
        assert!(detail.row.last_error.unwrap().contains("greylisted"));
        world.stop().await;
    }
}

#[tokio::test]
async fn recipients_are_tracked_one_by_one() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, scripted) = world.provider("relay").await;
        scripted.then(Answer::PerRecipient(vec![
            (250, "2.1.5 ok"),
            (550, "5.1.1 no such user"),
            (450, "4.2.1 mailbox busy"),
        ]));
        world.start().await;
        let id = world.submit(&["a@example.com", "b@example.com", "c@example.com"]).await;
        world
            .until("the round ended", async || {
                world.detail(&id).await.waiting.is_some_and(|w| w.round == 2)
            })
            .await;
        let statuses: Vec<RecipientStatus> = world
            .detail(&id)
            .await
            .recipients
            .into_iter()
            .map(|recipient| recipient.status)
            .collect();
        assert_eq!(
            statuses,
            [RecipientStatus::Sent, RecipientStatus::Failed, RecipientStatus::Pending]
        );
        world.test.clock.advance(5 * MINUTE);
        world.until_status(&id, MessageStatus::PartiallySent).await;
        let handed = scripted.handed.lock().clone();
        assert_eq!(handed[1].2, ["c@example.com"], "who has it is not sent to again");
        let detail = world.detail(&id).await;
        assert_eq!((detail.row.sent_count, detail.row.failed_count), (2, 1));
        world.stop().await;
    }
}

#[tokio::test]
async fn a_refused_message_fails_at_once_with_the_reply() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, one) = world.provider("one").await;
        let (_, two) = world.provider("two").await;
        let refused = Answer::Reply(Stage::Body, 554, "5.6.0 we do not like this content");
        one.always(Some(refused.clone()));
        two.always(Some(refused));
        world.start().await;
        let id = world.submit(&["a@example.com"]).await;
        world.until_status(&id, MessageStatus::Failed).await;
        assert_eq!(
            one.count() + two.count(),
            1,
            "content is refused once, not shopped around"
        );
        assert!(
            world
                .detail(&id)
                .await
                .row
                .last_error
                .unwrap()
                .contains("we do not like this content")
        );
        world.stop().await;
    }
}

#[tokio::test]
async fn a_message_that_no_provider_can_take_says_what_they_lack() {
    for (hints, reason) in [
        ([Hint::TooLarge; 2], "a message of this size"),
        ([Hint::NoSmtputf8; 2], "SMTPUTF8"),
        ([Hint::HeaderRecipients; 2], "send to everyone in the headers"),
        (
            [Hint::TooLarge, Hint::NoSmtputf8],
            "no provider is left in the scope of its key",
        ),
    ] {
        for test in databases().await {
            let mut world = World::new(test).await;
            let mut scripts = Vec::new();
            for (name, hint) in ["one", "two"].into_iter().zip(hints) {
                let (_, scripted) = world.provider(name).await;
                scripted.always(Some(Answer::Lacks(hint)));
                scripts.push(scripted);
            }
            world.start().await;
            let id = world.submit(&["a@example.com"]).await;
            world.until_status(&id, MessageStatus::Failed).await;
            assert!(scripts.iter().all(|scripted| scripted.count() == 1));
            let error = world.detail(&id).await.row.last_error.unwrap();
            assert!(error.contains(reason), "{hints:?}: {error}");
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn an_unknown_outcome_goes_nowhere_else_in_that_round() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, one) = world.provider("one").await;
        let (_, two) = world.provider("two").await;
        let cut = Answer::Break(Stage::AfterBody, IoFault::Reset);
        one.always(Some(cut.clone()));
        two.always(Some(cut));
        world.start().await;
        let id = world.submit(&["a@example.com"]).await;
        world
            .until("the round ended", async || {
                world.detail(&id).await.waiting.is_some_and(|w| w.round == 2)
            })
            .await;
        assert_eq!(one.count() + two.count(), 1);
        assert_eq!(classes(&world.detail(&id).await.attempts), [("unknown", 1)]);
        world.stop().await;
    }
}

#[tokio::test]
async fn after_a_crash_what_was_under_way_is_unknown_and_the_rest_is_delivered() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, scripted) = world.provider("relay").await;
        scripted.then(Answer::Hang);
        world.start().await;
        let hung = world.submit(&["a@example.com"]).await;
        world.until("it hangs", async || scripted.count() == 1).await;
        world.crash();
        let later = world.submit(&["b@example.com"]).await;
        // On several nodes the dead are known by their silence.
        world
            .test
            .clock
            .advance(sendmux_domain::nodes::DEAD_AFTER + Duration::from_secs(1));
        world.start().await;
        world.until_status(&later, MessageStatus::Sent).await;
        let detail = world.detail(&hung).await;
        assert_eq!(classes(&detail.attempts), [("unknown", 1)]);
        assert_eq!(detail.row.status, MessageStatus::Queued);
        world.test.clock.advance(5 * MINUTE);
        world.until_status(&hung, MessageStatus::Sent).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn three_failures_pull_a_provider_and_an_hour_brings_it_back() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (first, one) = world.provider("one").await;
        one.always(Some(Answer::Reply(Stage::Greeting, 554, "no service here")));
        world.start().await;
        for _ in 0..3 {
            world.submit(&["a@example.com"]).await;
        }
        let block = async || {
            providers::get(&world.test, world.session.team.id, &first)
                .await
                .unwrap()
                .block
                .map(|block| block.kind)
        };
        world
            .until("it is pulled", async || block().await == Some(BlockKind::Connection))
            .await;
        let waits = world.submit(&["b@example.com"]).await;
        // A provider that is added takes what waits, at once.
        let (_, two) = world.provider("two").await;
        world.until_status(&waits, MessageStatus::Sent).await;
        assert!(two.count() >= 1);
        one.always(None);
        let before = one.count();
        world.test.clock.advance(HOUR);
        assert!(block().await.is_none(), "after an hour it is back");
        for _ in 0..40 {
            world.submit(&["c@example.com"]).await;
        }
        world.until("it is used again", async || one.count() > before).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_refused_login_pulls_a_provider_until_somebody_acts() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (first, one) = world.provider("one").await;
        one.always(Some(Answer::Reply(Stage::Auth, 535, "5.7.8 bad credentials")));
        world.start().await;
        let id = world.submit(&["a@example.com"]).await;
        world
            .until("it is pulled", async || {
                providers::get(&world.test, world.session.team.id, &first)
                    .await
                    .unwrap()
                    .block
                    .is_some()
            })
            .await;
        world
            .until("its round ended", async || {
                world.detail(&id).await.waiting.is_some_and(|w| w.round == 2)
            })
            .await;
        world.test.clock.advance(48 * HOUR);
        assert_eq!(world.status(&id).await, MessageStatus::Queued);
        assert_eq!(one.count(), 1);
        one.always(None);
        providers::unblock(&world.test, &world.session.actor(None), &first)
            .await
            .unwrap();
        world.until_status(&id, MessageStatus::Sent).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn what_waits_for_nothing_but_blocked_providers_expires_after_72_hours() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (first, one) = world.provider("one").await;
        one.always(Some(Answer::Reply(Stage::Auth, 535, "5.7.8 bad credentials")));
        world.start().await;
        world.submit(&["a@example.com"]).await;
        world
            .until("it is pulled", async || {
                providers::get(&world.test, world.session.team.id, &first)
                    .await
                    .unwrap()
                    .block
                    .is_some()
            })
            .await;
        let waits = world.submit(&["b@example.com"]).await;
        world.test.clock.advance(71 * HOUR);
        assert_eq!(world.status(&waits).await, MessageStatus::Queued);
        world.test.clock.advance(HOUR + MINUTE);
        world.until_status(&waits, MessageStatus::Failed).await;
        assert_eq!(one.count(), 1);
        world.stop().await;
    }
}

/// It may have waited for a cap for weeks before: that does not count.
#[tokio::test]
async fn what_waits_for_a_provider_that_was_switched_off_expires_72_hours_after_that() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (relay, one) = world.provider("relay").await;
        world.one_a_day(&relay).await;
        let key = world.key_for(&[&relay]).await;
        world.start().await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(submit(&world.test, &key, &["a@example.com"]).await);
        }
        for sent in 1..=4 {
            world.until("the next one is sent", async || one.count() == sent).await;
            world.test.clock.advance(if sent < 4 { 24 * HOUR } else { HOUR });
        }
        let [.., last] = &ids[..] else { unreachable!() };
        assert_eq!(world.status(last).await, MessageStatus::Queued, "after 73 hours");
        providers::set_active(&world.test, &world.session.actor(None), &relay, false)
            .await
            .unwrap();
        world.until_it_waits(last, WaitReason::Blocked).await;
        world.test.clock.advance(71 * HOUR);
        assert_eq!(world.status(last).await, MessageStatus::Queued);
        world.test.clock.advance(HOUR + MINUTE);
        world.until_status(last, MessageStatus::Failed).await;
        assert_eq!(one.count(), 4);
        world.stop().await;
    }
}

#[tokio::test]
async fn a_test_key_reaches_nobody_but_the_sandbox() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, scripted) = world.provider("relay").await;
        let key = key(&world.test, &world.session, Mode::Test).await;
        world.start().await;
        let id = submit(&world.test, &key, &["a@example.com"]).await;
        world.until_status(&id, MessageStatus::Sent).await;
        assert_eq!(scripted.count(), 0);
        let captured = sendmux_domain::sandbox::get(&world.test, world.session.team.id, &id)
            .await
            .unwrap();
        assert_eq!(captured.row.recipients, ["a@example.com"]);
        assert!(captured.raw.ends_with(b"Hi.\r\n"));
        world.stop().await;
    }
}

#[tokio::test]
async fn a_provider_that_hangs_delays_no_other_team() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, scripted) = world.provider("hangs").await;
        scripted.always(Some(Answer::Hang));
        let other = world.test.owner("Other").await;
        let other_key = key(&world.test, &other, Mode::Test).await;
        for _ in 0..200 {
            world.submit(&["a@example.com"]).await;
        }
        world.start().await;
        world.until("its slots are full", async || scripted.count() == 20).await;
        let id = submit(&world.test, &other_key, &["b@example.com"]).await;
        world
            .until("the other team's is sent", async || {
                let detail = sendmux_domain::messages::query::get(&world.test, other.team.id, &id)
                    .await
                    .unwrap();
                detail.row.status == MessageStatus::Sent
            })
            .await;
        assert_eq!(scripted.count(), 20);
        world.crash();
    }
}

/// The machine stood still, or the database could not be reached, and the other node took over.
#[tokio::test]
async fn a_node_that_was_taken_for_dead_goes_on_as_a_new_one() {
    // Where the database is embedded nobody can take over.
    let Some(test) = databases().await.into_iter().nth(1) else {
        return;
    };
    let world = World::new(test).await;
    let (_, scripted) = world.provider("relay").await;
    let mut sleeper = world.stepped(world.test.domain.clone()).await;
    let mut other = world.stepped(world.test.second_node().await).await;
    world.test.clock.advance(nodes::DEAD_AFTER + Duration::from_secs(1));
    other.beat().await;
    other.step().await;

    let id = world.submit(&["a@example.com"]).await;
    sleeper.step().await;
    assert_eq!(sleeper.under_way(), 0);
    assert_eq!(
        world.status(&id).await,
        MessageStatus::Queued,
        "it leases nothing for nobody"
    );

    // It learns what became of it, and delivers again.
    sleeper.beat().await;
    world.test.clock.advance(Duration::from_secs(1));
    let mut progress = sleeper.progress();
    while world.status(&id).await != MessageStatus::Sent {
        sleeper.step().await;
        while sleeper.under_way() > 0 || sleeper.unwritten() > 0 {
            progress.changed().await.unwrap();
        }
    }
    assert_eq!(scripted.count(), 1);
}
