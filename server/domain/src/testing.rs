//! Test support: a [`Domain`] on an empty database and a clock that tests move.
//!
//! [`databases`] makes one on SQLite, and another on PostgreSQL when `SENDMUX_TEST_POSTGRES_URL` names a server on
//! which databases can be created. A test that loops over them runs on both.
//!
//! ```no_run
//! # async fn example() {
//! for test in sendmux_domain::testing::databases().await {
//!     let session = test.owner("Acme").await;
//!     test.clock.advance(std::time::Duration::from_secs(3_600));
//!     let providers = sendmux_domain::providers::list(&test, session.team.id).await;
//! }
//! # }
//! ```

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use crate::accounts::{self, Session, SignUp};
use crate::clock::ManualClock;
use crate::db::Db;
use crate::ids::random_into;
use crate::keys::{self, CreatedKey, KeyContext, NewKey, Permission, Scope};
use crate::providers::{self, Form, ProviderView, SmtpForm};
use crate::secrets::Sealer;
use crate::{Domain, Settings, Timestamp};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sendmux_rules::{Mode, ProviderKind};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the environment variable with the URL of a PostgreSQL server whose user may create databases.
pub const POSTGRES_URL: &str = "SENDMUX_TEST_POSTGRES_URL";

/// Start of the clocks of tests: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Password of the accounts that [`TestDomain::owner`] makes.
pub const PASSWORD: &str = "correct horse battery";

/// A domain on a database of its own, which is removed at the end.
#[derive(Debug)]
pub struct TestDomain {
    /// The domain.
    pub domain: Domain,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// URL of the database, for a test that starts a second node on it.
    pub url: String,
    sealer: Sealer,
    _database: Temporary,
}

impl Deref for TestDomain {
    type Target = Domain;

    fn deref(&self) -> &Domain {
        &self.domain
    }
}

impl TestDomain {
    /// Signs up an account whose team has this name, and returns the session of its owner.
    pub async fn owner(&self, team_name: &str) -> Session {
        let mut email = String::new();
        random_into(&mut email, b"abcdefghijklmnopqrstuvwxyz", 12);
        email.push_str("@example.com");
        let form = SignUp {
            name: format!("Owner of {team_name}"),
            email,
            password: PASSWORD.to_owned(),
            team_name: team_name.to_owned(),
            ..SignUp::default()
        };
        let signed_in = accounts::sign_up(&self.domain, form, None).await.expect("signs up");
        let (user, team) = (&signed_in.user.public_id, &signed_in.team.public_id);
        accounts::session_user(&self.domain, user, &signed_in.mark, Some(team))
            .await
            .expect("reads the session")
            .expect("has a session")
    }

    /// A key of the session's team with the permission to send.
    pub async fn key(&self, session: &Session, mode: Mode, scope: Scope) -> CreatedKey {
        let new = NewKey {
            name: "test".to_owned(),
            mode,
            permissions: vec![Permission::Send],
            scope,
        };
        let created = keys::create(&self.domain, &session.actor(None), new).await;
        created.expect("makes a key")
    }

    /// The context of another such key.
    pub async fn sender(&self, session: &Session, mode: Mode, scope: Scope) -> Arc<KeyContext> {
        let created = self.key(session, mode, scope).await;
        keys::authenticate(&self.domain, &created.secret)
            .await
            .expect("reads the key")
            .expect("knows the key")
    }

    /// A second node on the same database, with the same clock and secrets but with caches of its own.
    pub async fn second_node(&self) -> Domain {
        self.node(2).await
    }

    /// A node on the same database as the first, with the same clock and secrets but with caches of its own.
    /// `incarnation` must differ from those of the other nodes; the first has 1.
    pub async fn node(&self, incarnation: i64) -> Domain {
        let db = Db::connect(&self.url).await.expect("connects once more");
        Domain::new(
            db,
            self.clock.clone(),
            incarnation,
            self.sealer.clone(),
            self.domain.settings.clone(),
        )
    }
}

