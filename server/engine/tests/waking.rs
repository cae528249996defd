//! Waking of messages that wait: everything that gives one somewhere to go, or takes its last way, does so at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Answer, Scripted, World, submit, submit_from};
use sendmux_domain::clock::Clock;
use sendmux_domain::db::DbBackend;
use sendmux_domain::providers::{self, CapsForm};
use sendmux_domain::testing::{START, databases};
use sendmux_rules::{IoFault, MessageStatus, Stage, WaitReason};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

const HOUR: Duration = Duration::from_secs(3_600);

/// The reply of a server that does not let this sender send.
const NOT_YOURS: Answer = Answer::Reply(Stage::MailFrom, 553, "5.7.1 Sender address rejected: not owned by user");

impl World {
    async fn weight(&self, provider: &str, weight: i64) {
        providers::set_weight(&self.test, &self.session.actor(None), provider, Some(weight))
            .await
            .unwrap();
    }

    async fn error(&self, id: &str) -> String {
        self.detail(id).await.row.last_error.unwrap_or_default()
    }
}

#[tokio::test]
async fn the_end_of_a_sender_refusal_lets_a_message_go_that_waits_for_a_cap_elsewhere() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (strict_id, strict) = world.provider("strict").await;
        let (other_id, other) = world.provider("other").await;
        world.weight(&strict_id, 1_000).await;
        world.weight(&other_id, 1).await;
        world.one_a_day(&other_id).await;
        strict.always(Some(NOT_YOURS));
        world.start().await;
        let first = world.submit(&["a@example.com"]).await;
        world.until_status(&first, MessageStatus::Sent).await;
        assert_eq!((strict.count(), other.count()), (1, 1));

        // Left out here for an hour, over the cap there for a day.
        let second = world.submit(&["b@example.com"]).await;
        world.until_it_waits(&second, WaitReason::Cap).await;
        strict.always(None);
        world.test.clock.advance(HOUR);
        world.until_status(&second, MessageStatus::Sent).await;
        assert_eq!(strict.handed.lock()[1].0, START.plus(HOUR));
        world.stop().await;
    }
}

/// A message that finds one provider full and gets `answer` from another goes as soon as the first has room after all,
/// for whatever `reason` it waits.
async fn a_charge_that_comes_back_wakes(answer: Answer, reason: WaitReason) {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (capped_id, capped) = world.provider("capped").await;
        let (other_id, other) = world.provider("other").await;
        world.weight(&capped_id, 1_000).await;
        world.weight(&other_id, 1).await;
        world.one_a_day(&capped_id).await;
        other.always(Some(answer.clone()));
        let told = Arc::new(Notify::new());
        let refused = Answer::Reply(Stage::RcptTo, 550, "5.1.1 no such user");
        capped.then(Answer::When(told.clone(), Box::new(refused)));
        world.start().await;
        let first = world.submit(&["nobody@example.com"]).await;
        world.until("it is under way", async || capped.count() == 1).await;
        let second = world.submit(&["a@example.com"]).await;
        world.until_it_waits(&second, reason).await;
        assert_eq!(other.count(), 1, "it was tried where there is no cap");

        told.notify_one();
        world.until_status(&first, MessageStatus::Failed).await;
        world.until_status(&second, MessageStatus::Sent).await;
        assert_eq!(world.test.clock.now(), START, "at once");
        world.stop().await;
    }
}

#[tokio::test]
async fn a_charge_that_comes_back_wakes_a_message_that_waits_alone() {
    // Its next round comes before the cap opens; until then it waits for the cap all the same.
    let down = Answer::Break(Stage::Connect, IoFault::Refused);
    a_charge_that_comes_back_wakes(down, WaitReason::Retry).await;
}

/// The reason for which a message waits is told by the provider that opens first, and another may open before it after all.
#[tokio::test]
async fn a_charge_that_comes_back_wakes_a_message_that_waits_for_the_end_of_a_pause() {
    let paused = Answer::Reply(Stage::MailFrom, 421, "4.7.0 try again after 90 seconds");
    a_charge_that_comes_back_wakes(paused, WaitReason::Throttled).await;
}

