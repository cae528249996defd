//! The database connections: SQLite in a file, or PostgreSQL.
//!
//! SQLite has one writing connection, whose transactions begin IMMEDIATE, and separate readers; with WAL readers never
//! wait for the writer. `synchronous=FULL`, since with NORMAL a power cut can lose the last commits.

mod failure;
mod state;
mod transaction;

pub use failure::Failure;
pub use state::FailureLabel;
pub use transaction::{CommitFailure, LostCommit, Transaction};

use crate::entities::settings;
use crate::error::{Error, Result};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use sea_orm::ActiveValue::Set;
pub use sea_orm::DbBackend;
use sea_orm::sea_query::{IntoCondition, OnConflict};
use sea_orm::sqlx::{Connection, PgConnection};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sendmux_rules::Timestamp;
use state::State;
use std::sync::Arc;
use std::time::Duration;

/// The connections to the database.
#[derive(Clone, Debug)]
pub struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    backend: DbBackend,
    statements: Counter,
    state: Arc<State>,
}

/// Time for which a statement waits for another process's lock on the SQLite file (the command line beside the server).
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
const REACH_TIMEOUT: Duration = Duration::from_secs(10);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// Idle time after which a connection to PostgreSQL is tested before it is used: the server may have restarted.
const TRIED_AFTER: Duration = Duration::from_secs(1);
/// Time for which PostgreSQL keeps a transaction, and its locks, of a silent client, which may be dead.
const POSTGRES_SILENCE: &str = "30s";
/// The setting that [`Db::probe`] writes.
const PROBE: &str = "write_probe";

impl Db {
    /// Connects to `sqlite:PATH` (the file is created if missing) or `postgres://…`.
    pub async fn connect(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") {
            Self::connect_sqlite(url).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            reach_postgres(url).await?;
            let mut options = options(url, POSTGRES_CONNECTIONS);
            options
                .test_before_acquire_if_idle_for(TRIED_AFTER)
                .map_sqlx_postgres_opts(|options| {
                    options.options([("idle_in_transaction_session_timeout", POSTGRES_SILENCE)])
                });
            let mut pool = Database::connect(options).await?;
            let statements = Counter::default();
            count(&mut pool, &statements);
            Ok(Self {
                writer: pool.clone(),
                reader: pool,
                backend: DbBackend::Postgres,
                statements,
                state: Arc::default(),
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
        let state = Arc::new(State::default());
        let mut writing = with_pragmas(1, false);
        writing.map_sqlx_sqlite_pool_opts({
            let state = state.clone();
            move |pool| {
                let state = state.clone();
                pool.after_release(move |connection, _| {
                    let state = state.clone();
                    Box::pin(async move {
                        if state.trusts_writer() && !connection.is_in_transaction() {
                            return Ok(true);
                        }
                        // A queued rollback is carried out before the answer to this. If it fails, because SQLite had
                        // rolled back by itself, sqlx still counts a transaction that no longer exists.
                        connection.ping().await?;
                        Ok(state.trusts_writer() && !connection.is_in_transaction())
                    })
                })
            }
        });
        let mut writer = Database::connect(writing).await?;
        let mut reader = Database::connect(with_pragmas(SQLITE_READERS, true)).await?;
        let statements = Counter::default();
        count(&mut writer, &statements);
        count(&mut reader, &statements);
        Ok(Self {
            writer,
            reader,
            backend: DbBackend::Sqlite,
            statements,
            state,
        })
    }

    /// Applies the pending migrations.
    pub async fn migrate(&self) -> Result<()> {
        Ok(migrations::apply(&self.writer).await?)
    }

    /// Number of pending migrations.
    pub async fn pending_migrations(&self) -> Result<usize> {
        Ok(migrations::pending(&self.writer).await?)
    }

    /// Kind of the database.
    pub fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Number of statements so far, without the begins and ends of transactions.
    pub fn statements(&self) -> &Counter {
        &self.statements
    }

    /// Connections for reading outside a transaction. In SQLite they cannot write.
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Begins a writing transaction. In SQLite there is one at a time, so nothing slow may happen in it.
    ///
    /// # Errors
    /// Errors of the database; [`Error::DatabaseUnavailable`] once a sync of the disk has failed.
    pub async fn begin(&self) -> Result<Transaction> {
        if let Some(why) = self.state.broken() {
            return Err(Error::DatabaseUnavailable(DbErr::Custom(why)));
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.backend == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        match self.writer.begin_with_options(options).await {
            Ok(inner) => Ok(Transaction::new(inner, self.state.clone())),
            Err(error) => {
                self.state.failed(&error);
                Err(error.into())
            }
        }
    }

    /// Deletes the rows of a table that meet a condition, in a transaction of its own, and returns their number.
    ///
    /// # Errors
    /// As [`Db::begin`].
    pub async fn delete_where<E: EntityTrait>(&self, condition: impl IntoCondition) -> Result<u64> {
        let tx = self.begin().await?;
        let deleted = E::delete_many().filter(condition).exec(&tx).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected)
    }

    /// Writes a row and commits it.
    ///
    /// # Errors
    /// The reason why messages cannot be accepted now: errors of [`Db::begin`]; [`Error::StorageFull`] also if a larger
    /// write found the disk full a moment ago, since a small one often still fits.
    pub async fn probe(&self, now: Timestamp) -> Result<()> {
        let tx = self.begin().await?;
        let row = settings::ActiveModel {
            name: Set(PROBE.to_owned()),
            value: Set(String::new()),
            updated_at: Set(now),
        };
        settings::Entity::insert(row)
            .on_conflict(
                OnConflict::column(settings::Column::Name)
                    .update_column(settings::Column::UpdatedAt)
                    .to_owned(),
            )
            .exec_without_returning(&tx)
            .await?;
        tx.commit().await?;
        if self.state.is_full() {
            return Err(Error::StorageFull(DbErr::Custom(
                "the disk was full a moment ago".to_owned(),
            )));
        }
        Ok(())
    }

    /// Waits until a sync of the disk has failed ([`Failure::SyncFailed`]); returns the database's message.
    pub async fn until_broken(&self) -> String {
        self.state.until_broken().await
    }

    /// Failures of writing transactions since the start.
    pub fn failures(&self) -> &Family<FailureLabel, Counter> {
        self.state.failures()
    }

    /// Sets which of the next commits lose their answers, the last in the list first. For tests.
    pub fn lose_commits(&self, lost: impl IntoIterator<Item = Option<LostCommit>>) {
        *self.state.lost.lock() = lost.into_iter().collect();
    }

    /// The database server's time; `None` if the database has no clock of its own (SQLite).
    pub async fn server_time(&self) -> Result<Option<Timestamp>> {
        if self.backend == DbBackend::Sqlite {
            return Ok(None);
        }
        let statement = Statement::from_string(
            self.backend,
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now",
        );
        let row = self.reader.query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get("", "now")).transpose()?)
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

/// Connects once outside of the pool, which would try for long and then report only a timeout.
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

#[cfg(test)]
mod tests;
