//! Measures what waiting costs: sending through caps in thousands of different windows, and doing nothing while many
//! messages wait. Numbers to look at, never a test. Time is simulated; what is measured is the work.
//!
//!     cargo run --release -p sendmux-engine --example waits [WAITING…]
//!
//! On SQLite, and on PostgreSQL as well when `SENDMUX_TEST_POSTGRES_URL` names a server.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement is watched by whoever runs it"
)]

mod stage;

use sendmux_domain::keys::Scope;
use sendmux_domain::nodes;
use sendmux_domain::providers::{self, CapsForm};
use sendmux_domain::testing::{START, TestDomain, databases, smtp_provider};
use sendmux_engine::{EngineConfig, Step, Stepped};
use stage::ToNowhere;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Messages that are sent for one measurement, at least.
const MEASURED: u64 = 2_000;
/// Providers of one team.
const TEAM: usize = 100;

#[tokio::main]
async fn main() {
    for count in [1, 100, 5_000] {
        for test in databases().await {
            windows(&test, count).await;
        }
    }
    let waiting: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let waiting = if waiting.is_empty() {
        vec![1_000, 1_000_000]
    } else {
        waiting
    };
    for count in waiting {
        for test in databases().await {
            idle(&test, count).await;
        }
    }
}

/// Providers with these caps, by their number, and for each a key and a message.
async fn lanes(test: &TestDomain, count: usize, caps: impl Fn(usize) -> CapsForm) {
    let mut session = None;
    for number in 0..count {
        if number.is_multiple_of(TEAM) {
            session = Some(test.owner("Bench").await);
        }
        let session = session.as_ref().unwrap();
        let id = smtp_provider(test, session, "relay").await.public_id;
        providers::set_caps(test, &session.actor(None), &id, caps(number))
            .await
            .unwrap();
        stage::accept(test, session, Scope::Providers(vec![id])).await;
    }
}

async fn engine(test: &TestDomain) -> Stepped {
    let incarnation = nodes::register(&test.db, "bench", START).await.unwrap();
    Stepped::start(
        test.domain.clone(),
        incarnation,
        Arc::new(ToNowhere),
        EngineConfig::default(),
    )
    .await
    .unwrap()
}

/// Sends through `count` providers, each with windows of its own, two messages a window.
async fn windows(test: &TestDomain, count: usize) {
    let two = Some(2);
    lanes(test, count, |number| match number % 3 {
        0 => CapsForm {
            minute: two,
            ..CapsForm::default()
        },
        1 => CapsForm {
            second: two,
            ..CapsForm::default()
        },
        _ => CapsForm {
            minute: two,
            hour: Some(60),
            ..CapsForm::default()
        },
    })
    .await;
    let target = MEASURED.max(4 * count as u64);
    stage::multiply(test, 2 * target / count as u64).await;

    let mut engine = engine(test).await;
    let before = test.db.statements().get();
    let (mut sent, mut wakes) = (0, 0);
    let mut claiming = Duration::ZERO;
    let began = Instant::now();
    while sent < target {
        let step = Instant::now();
        let next = engine.step().await;
        claiming += step.elapsed();
        match next {
            Step::Moved => {
                sent += engine.under_way() as u64;
                stage::settle(&engine).await;
            }
            Step::Quiet(next) => {
                wakes += 1;
                let now = test.domain.clock.now();
                test.clock.advance(next.unwrap().since(now));
            }
        }
    }
    let per_message = |what: f64| what / sent as f64;
    let took = began.elapsed();
    println!(
        "{:?}, caps of {count} providers: {:.0} µs a message to claim, {:.0} µs to settle, {:.1} statements \
         ({sent} sent, {wakes} wakes)",
        test.db.backend(),
        per_message(claiming.as_secs_f64() * 1e6),
        per_message((took - claiming).as_secs_f64() * 1e6),
        per_message((test.db.statements().get() - before) as f64),
    );
}

/// Lets `count` messages wait for an hour, whose providers have used up their day.
async fn idle(test: &TestDomain, count: u64) {
    const LANES: usize = 1_000;
    const HEARTBEAT: Duration = nodes::HEARTBEAT_EVERY;
    lanes(test, LANES, |_| CapsForm {
        day: Some(1),
        ..CapsForm::default()
    })
    .await;
    stage::multiply(test, count / LANES as u64).await;
    let mut engine = engine(test).await;
    while engine.step().await == Step::Moved {
        stage::settle(&engine).await;
    }

    let before = test.db.statements().get();
    let until = test.domain.clock.now().plus(Duration::from_secs(3_600));
    let (mut steps, mut turns) = (0, 0);
    let mut busy = Duration::ZERO;
    while test.domain.clock.now() < until {
        let step = Instant::now();
        engine.beat().await;
        let mut next = engine.step().await;
        while next == Step::Moved {
            turns += 1;
            next = engine.step().await;
        }
        busy += step.elapsed();
        steps += 1;
        assert_eq!(engine.under_way(), 0, "nothing can go");
        let Step::Quiet(next) = next else { continue };
        let now = test.domain.clock.now();
        let beat = now.plus(HEARTBEAT);
        test.clock.advance(next.map_or(beat, |next| next.min(beat)).since(now));
    }
    println!(
        "{:?}, {count} waiting in {LANES} lanes: an hour takes {:.0} ms of work and {} statements ({steps} wakes, \
         {turns} claims)",
        test.db.backend(),
        busy.as_secs_f64() * 1e3,
        test.db.statements().get() - before,
    );
}
