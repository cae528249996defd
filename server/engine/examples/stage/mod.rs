//! Stage of the measurements: providers that take everything, and messages by the million.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, EntityTrait, Iden, Iterable};
use sendmux_domain::Result;
use sendmux_domain::accounts::Session;
use sendmux_domain::db::DbBackend;
use sendmux_domain::entities::{content_chunks, messages, queue, recipients};
use sendmux_domain::keys::Scope;
use sendmux_domain::messages::{NewRecipient, Origin, RecipientField, Source, Submission, new_message_id, submit};
use sendmux_domain::testing::TestDomain;
use sendmux_engine::{Channel, Channels, Stepped};
use sendmux_providers::connector::MayCommit;
use sendmux_providers::{Connector, SendJob, SendReport, TestReport};
use sendmux_rules::{Mode, Outcome, Reply, Stage};
use std::sync::Arc;

/// Takes everything at once.
struct Accepts;

#[async_trait]
impl Connector for Accepts {
    async fn send_if(&self, job: &SendJob, _may_commit: MayCommit<'_>) -> SendReport {
        let accepted = Outcome::accepted(Stage::Body, Reply::parse(250, ["2.0.0 Ok: queued as X"]));
        SendReport::same_for_all(job, accepted, None)
    }

    async fn test(&self) -> TestReport {
        TestReport::passed(Vec::new())
    }

    async fn close(&self) {}
}

/// The way to providers that take everything.
pub struct ToNowhere;

#[async_trait]
impl Channels for ToNowhere {
    async fn channel(&self, _provider_id: i64, _version: i32) -> Result<Channel> {
        Ok(Channel::Connector(Arc::new(Accepts)))
    }

    async fn close(&self) {}
}

/// Accepts one message with a new key of this scope.
pub async fn accept(test: &TestDomain, session: &Session, scope: Scope) {
    let submission = Submission {
        public_id: new_message_id(),
        key: test.sender(session, Mode::Live, scope).await,
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
}

/// Copies every message that was accepted until there are `times` as many.
pub async fn multiply(test: &TestDomain, times: u64) {
    let tx = test.db.begin().await.unwrap();
    if times > 1 {
        for copy in [
            copies::<messages::Entity>("messages", times),
            copies::<recipients::Entity>("recipients", times),
            copies::<content_chunks::Entity>("content_chunks", times),
            copies::<queue::Entity>("queue", times),
        ] {
            tx.execute_unprepared(&copy).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    if test.db.backend() == DbBackend::Postgres {
        // As autovacuum would have by the time that so many wait.
        test.db.read().execute_unprepared("ANALYZE").await.unwrap();
    }
}

/// Copies each row of a table, under other ids.
fn copies<E: EntityTrait>(table: &str, times: u64) -> String {
    let columns: Vec<String> = E::Column::iter().map(|column| column.unquoted().to_string()).collect();
    let key = if table == "messages" { "id" } else { "message_id" };
    let values: Vec<String> = columns
        .iter()
        .map(|column| match column.as_str() {
            // Far enough apart for those that were made within the same days.
            name if name == key => format!("{name} + n * 4294967296"),
            "public_id" => "public_id || n".to_owned(),
            name => name.to_owned(),
        })
        .collect();
    format!(
        "WITH RECURSIVE series(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {last}) \
         INSERT INTO {table} ({}) SELECT {} FROM {table}, series",
        columns.join(", "),
        values.join(", "),
        last = times - 1,
    )
}

/// Lets attempts that answer at once come to their end, and be written.
pub async fn settle(engine: &Stepped) {
    let mut progress = engine.progress();
    while engine.under_way() > 0 || engine.unwritten() > 0 {
        progress.mark_unchanged();
        if engine.under_way() > 0 || engine.unwritten() > 0 {
            progress.changed().await.unwrap();
        }
    }
}
