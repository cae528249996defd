//! Faults that are nobody's failure: of this machine, of the database, of nodes; and providers that stop halfway.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Answer, World, submit};
use sea_orm::EntityTrait;
use sendmux_domain::clock::Clock;
use sendmux_domain::db::LostCommit;
use sendmux_domain::entities::queue;
use sendmux_domain::nodes::{self, DEAD_AFTER};
use sendmux_domain::providers;
use sendmux_domain::testing::databases;
use sendmux_engine::Stepped;
use sendmux_rules::{IoFault, MessageStatus, Stage};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The rest of a message waits for the provider, whatever it has taken before it asked to be left alone.
#[tokio::test]
async fn recipients_wait_for_a_provider_that_stops_halfway() {
    for refusal in [
        (450, "4.7.1 Error: rate limit exceeded"),
        (451, "4.7.0 Daily sending limit reached for this account"),
        (550, "5.7.1 Domain has exceeded the max emails per hour allowed"),
    ] {
        for test in databases().await {
            let mut world = World::new(test).await;
            let (_, scripted) = world.provider("relay").await;
            let taken = (250, "2.0.0 Ok");
            scripted.then(Answer::PerRecipient(vec![taken, taken, refusal, refusal]));
            world.start().await;
            let everyone = ["a@example.com", "b@example.com", "c@example.com", "d@example.com"];
            let id = world.submit(&everyone).await;
            world
                .until("it waits for the rest", async || {
                    let detail = world.detail(&id).await;
                    detail.attempts.len() == 1 && detail.waiting.is_some_and(|waiting| waiting.reason.is_some())
                })
                .await;
            assert_eq!(world.status(&id).await, MessageStatus::Queued, "{refusal:?}");
            world.test.clock.advance(DAY + MINUTE);
            world.until_status(&id, MessageStatus::Sent).await;
            let handed = scripted.handed.lock().clone();
            assert_eq!(handed.len(), 2);
            assert_eq!(handed[1].2, everyone[2..], "nobody gets it twice");
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn a_machine_without_descriptors_blames_no_provider() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (provider, scripted) = world.provider("relay").await;
        world.one_a_day(&provider).await;
        for _ in 0..5 {
            scripted.then(Answer::Break(Stage::Connect, IoFault::Local));
        }
        world.start().await;
        let id = world.submit(&["a@example.com"]).await;
        for handed in 1..=5 {
            world.until("it is tried", async || scripted.count() == handed).await;
            world
                .until("it is given back", async || {
                    world.detail(&id).await.row.status == MessageStatus::Queued
                })
                .await;
            world.test.clock.advance(2 * SECOND);
        }
        world.until_status(&id, MessageStatus::Sent).await;
        // One attempt, one charge, a clean record.
        assert_eq!(world.detail(&id).await.attempts.len(), 1);
        let view = providers::get(&world.test, world.session.team.id, &provider)
            .await
            .unwrap();
        assert!(view.block.is_none());
        world.stop().await;
    }
}

#[tokio::test]
async fn deaths_of_nodes_use_up_no_round() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, scripted) = world.provider("relay").await;
        world.start().await;
        scripted.always(Some(Answer::Hang));
        let id = world.submit(&["a@example.com"]).await;
        for death in 1..=6 {
            world.until("it hangs", async || scripted.count() == death).await;
            world.crash();
            // On several nodes the dead are known by their silence.
            world.test.clock.advance(DEAD_AFTER + SECOND);
            world.start().await;
            world.test.clock.advance(5 * MINUTE);
        }
        scripted.always(None);
        world.crash();
        world.test.clock.advance(DEAD_AFTER + SECOND);
        world.start().await;
        world.test.clock.advance(5 * MINUTE);
        world.until_status(&id, MessageStatus::Sent).await;
        assert!(
            world
                .detail(&id)
                .await
                .attempts
                .iter()
                .all(|attempt| attempt.round == 1)
        );
        world.stop().await;
    }
}

async fn steps(node: &mut Stepped) {
    let mut progress = node.progress();
    while node.step().await == sendmux_engine::Step::Moved {}
    while node.under_way() > 0 || node.unwritten() > 0 {
        progress.changed().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_claim_has_leased_whose_answer_was_lost_is_sent_once() {
    for lost in [LostCommit::Before, LostCommit::After] {
        for test in databases().await {
            let world = World::new(test).await;
            let (provider, scripted) = world.provider("relay").await;
            world.one_a_day(&provider).await;
            let mut node = world.stepped(world.test.domain.clone()).await;
            let id = world.submit(&["a@example.com"]).await;
            world.test.db.lose_commits([Some(lost)]);
            steps(&mut node).await;
            let row = queue::Entity::find().one(world.test.db.read()).await.unwrap().unwrap();
            assert_eq!(row.lease.is_some(), lost == LostCommit::After);
            assert_eq!(scripted.count(), 0);
            for _ in 0..3 {
                world.test.clock.advance(SECOND);
                steps(&mut node).await;
            }
            assert_eq!(world.status(&id).await, MessageStatus::Sent, "{lost:?}");
            assert_eq!(scripted.count(), 1);
            node.crash();
        }
    }
}

/// A settlement that was written comes a second time when its answer was lost. By then the message may be leased anew.
#[tokio::test]
async fn a_settlement_whose_answer_was_lost_ends_no_later_lease() {
    for test in databases().await {
        let world = World::new(test).await;
        let (_, one) = world.provider("one").await;
        let (_, other) = world.provider("other").await;
        one.always(Some(Answer::Reply(Stage::Greeting, 421, "4.3.2 not now")));
        other.always(Some(Answer::Reply(Stage::Greeting, 421, "4.3.2 not now")));
        let mut node = world.stepped(world.test.domain.clone()).await;
        for number in 0..4 {
            let id = submit(&world.test, &world.key, &[&format!("{number}@example.com")]).await;
            // The claim's answer comes, the settlement's does not.
            world.test.db.lose_commits([Some(LostCommit::After), None]);
            steps(&mut node).await;
            world.test.db.lose_commits([]);
            for _ in 0..3 {
                world.test.clock.advance(SECOND);
                steps(&mut node).await;
            }
            let attempts = world.detail(&id).await.attempts;
            assert!(attempts.len() <= 2, "each provider once a round: {attempts:?}");
        }
        node.crash();
    }
}

#[tokio::test]
async fn leases_of_an_incarnation_that_has_ended_are_taken_over() {
    for test in databases().await {
        let mut world = World::new(test).await;
        let (_, scripted) = world.provider("relay").await;
        let id = world.submit(&["a@example.com"]).await;
        let node = {
            let mut node = world.stepped(world.test.domain.clone()).await;
            world.test.db.lose_commits([Some(LostCommit::After)]);
            steps(&mut node).await;
            node
        };
        let lease = queue::Entity::find()
            .one(world.test.db.read())
            .await
            .unwrap()
            .unwrap()
            .lease;
        node.crash();
        let tx = world.test.db.begin().await.unwrap();
        nodes::stop(&tx, &[lease.unwrap()], world.test.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        world.start().await;
        world.test.clock.advance(6 * MINUTE);
        world.until_status(&id, MessageStatus::Sent).await;
        assert_eq!(scripted.count(), 1);
        world.stop().await;
    }
}