#[tokio::test]
async fn messages_whose_sender_is_refused_at_their_last_provider_fail_at_once_wherever_they_stand() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        world.one_a_day(&provider).await;
        let told = Arc::new(Notify::new());
        scripted.then(Answer::When(told.clone(), Box::new(NOT_YOURS)));
        world.start().await;
        let first = world.submit(&["a@example.com"]).await;
        world.until("it is under way", async || scripted.count() == 1).await;
        let mut others = Vec::new();
        for _ in 0..100 {
            let other = submit_from(&world.test, &world.key, "me@other.example", &["a@example.com"]);
            others.push(other.await.unwrap());
        }
        // More than one page of them.
        let mut of_sender = Vec::new();
        for _ in 0..150 {
            of_sender.push(world.submit(&["a@example.com"]).await);
        }
        world.until_it_waits(&of_sender[149], WaitReason::Cap).await;

        told.notify_one();
        for id in [&first, &of_sender[0], &of_sender[149]] {
            world.until_status(id, MessageStatus::Failed).await;
            let error = world.error(id).await;
            assert!(error.contains("lets this sender send"), "{error}");
        }
        // What was charged for the first is room for one of the others; the rest waits on.
        world.until_status(&others[0], MessageStatus::Sent).await;
        world.until_it_waits(&others[99], WaitReason::Cap).await;
        assert_eq!(scripted.count(), 2);
        world.stop().await;
    }
}

#[tokio::test]
async fn a_message_whose_sender_is_refused_waits_on_where_another_provider_may_take_it() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (strict_id, strict) = world.provider("strict").await;
        let (other_id, _) = world.provider("other").await;
        world.one_a_day(&strict_id).await;
        world.weight(&strict_id, 1_000).await;
        providers::set_active(&world.test, &world.session.actor(None), &other_id, false)
            .await
            .unwrap();
        let told = Arc::new(Notify::new());
        strict.then(Answer::When(told.clone(), Box::new(NOT_YOURS)));
        world.start().await;
        let first = world.submit(&["a@example.com"]).await;
        world.until("it is under way", async || strict.count() == 1).await;
        let second = world.submit(&["a@example.com"]).await;
        world.until_it_waits(&second, WaitReason::Cap).await;
        told.notify_one();
        for id in [&first, &second] {
            world.until_it_waits(id, WaitReason::Blocked).await;
        }
        providers::set_active(&world.test, &world.session.actor(None), &other_id, true)
            .await
            .unwrap();
        for id in [&first, &second] {
            world.until_status(id, MessageStatus::Sent).await;
        }
        world.stop().await;
    }
}

#[tokio::test]
async fn messages_of_a_scope_whose_last_provider_is_deleted_fail_at_once() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        let key = world.key_for(&[&provider]).await;
        world.one_a_day(&provider).await;
        world.start().await;
        let first = submit(&world.test, &key, &["a@example.com"]).await;
        world.until_status(&first, MessageStatus::Sent).await;
        let mut waiting = Vec::new();
        for _ in 0..100 {
            waiting.push(submit(&world.test, &key, &["a@example.com"]).await);
        }
        world.until_it_waits(&waiting[99], WaitReason::Cap).await;
        providers::delete(&world.test, &world.session.actor(None), &provider)
            .await
            .unwrap();
        for id in &waiting {
            world.until_status(id, MessageStatus::Failed).await;
        }
        let error = world.error(&waiting[99]).await;
        assert!(error.contains("no provider is left"), "{error}");
        assert_eq!(scripted.count(), 1);
        world.stop().await;
    }
}

