//! Transactions that write, and what is known of those that failed.

use super::failure::{Failure, answered};
use super::state::State;
use crate::error::{Error, Result};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A transaction that writes. Dropped without [`Transaction::commit`], it is rolled back.
///
/// After a statement in it has failed it cannot be committed: SQLite may have rolled back what came before and would
/// commit what comes after on its own, and PostgreSQL answers COMMIT with a rollback that looks like a success.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
    state: Arc<State>,
    failed: AtomicBool,
}

/// Why a commit did not succeed.
#[derive(Debug)]
pub enum CommitFailure {
    /// Nothing of the transaction is kept.
    RolledBack(Error),
    /// The answer was lost, or told of a failure that comes after the commit (SQLite checkpoints in it): what was
    /// written may be kept.
    Unknown(Error),
}

/// A commit of which the answer is lost, for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostCommit {
    /// The connection was cut before the database had heard of it.
    Before,
    /// The database has committed.
    After,
}

impl From<CommitFailure> for Error {
    fn from(failure: CommitFailure) -> Self {
        match failure {
            CommitFailure::RolledBack(error) | CommitFailure::Unknown(error) => error,
        }
    }
}

impl Transaction {
    pub(super) fn new(inner: DatabaseTransaction, state: Arc<State>) -> Self {
        Self {
            inner,
            state,
            failed: AtomicBool::new(false),
        }
    }

    /// Commits; when this returns, everything in it is on disk.
    ///
    /// # Errors
    /// The database's. What was written may be kept all the same; [`Transaction::try_commit`] tells.
    pub async fn commit(self) -> Result<()> {
        Ok(self.try_commit().await?)
    }

    /// As [`Transaction::commit`], for callers to whom it matters whether a transaction that failed may be kept.
    ///
    /// # Errors
    /// The database's, told apart by what is known.
    pub async fn try_commit(self) -> Result<(), CommitFailure> {
        if self.failed.load(Ordering::Acquire) {
            return Err(CommitFailure::RolledBack(Error::Internal(
                "a statement of the transaction had failed".to_owned(),
            )));
        }
        let lost = self.state.lost.lock().pop().flatten();
        if lost == Some(LostCommit::Before) {
            return Err(CommitFailure::Unknown(lost_answer()));
        }
        match self.inner.commit().await {
            Ok(()) if lost.is_some() => Err(CommitFailure::Unknown(lost_answer())),
            Ok(()) => Ok(()),
            Err(error) => {
                self.state.failed(&error);
                let is_refusal = answered(&error).is_some() && Failure::of(&error) == Failure::Statement;
                Err(if is_refusal {
                    CommitFailure::RolledBack(error.into())
                } else {
                    CommitFailure::Unknown(error.into())
                })
            }
        }
    }

    /// Rolls back.
    ///
    /// # Errors
    /// The database's; nothing is kept all the same.
    pub async fn rollback(self) -> Result<()> {
        let state = self.state;
        self.inner.rollback().await.map_err(|error| {
            state.failed(&error);
            error.into()
        })
    }

    fn note<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &result {
            self.failed.store(true, Ordering::Release);
            self.state.failed(error);
        }
        result
    }
}

fn lost_answer() -> Error {
    Error::DatabaseUnavailable(DbErr::Custom("the connection was cut at the commit".to_owned()))
}

#[async_trait::async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.note(self.inner.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.note(self.inner.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.note(self.inner.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.note(self.inner.query_all_raw(statement).await)
    }
}
