//! The engine as it is, on a database as it is, under a clock that jumps from one thing to the next: days pass in seconds,
//! with providers that do whatever chance makes them do, people who change their minds, and nodes that are killed.
//!
//! A seed is one story, the same each time. Those that once showed a fault are kept as tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod checks;
#[path = "../common/mod.rs"]
mod common;
mod provider;
mod world;

use provider::End;
use sendmux_domain::Settings;
use sendmux_domain::testing::{self, TestDomain};
use world::{Plan, World};

/// The slow tests are asked for by `make test-long`.
fn long() -> bool {
    std::env::var("SENDMUX_LONG_TESTS").is_ok_and(|value| !value.is_empty())
}

const ONE_NODE: Plan = Plan {
    days: 4,
    bursts: 12,
    happenings: 40,
    nodes: 1,
};

fn settings() -> Settings {
    Settings {
        managed_daily_cap: 9,
        ..Settings::default()
    }
}

/// What a story came to, to compare two of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Story {
    accepted: usize,
    handed: usize,
    /// Messages that somebody may have got twice, as at-least-once delivery allows.
    copies: usize,
    told: Vec<(usize, i64, Vec<String>, bool)>,
}

async fn tell(test: TestDomain, seed: u64, plan: Plan) -> Story {
    let mut world = World::new(test, seed, plan).await;
    world.run().await;
    let handed = world.book.handed();
    let maybe_taken = |end: &End| matches!(end, End::Killed | End::Unknown { taken: true });
    Story {
        accepted: world.accepted.len(),
        handed: handed.len(),
        copies: handed
            .iter()
            .enumerate()
            .filter(|(place, one)| {
                maybe_taken(&one.end) && handed[place + 1..].iter().any(|later| later.message == one.message)
            })
            .count(),
        told: handed
            .into_iter()
            .map(|one| {
                (
                    one.provider,
                    one.at.as_millis(),
                    one.recipients,
                    matches!(one.end, End::Told(_)),
                )
            })
            .collect(),
    }
}

fn run(seed: u64) -> Story {
    runtime().block_on(async { tell(testing::sqlite(settings()).await, seed, ONE_NODE).await })
}

/// One thread, on which everything has its order.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Stories of one part of the seeds, so that a test runner tells them side by side.
fn part(number: u64) {
    let (few, many) = (5, 500);
    let count = if long() { many } else { few };
    let (mut accepted, mut handed, mut copies) = (0, 0, 0);
    for seed in number * many..number * many + count {
        let story = run(seed);
        accepted += story.accepted;
        handed += story.handed;
        copies += story.copies;
    }
    println!("{count} stories: {accepted} messages accepted, {handed} attempts, {copies} perhaps taken twice");
}

#[test]
fn stories_of_the_first_part() {
    part(0);
}

#[test]
fn stories_of_the_second_part() {
    part(1);
}

#[test]
fn stories_of_the_third_part() {
    part(2);
}

#[test]
fn stories_of_the_fourth_part() {
    part(3);
}

/// Two nodes on one database, either of which may be killed while the other goes on.
#[test]
fn two_nodes_on_postgresql() {
    const TWO_NODES: Plan = Plan {
        days: 1,
        bursts: 8,
        happenings: 20,
        nodes: 2,
    };
    let count = if long() { 60 } else { 2 };
    for seed in 0..count {
        runtime().block_on(async {
            // Without a PostgreSQL there is nothing to test on.
            if let Some(test) = testing::databases_with(settings()).await.into_iter().nth(1) {
                tell(test, seed, TWO_NODES).await;
            }
        });
    }
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    let story = run(7);
    assert!(story.handed > 0);
    assert_eq!(story, run(7));
}

/// Tells one story again: `SENDMUX_SEED=123 cargo test -p sendmux-engine --test simulation one_seed`.
#[test]
fn one_seed() {
    if let Some(seed) = std::env::var("SENDMUX_SEED").ok().and_then(|seed| seed.parse().ok()) {
        println!("{:#?}", run(seed));
    }
}
