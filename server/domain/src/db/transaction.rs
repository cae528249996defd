//! Writing transactions, and the results of failed ones.

use super::failure::{Failure, answered};
use super::state::State;
use crate::error::{Error, Result};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A writing transaction. Dropped without [`Transaction::commit`], it is rolled back.
///
/// After a failed statement it cannot be committed: SQLite may have rolled back the statements before and would commit
/// the later ones on their own, and PostgreSQL answers COMMIT with a rollback that looks like a success.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
    state: Arc<State>,
    failed: AtomicBool,
}

/// Failure of a commit.
#[derive(Debug)]
pub enum CommitFailure {
    /// Nothing of the transaction is stored.
    RolledBack(Error),
    /// The answer was lost, or reports a failure after the commit (SQLite checkpoints in it): the transaction may be
    /// stored.
    Unknown(Error),
}

/// A commit whose answer is lost, for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostCommit {
    /// The connection was cut before the database received it.
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
    /// Errors of the database. The transaction may be stored all the same; [`Transaction::try_commit`] distinguishes
    /// that.
    pub async fn commit(self) -> Result<()> {
        Ok(self.try_commit().await?)
    }

    /// [`Transaction::commit`] for callers that must know if a failed transaction may be stored.
    ///
    /// # Errors
    /// Errors of the database, distinguished by the state of the transaction.
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
    /// Errors of the database; nothing is stored all the same.
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