/// An SMTP provider of the session's team, which is never connected to.
pub async fn smtp_provider(domain: &Domain, session: &Session, name: &str) -> ProviderView {
    let form = SmtpForm {
        name: name.to_owned(),
        host: "127.0.0.1".to_owned(),
        port: "2525".to_owned(),
        security: "none".to_owned(),
        ..SmtpForm::default()
    };
    let made = providers::create(domain, &session.actor(None), ProviderKind::Smtp, Form::Smtp(form)).await;
    made.expect("makes a provider")
}

/// An empty domain on each database to test.
pub async fn databases() -> Vec<TestDomain> {
    databases_with(Settings::default()).await
}

/// As [`databases`], with these settings.
pub async fn databases_with(settings: Settings) -> Vec<TestDomain> {
    let mut all = vec![sqlite(settings.clone()).await];
    if let Some(server) = std::env::var(POSTGRES_URL).ok().filter(|url| !url.is_empty()) {
        all.push(postgres(&server, settings).await);
    }
    all
}

/// An empty domain on SQLite only, for tests that do not depend on the database.
pub async fn sqlite(settings: Settings) -> TestDomain {
    let dir = TestDir::new();
    let url = format!("sqlite:{}", dir.path().join("test.sqlite3").display());
    domain(url, settings, Temporary::Dir(dir)).await
}

async fn postgres(server: &str, settings: Settings) -> TestDomain {
    let mut name = "sendmux_test_".to_owned();
    random_into(&mut name, b"abcdefghijklmnopqrstuvwxyz", 16);
    let (base, query) = server
        .split_once('?')
        .map_or((server, None), |(base, query)| (base, Some(query)));
    let authority_at = base.find("://").map_or(0, |at| at + 3);
    let path_at = base[authority_at..]
        .find('/')
        .map_or(base.len(), |at| authority_at + at);
    let mut url = format!("{}/{name}", &base[..path_at]);
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    let admin = Database::connect(server)
        .await
        .expect("connects to the PostgreSQL server");
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .expect("makes a database");
    close(admin).await;
    domain(
        url,
        settings,
        Temporary::Postgres {
            server: server.to_owned(),
            name,
        },
    )
    .await
}

async fn domain(url: String, settings: Settings, database: Temporary) -> TestDomain {
    let db = Db::connect(&url).await.expect("connects");
    db.migrate().await.expect("makes the tables");
    let clock = ManualClock::new(START);
    let sealer = Sealer::random().expect("draws a key");
    let domain = Domain::new(db, clock.clone(), 1, sealer.clone(), settings);
    TestDomain {
        domain,
        clock,
        url,
        sealer,
        _database: database,
    }
}

async fn close(connection: DatabaseConnection) {
    connection.close().await.expect("closes the connection");
}

/// Resources of a test, removed when dropped.
#[derive(Debug)]
enum Temporary {
    Dir(#[expect(dead_code, reason = "held for its drop")] TestDir),
    Postgres { server: String, name: String },
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let Self::Postgres { server, name } = self else { return };
        let (server, name) = (std::mem::take(server), std::mem::take(name));
        // A thread with a runtime of its own, since a runtime cannot be entered from within another.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("starts a runtime");
            runtime.block_on(async {
                let admin = Database::connect(&server).await?;
                admin
                    .execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
                    .await?;
                admin.close().await
            })
        });
        // A failed removal costs some space on a test server, not a test.
        drop(dropping.join());
    }
}

/// A new folder for temporary files, removed with what is in it when dropped.
#[derive(Debug)]
pub struct TestDir(PathBuf);

impl TestDir {
    /// Makes the folder.
    #[expect(clippy::new_without_default, reason = "it makes a folder, which is no default")]
    pub fn new() -> Self {
        let mut name = "sendmux-test-".to_owned();
        random_into(&mut name, b"abcdefghijklmnopqrstuvwxyz", 16);
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("makes a folder for temporary files");
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