/// A provider that takes one message a day and has taken it, and one that refuses this sender: every further message waits
/// alone, for the cap.
async fn full_and_strict(world: &mut World) -> (String, Arc<Scripted>) {
    let (capped, _) = world.provider("capped").await;
    let (strict_id, strict) = world.provider("strict").await;
    world.weight(&capped, 1_000).await;
    world.weight(&strict_id, 1).await;
    world.one_a_day(&capped).await;
    strict.always(Some(NOT_YOURS));
    world.start().await;
    let first = world.submit(&["a@example.com"]).await;
    world.until_status(&first, MessageStatus::Sent).await;
    (capped, strict)
}

#[tokio::test]
async fn a_message_that_waits_for_a_deleted_provider_after_a_refusal_elsewhere_fails_at_once() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (capped, strict) = full_and_strict(&mut world).await;
        let second = world.submit(&["a@example.com"]).await;
        world.until_it_waits(&second, WaitReason::Cap).await;
        assert_eq!(strict.count(), 1);
        providers::delete(&world.test, &world.session.actor(None), &capped)
            .await
            .unwrap();
        world.until_status(&second, MessageStatus::Failed).await;
        let error = world.error(&second).await;
        assert!(error.contains("lets this sender send"), "{error}");
        world.stop().await;
    }
}

#[tokio::test]
async fn what_was_opened_while_no_node_ran_is_seen_by_the_next_start() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (capped, _) = full_and_strict(&mut world).await;
        let mut waiting = Vec::new();
        for _ in 0..5 {
            waiting.push(world.submit(&["a@example.com"]).await);
        }
        for id in &waiting {
            world.until_it_waits(id, WaitReason::Cap).await;
        }
        world.crash();
        world.caps(&capped, CapsForm::default()).await;
        world.start().await;
        for id in &waiting {
            world.until_status(id, MessageStatus::Sent).await;
        }
        assert_eq!(world.test.clock.now(), START, "at once");
        world.stop().await;
    }
}

/// A change by another node is seen within two seconds; what is decided meanwhile by what was known before would
/// stand for as long as the message has to wait.
#[tokio::test]
async fn no_message_is_told_to_wait_for_what_another_node_has_just_opened() {
    for test in databases().await {
        if test.db.backend() == DbBackend::Sqlite {
            continue;
        }
        let mut world = World::new(test).await;
        let (capped, _) = full_and_strict(&mut world).await;
        let before = world.submit(&["a@example.com"]).await;
        world.until_it_waits(&before, WaitReason::Cap).await;
        let elsewhere = world.test.second_node().await;
        let caps = CapsForm::default();
        providers::set_caps(&elsewhere, &world.session.actor(None), &capped, caps)
            .await
            .unwrap();
        let after = world.submit(&["a@example.com"]).await;
        for id in [&before, &after] {
            world.until_status(id, MessageStatus::Sent).await;
        }
        assert_eq!(world.test.clock.now(), START, "at once");
        world.stop().await;
    }
}

/// With the scope `all` the managed route serves as soon as no provider of the team's own is active.
#[tokio::test]
async fn what_waits_for_a_provider_that_is_switched_off_or_deleted_goes_another_way_at_once() {
    for delete in [false, true] {
        for test in databases().await {
            let mut world = World::new(test).await;
            let (provider, scripted) = world.provider("relay").await;
            world.one_a_day(&provider).await;
            world.start().await;
            let first = world.submit(&["a@example.com"]).await;
            world.until_status(&first, MessageStatus::Sent).await;
            let second = world.submit(&["a@example.com"]).await;
            world.until_it_waits(&second, WaitReason::Cap).await;
            let actor = world.session.actor(None);
            if delete {
                providers::delete(&world.test, &actor, &provider).await.unwrap();
            } else {
                providers::set_active(&world.test, &actor, &provider, false)
                    .await
                    .unwrap();
            }
            world.until_status(&second, MessageStatus::Sent).await;
            assert_eq!(scripted.count(), 1);
            assert_eq!(world.test.clock.now(), START, "at once");
            world.stop().await;
        }
    }
}
