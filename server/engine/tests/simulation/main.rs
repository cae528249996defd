//! The engine as it is, on a database as it is, under a clock that jumps from one thing to the next: days pass in seconds,
//! with providers that do whatever chance makes them do, people who change their minds, and nodes that are killed.
//!
//! A seed is one story, the same each time. Those that once showed a fault are kept as tests. A few are told each time,
//! 2,000 with `SENDMUX_LONG_TESTS` (`make test-long`), and any others by name: see [`chosen_seeds`].

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
use std::fmt;
use std::ops::Range;
use world::{Plan, World};

/// The slow tests are asked for by `make test-long`.
fn long() -> bool {
    std::env::var("SENDMUX_LONG_TESTS").is_ok_and(|value| !value.is_empty())
}

const ONE_NODE: Plan = Plan {
    days: 4,
    bursts: 12,
    happenings: 40,
    replaced: 0,
    nodes: 1,
    faults: false,
};

/// Seeds from here on tell of providers that are deleted and added as well; those of two nodes from the other.
const REPLACED_FROM: u64 = 1_500;
const REPLACED_FROM_ON_TWO_NODES: u64 = 20;
/// Seeds from here on tell of faults as well, of the machine and of its database.
const FAULTS_FROM: u64 = 10_000;

fn settings() -> Settings {
    Settings {
        managed_daily_cap: 9,
        ..Settings::default()
    }
}

/// Outcome of a story, to compare two of them.
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
                    matches!(one.end, End::Reported(_)),
                )
            })
            .collect(),
    }
}

fn run(seed: u64) -> Story {
    let replaced = if seed < REPLACED_FROM { 0 } else { 3 };
    let faults = seed >= FAULTS_FROM;
    let plan = Plan {
        replaced,
        faults,
        ..ONE_NODE
    };
    runtime().block_on(async { tell(testing::sqlite(settings()).await, seed, plan).await })
}

/// One thread, on which everything has its order.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Outcome of several stories.
#[derive(Default)]
struct Total {
    stories: usize,
    accepted: usize,
    handed: usize,
    copies: usize,
}

impl Total {
    fn add(&mut self, story: &Story) {
        self.stories += 1;
        self.accepted += story.accepted;
        self.handed += story.handed;
        self.copies += story.copies;
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stories,
            accepted,
            handed,
            copies,
        } = self;
        write!(
            f,
            "{stories} stories: {accepted} messages accepted, {handed} attempts, {copies} perhaps taken twice"
        )
    }
}

/// Stories of one part of the seeds, so that a test runner tells them side by side.
fn part(number: u64) {
    from(number * MANY);
}

/// Stories told with `SENDMUX_LONG_TESTS`, and each time.
const MANY: u64 = 500;
const FEW: u64 = 5;

fn from(first: u64) {
    let count = if long() { MANY } else { FEW };
    let mut total = Total::default();
    for seed in first..first + count {
        total.add(&run(seed));
    }
    println!("{total}");
}

/// Acceptance of a part of the recipients, a machine without descriptors, and commits whose answers are lost.
#[test]
fn stories_with_faults() {
    from(FAULTS_FROM);
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

const TWO_NODES: Plan = Plan {
    days: 1,
    bursts: 8,
    happenings: 20,
    replaced: 0,
    nodes: 2,
    faults: false,
};

/// The story of two nodes; none without a PostgreSQL to test on.
fn run_on_postgresql(seed: u64) -> Option<Story> {
    runtime().block_on(async {
        let test = testing::databases_with(settings()).await.into_iter().nth(1)?;
        let replaced = u32::from(seed >= REPLACED_FROM_ON_TWO_NODES);
        let faults = seed >= FAULTS_FROM;
        let plan = Plan {
            replaced,
            faults,
            ..TWO_NODES
        };
        Some(tell(test, seed, plan).await)
    })
}

/// Two nodes on one database, either of which may be killed while the other goes on.
#[test]
fn two_nodes_on_postgresql() {
    let count = if long() { 60 } else { 2 };
    for seed in (0..count).chain(FAULTS_FROM..FAULTS_FROM + count) {
        run_on_postgresql(seed);
    }
}

/// Stories that once went wrong. The first two are from the time when the engine was first simulated, and found what
/// tests tell by name since: rounds that did not advance, the end of a refusal that was missed, a refund that woke nobody.
mod once_failed {
    use super::{run, run_on_postgresql};

    #[test]
    fn seed_1() {
        run(1);
    }

    #[test]
    fn seed_117() {
        run(117);
    }

    /// The simulation itself was at fault: a node that was killed before it had begun an attempt was taken to have lost
    /// what an earlier attempt came to.
    #[test]
    fn seed_97() {
        run(97);
    }

    /// The simulation let time jump past a living node, which the other then took for dead. It went on to lease messages,
    /// and those were nobody's for ever; see `a_node_that_was_taken_for_dead_goes_on_as_a_new_one`.
    #[test]
    fn seed_3_of_two_nodes() {
        run_on_postgresql(3);
    }

    /// A message that waits alone for the end of a throttle pause could go 79 seconds before: a charge had been given back
    /// elsewhere, which woke only messages that waited for caps.
    #[test]
    fn seed_1030() {
        run(1030);
    }

    /// A drained provider that was blocked just when a message expired that waited for nobody else: it waited another 72
    /// hours from that block on, and was not looked at when the block ended.
    #[test]
    fn seed_2420() {
        run(2420);
    }
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    let story = run(7);
    assert!(story.handed > 0);
    assert_eq!(story, run(7));
}

/// Seeds that the environment asks for: one (`SENDMUX_SEEDS=123`) or a range (`SENDMUX_SEEDS=100..400`).
fn asked_for() -> Option<Range<u64>> {
    let written = std::env::var("SENDMUX_SEEDS").ok()?;
    let number = |text: &str| -> u64 { text.parse().unwrap_or_else(|_| panic!("SENDMUX_SEEDS: {written:?}")) };
    Some(match written.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(&written)..number(&written) + 1,
    })
}

/// Tells chosen stories, on and on past those that fail, and names those: `SENDMUX_SEEDS=100..400 cargo test -p
/// sendmux-engine --test simulation chosen_seeds -- --nocapture`. With `SENDMUX_NODES=2` two nodes tell them, on
/// PostgreSQL.
#[test]
fn chosen_seeds() {
    let Some(seeds) = asked_for() else { return };
    let two_nodes = std::env::var("SENDMUX_NODES").is_ok_and(|nodes| nodes == "2");
    let (mut total, mut failed) = (Total::default(), Vec::new());
    for seed in seeds {
        let told = std::panic::catch_unwind(|| match two_nodes {
            true => run_on_postgresql(seed),
            false => Some(run(seed)),
        });
        match told {
            Ok(story) => total.add(&story.expect("SENDMUX_NODES=2 needs SENDMUX_TEST_POSTGRES_URL")),
            Err(_) => failed.push(seed),
        }
    }
    println!("{total}");
    assert!(failed.is_empty(), "failed: {failed:?}");
}
