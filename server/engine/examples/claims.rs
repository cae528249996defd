//! Measures what the engine itself costs: decisions of the selection, and claiming and settling a message while few or
//! many others wait. Numbers to look at, never a test.
//!
//!     cargo run --release -p sendmux-engine --example claims [WAITING…]
//!
//! On SQLite, and on PostgreSQL as well when `SENDMUX_TEST_POSTGRES_URL` names a server.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement is watched by whoever runs it"
)]

mod stage;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use sea_orm::{EntityTrait, PaginatorTrait};
use sendmux_domain::entities::queue;
use sendmux_domain::keys::Scope;
use sendmux_domain::nodes;
use sendmux_domain::testing::{START, TestDomain, databases, smtp_provider};
use sendmux_engine::{EngineConfig, Step, Stepped};
use sendmux_rules::{Candidate, Need, ProviderKind, select};
use stage::ToNowhere;
use std::sync::Arc;
use std::time::Instant;

/// Messages that are sent for one measurement.
const MEASURED: u64 = 2_000;

#[tokio::main]
async fn main() {
    let waiting: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let waiting = if waiting.is_empty() {
        vec![1_000, 1_000_000]
    } else {
        waiting
    };
    decisions();
    for count in waiting {
        for test in databases().await {
            claims(&test, count + MEASURED).await;
        }
    }
}

fn decisions() {
    const DECISIONS: u32 = 1_000_000;
    let pool: Vec<Candidate> = (1..=5).map(|id| Candidate::new(id, ProviderKind::Smtp, 100)).collect();
    let need = Need {
        bytes: 2_000,
        recipients: 1,
        headers_all_pending: true,
    };
    let mut rng = SmallRng::seed_from_u64(1);
    let began = Instant::now();
    let chosen = (0..DECISIONS)
        .filter_map(|_| select(&pool, &need, START, &mut rng).chosen)
        .count();
    let rate = chosen as f64 / began.elapsed().as_secs_f64();
    println!("selection among {} providers: {rate:.0} decisions a second", pool.len());
}

async fn claims(test: &TestDomain, waiting: u64) {
    let session = test.owner("Bench").await;
    smtp_provider(test, &session, "relay").await;
    stage::accept(test, &session, Scope::All).await;
    stage::multiply(test, waiting).await;
    assert_eq!(queue::Entity::find().count(test.db.read()).await.unwrap(), waiting);
    let incarnation = nodes::register(&test.db, "bench", START).await.unwrap();
    let config = EngineConfig {
        attempts_per_provider: 64,
        ..EngineConfig::default()
    };
    let mut engine = Stepped::start(test.domain.clone(), incarnation, Arc::new(ToNowhere), config)
        .await
        .unwrap();
    let (mut sent, mut turns) = (0, 0);
    let began = Instant::now();
    let mut claiming = std::time::Duration::ZERO;
    while sent < MEASURED {
        let turn = Instant::now();
        let step = engine.step().await;
        claiming += turn.elapsed();
        assert_eq!(step, Step::Moved, "messages are left");
        turns += 1;
        sent += engine.under_way() as u64;
        stage::settle(&engine).await;
    }
    let took = began.elapsed();
    let micros = |duration: std::time::Duration| duration.as_secs_f64() * 1e6 / sent as f64;
    println!(
        "{:?}, {waiting} waiting: {:.0} µs a message to claim, {:.0} µs to load, send and settle ({sent} in {turns} turns)",
        test.db.backend(),
        micros(claiming),
        micros(took - claiming),
    );
}
