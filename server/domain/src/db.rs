//! The database connections: SQLite in a file, or PostgreSQL.
//!
//! SQLite has one writing connection, whose transactions begin IMMEDIATE, and readers apart from it; with WAL readers
//! never wait for the writer. `synchronous=FULL`, since with NORMAL a power cut can take back the last commits.

use crate::error::{Error, Result};
use migrations::{Migrator, MigratorTrait};
use prometheus_client::metrics::counter::Counter;
pub use sea_orm::DatabaseTransaction as Transaction;
pub use sea_orm::DbBackend;
use sea_orm::sqlx::{Connection, PgConnection};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};
use sendmux_rules::Timestamp;
use std::time::Duration;

/// The connections to the database.
#[derive(Clone, Debug)]
pub struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    backend: DbBackend,
    statements: Counter,
}

/// How long a statement waits for another process's lock on the SQLite file (the command line beside the server).
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
const REACH_TIMEOUT: Duration = Duration::from_secs(10);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

impl Db {
    /// Connects to `sqlite:PATH` (the file is made when missing) or `postgres://…`.
    pub async fn connect(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") {
            Self::connect_sqlite(url).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            reach_postgres(url).await?;
            let mut pool = Database::connect(options(url, POSTGRES_CONNECTIONS)).await?;
            let statements = Counter::default();
            count(&mut pool, &statements);
            Ok(Self {
                writer: pool.clone(),
                reader: pool,
                backend: DbBackend::Postgres,
                statements,
            })
        } else {
            Err(Error::field(
                "DATABASE_URL",
                "invalid",
                "the database URL must begin with sqlite: or postgres:, for example postgres://user:password@host/sendmux",
            ))
        }
    }

    async fn connect_sqlite(url: &str) -> Result<Self> {
        let with_pragmas = |connections: u32, read_only: bool| {
            let mut options = options(url, connections);
            options.map_sqlx_sqlite_opts(move |sqlite| {
                let sqlite = sqlite
                    .create_if_missing(true)
                    .busy_timeout(SQLITE_BUSY_TIMEOUT)
                    .foreign_keys(true)
                    .pragma("journal_mode", "WAL")
                    .pragma("synchronous", "FULL")
                    .pragma("cache_size", "-32768")
                    .pragma("temp_store", "MEMORY")
                    // Checkpoints cost a sync of the whole file: fewer, larger ones.
                    .pragma("wal_autocheckpoint", "4000")
                    .pragma("journal_size_limit", "67108864")
                    .statement_cache_capacity(200);
                if read_only {
                    sqlite.pragma("query_only", "ON")
                } else {
                    sqlite
                }
            });
            options
        };
        let mut writer = Database::connect(with_pragmas(1, false)).await?;
        let mut reader = Database::connect(with_pragmas(SQLITE_READERS, true)).await?;
        let statements = Counter::default();
        count(&mut writer, &statements);
        count(&mut reader, &statements);
        Ok(Self {
            writer,
            reader,
            backend: DbBackend::Sqlite,
            statements,
        })
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> Result<()> {
        Ok(Migrator::up(&self.writer, None).await?)
    }

    /// How many migrations are still to be applied.
    pub async fn pending_migrations(&self) -> Result<usize> {
        Ok(Migrator::get_pending_migrations(&self.writer).await?.len())
    }

    /// Which database this is.
    pub fn backend(&self) -> DbBackend {
        self.backend
    }

    /// The statements made so far, without the begins and ends of transactions.
    pub fn statements(&self) -> &Counter {
        &self.statements
    }

    /// For reading outside a transaction. In SQLite these connections cannot write.
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Begins a transaction that writes; dropped without `commit`, it is rolled back. In SQLite there is one at a time,
    /// so nothing slow may happen in it.
    pub async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.backend == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.writer.begin_with_options(options).await?)
    }

    /// The database server's time, or none where the database has no clock of its own (SQLite).
    pub async fn server_time(&self) -> Result<Option<Timestamp>> {
        if self.backend == DbBackend::Sqlite {
            return Ok(None);
        }
        let statement = Statement::from_string(
            self.backend,
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now",
        );
        let row = self.reader.query_one_raw(statement).await?;
        let millis: Option<i64> = row.map(|row| row.try_get("", "now")).transpose()?;
        Ok(millis.map(Timestamp::from_millis))
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.reader.ping().await?)
    }

    /// Closes the connections; in SQLite this folds the write-ahead log into the file.
    pub async fn close(self) -> Result<()> {
        self.reader.clone().close().await?;
        Ok(self.writer.close().await?)
    }
}

/// Counts the statements of a pool.
fn count(pool: &mut DatabaseConnection, statements: &Counter) {
    let statements = statements.clone();
    pool.set_metric_callback(move |_| {
        statements.inc();
    });
}

/// Connects once outside of the pool, which would try for long and then say only that it timed out.
async fn reach_postgres(url: &str) -> Result<()> {
    let unreachable = |why: String| Error::Unavailable(format!("PostgreSQL cannot be reached: {why}"));
    let connecting = tokio::time::timeout(REACH_TIMEOUT, PgConnection::connect(url));
    match connecting.await {
        Ok(Ok(connection)) => connection.close().await.map_err(|error| unreachable(error.to_string())),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer within {} s", REACH_TIMEOUT.as_secs()))),
    }
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false);
    options
}
