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

use async_trait::async_trait;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sea_orm::{ConnectionTrait, EntityTrait, Iden, Iterable, PaginatorTrait};
use sendmux_domain::entities::{content_chunks, messages, queue, recipients};
use sendmux_domain::keys::{self, NewKey, Permission, Scope};
use sendmux_domain::messages::{NewRecipient, Origin, RecipientField, Source, Submission, new_message_id, submit};
use sendmux_domain::providers::{self, SmtpForm};
use sendmux_domain::testing::{START, TestDomain, databases};
use sendmux_domain::{Result, nodes};
use sendmux_engine::{Channel, Channels, EngineConfig, Step, Stepped};
use sendmux_providers::connector::MayCommit;
use sendmux_providers::{Connector, SendJob, SendReport, TestReport};
use sendmux_rules::{Candidate, Mode, Need, Outcome, ProviderKind, Reply, Stage, select};
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

/// Takes everything at once.
struct Accepts;

#[async_trait]
impl Connector for Accepts {
    async fn send_if(&self, job: &SendJob, _may_commit: MayCommit<'_>) -> SendReport {
        let accepted = Outcome::accepted(Stage::Body, Reply::parse(250, ["2.0.0 Ok: queued as X"]));
        SendReport::same_for_all(job, accepted, None)
    }

    async fn test(&self) -> TestReport {
        TestReport {
            ok: true,
            steps: Vec::new(),
            class: None,
            advice: None,
        }
    }

    async fn close(&self) {}
}

struct ToNowhere;

#[async_trait]
impl Channels for ToNowhere {
    async fn channel(&self, _provider_id: i64, _version: i32) -> Result<Channel> {
        Ok(Channel::Connector(Arc::new(Accepts)))
    }

    async fn close(&self) {}
}

async fn claims(test: &TestDomain, waiting: u64) {
    fill(test, waiting).await;
    let incarnation = nodes::register(&test.db, "bench", START).await.unwrap();
    let config = EngineConfig {
        attempts_per_provider: 64,
        ..EngineConfig::default()
    };
    let mut engine = Stepped::start(test.domain.clone(), incarnation, Arc::new(ToNowhere), config)
        .await
        .unwrap();
    let mut progress = engine.progress();
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
        while engine.under_way() > 0 || engine.unwritten() > 0 {
            progress.mark_unchanged();
            if engine.under_way() > 0 || engine.unwritten() > 0 {
                progress.changed().await.unwrap();
            }
        }
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

/// One message that was accepted, and copies of it.
async fn fill(test: &TestDomain, count: u64) {
    let session = test.owner("Bench").await;
    let actor = session.actor(None);
    let form = SmtpForm {
        name: "relay".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: "2525".to_owned(),
        security: "none".to_owned(),
        ..SmtpForm::default()
    };
    providers::create_smtp(test, &actor, form).await.unwrap();
    let new = NewKey {
        name: "bench".to_owned(),
        mode: Mode::Live,
        permissions: vec![Permission::Send],
        scope: Scope::All,
    };
    let created = keys::create(test, &actor, new).await.unwrap();
    let submission = Submission {
        public_id: new_message_id(),
        key: keys::authenticate(test, &created.secret).await.unwrap().unwrap(),
        source: Source::Http,
        origin: Origin::default(),
        subject: "Hello".to_owned(),
        from_email: "sender@example.com".to_owned(),
        from_name: String::new(),
        return_path: Some("sender@example.com".to_owned()),
        header_message_id: "<1@example.com>".to_owned(),
        recipients: vec![NewRecipient {
            field: RecipientField::To,
            address: "a@example.com".to_owned(),
            name: String::new(),
        }],
        content: vec![b'x'; 2_000].into(),
        smtputf8: false,
    };
    submit(test, submission).await.unwrap();
    let tx = test.db.begin().await.unwrap();
    for copy in [
        copies::<messages::Entity>("messages", count),
        copies::<recipients::Entity>("recipients", count),
        copies::<content_chunks::Entity>("content_chunks", count),
        copies::<queue::Entity>("queue", count),
    ] {
        tx.execute_unprepared(&copy).await.unwrap();
    }
    tx.commit().await.unwrap();
    if test.db.backend() == sendmux_domain::db::DbBackend::Postgres {
        // As autovacuum would have by the time that so many wait.
        test.db.read().execute_unprepared("ANALYZE").await.unwrap();
    }
    let waiting = queue::Entity::find().count(test.db.read()).await.unwrap();
    assert_eq!(waiting, count);
}

/// Copies the only row of a table until there are `count`, under other ids.
fn copies<E: EntityTrait>(table: &str, count: u64) -> String {
    let columns: Vec<String> = E::Column::iter().map(|column| column.unquoted().to_string()).collect();
    let key = if table == "messages" { "id" } else { "message_id" };
    let values: Vec<String> = columns
        .iter()
        .map(|column| match column.as_str() {
            name if name == key => format!("{name} + n"),
            "public_id" => "public_id || n".to_owned(),
            name => name.to_owned(),
        })
        .collect();
    format!(
        "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {last}) \
         INSERT INTO {table} ({}) SELECT {} FROM {table}, series",
        columns.join(", "),
        values.join(", "),
        last = count - 1,
    )
}
