//! Measures what waiting costs: sending through caps in thousands of different windows, doing nothing while many messages
//! wait, and looking at all of them when the configuration changes. Numbers to look at, never a test. Time is simulated;
//! what is measured is the work.
//!
//!     cargo run --release -p sendmux-engine --example waits [windows|idle|changed] [WAITING…]
//!
//! On SQLite, and on PostgreSQL as well when `SENDMUX_TEST_POSTGRES_URL` names a server.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement is watched by whoever runs it"
)]

mod stage;

use sendmux_domain::keys::Scope;
use sendmux_domain::providers::{self, CapsForm};
use sendmux_domain::testing::{START, TestDomain, databases, smtp_provider};
use sendmux_domain::{nodes, runtime};
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
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut counts: Vec<u64> = args.iter().filter_map(|word| word.parse().ok()).collect();
    if counts.is_empty() {
        counts = vec![1_000, 1_000_000];
    }
    let words: Vec<&String> = args.iter().filter(|word| word.parse::<u64>().is_err()).collect();
    let wanted = |what: &str| words.is_empty() || words.iter().any(|word| *word == what);
    if wanted("windows") {
        for count in [1, 100, 5_000] {
            for test in databases().await {
                windows(&test, count).await;
            }
        }
    }
    for count in counts {
        if wanted("idle") {
            for test in databases().await {
                idle(&test, count).await;
            }
        }
        if wanted("changed") {
            for test in databases().await {
                changed(&test, count).await;
            }
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

/// Changes the configuration of a team of which `count` messages wait each by itself, and sends another team's.
async fn changed(test: &TestDomain, count: u64) {
    let session = test.owner("Many").await;
    let full = smtp_provider(test, &session, "full").await;
    let strict = smtp_provider(test, &session, "strict").await;
    let one = CapsForm {
        day: Some(1),
        ..CapsForm::default()
    };
    let actor = session.actor(None);
    providers::set_caps(test, &actor, &full.public_id, one).await.unwrap();
    let scope = Scope::Providers(vec![full.public_id.clone(), strict.public_id]);
    stage::accept(test, &session, scope).await;
    stage::multiply(test, count).await;
    let tx = test.db.begin().await.unwrap();
    let until = START.plus(Duration::from_secs(3_600));
    runtime::refuse_sender(&tx, strict.id, "example.com", START, until, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut engine = engine(test).await;
    while engine.step().await == Step::Moved {
        stage::settle(&engine).await;
    }

    let other = test.owner("Other").await;
    let relay = smtp_provider(test, &other, "relay").await;
    let changing = Instant::now();
    providers::set_weight(test, &actor, &full.public_id, Some(50))
        .await
        .unwrap();
    let changing = changing.elapsed();
    stage::accept(test, &other, Scope::Providers(vec![relay.public_id])).await;
    let began = Instant::now();
    let (mut longest, mut went) = (Duration::ZERO, None);
    loop {
        let step = Instant::now();
        let next = engine.step().await;
        longest = longest.max(step.elapsed());
        if engine.under_way() > 0 {
            went = Some(began.elapsed());
        }
        stage::settle(&engine).await;
        if next != Step::Moved {
            break;
        }
    }
    println!(
        "{:?}, {count} waiting alone when their team changes a weight, in {:.1} ms: another team's message goes after \
         {:.1} ms, the longest turn takes {:.1} ms, all were looked at after {:.1} s",
        test.db.backend(),
        changing.as_secs_f64() * 1e3,
        went.unwrap().as_secs_f64() * 1e3,
        longest.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64(),
    );
}
