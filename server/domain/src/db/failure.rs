//! Failures of the database, classified by their consequences for the caller and for the process.

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// The kind of a database failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The disk, or the quota on it, is full. Nothing was written; writes succeed again once there is room.
    Full,
    /// The operating system could not sync written data to the disk (fsync). Cached pages may be lost, and a later sync
    /// may succeed without them, so the process can no longer trust what it has written.
    SyncFailed,
    /// The database cannot be reached, is restarting, read-only or overloaded, or its file cannot be read or written.
    Unavailable,
    /// Any other error: a fault of a statement.
    Statement,
}

impl Failure {
    /// Kind of this error.
    pub fn of(error: &DbErr) -> Self {
        let runtime = match error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return Self::of_connection(error),
            DbErr::Exec(runtime) | DbErr::Query(runtime) => runtime,
            _ => return Self::Statement,
        };
        match runtime {
            RuntimeErr::SqlxError(error) => of_sqlx(error),
            RuntimeErr::Internal(_) => Self::Statement,
        }
    }

    /// Kind of an error while connecting: an outage, unless the disk is full.
    fn of_connection(error: &DbErr) -> Self {
        match error {
            DbErr::Conn(RuntimeErr::SqlxError(error)) => match of_sqlx(error) {
                Self::Statement => Self::Unavailable,
                known => known,
            },
            _ => Self::Unavailable,
        }
    }

    /// Name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::SyncFailed => "sync_failed",
            Self::Unavailable => "unavailable",
            Self::Statement => "statement",
        }
    }
}

/// The error answered by the database, if it is one.
pub(super) fn answered(error: &DbErr) -> Option<&dyn DatabaseError> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            error.as_database_error()
        }
        _ => None,
    }
}

fn of_sqlx(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(error) => of_code(error.as_ref()),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        // Sent by a server that is being killed, or by something that is not PostgreSQL.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed
        | sqlx::Error::InvalidSavePointStatement => Failure::Unavailable,
        _ => Failure::Statement,
    }
}

fn of_code(error: &dyn DatabaseError) -> Failure {
    let code = error.code().unwrap_or_default();
    match error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
        Some(_) => code.parse().map_or(Failure::Statement, of_sqlite),
        None => of_sqlstate(&code),
    }
}

/// Kind of an extended result code of SQLite (<https://www.sqlite.org/rescode.html>); the low eight bits are the
/// primary code.
fn of_sqlite(code: u32) -> Failure {
    const SQLITE_PERM: u32 = 3;
    const SQLITE_BUSY: u32 = 5;
    const SQLITE_LOCKED: u32 = 6;
    const SQLITE_NOMEM: u32 = 7;
    const SQLITE_READONLY: u32 = 8;
    const SQLITE_IOERR: u32 = 10;
    const SQLITE_FULL: u32 = 13;
    const SQLITE_CANTOPEN: u32 = 14;
    const SQLITE_IOERR_FSYNC: u32 = SQLITE_IOERR | (4 << 8);
    const SQLITE_IOERR_DIR_FSYNC: u32 = SQLITE_IOERR | (5 << 8);
    if matches!(code, SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC) {
        return Failure::SyncFailed;
    }
    match code & 0xff {
        SQLITE_FULL => Failure::Full,
        SQLITE_PERM | SQLITE_BUSY | SQLITE_LOCKED | SQLITE_NOMEM | SQLITE_READONLY | SQLITE_IOERR | SQLITE_CANTOPEN => {
            Failure::Unavailable
        }
        _ => Failure::Statement,
    }
}

/// Kind of an SQLSTATE code (PostgreSQL documentation, appendix A).
fn of_sqlstate(code: &str) -> Failure {
    match code {
        // disk_full
        "53100" => Failure::Full,
        // read_only_sql_transaction: a standby, or a server that was demoted.
        "25006" => Failure::Unavailable,
        // idle_in_transaction_session_timeout, lock_not_available
        "25P03" | "55P03" => Failure::Unavailable,
        // serialization_failure, deadlock_detected: succeeds when tried again.
        "40001" | "40P01" => Failure::Unavailable,
        _ => match code.get(..2) {
            // Connection exception, insufficient resources, operator intervention, system error.
            Some("08" | "53" | "57" | "58") => Failure::Unavailable,
            _ => Failure::Statement,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_codes_are_told_apart() {
        for (code, failure) in [
            (13, Failure::Full),
            (1034, Failure::SyncFailed),
            (1290, Failure::SyncFailed),
            (778, Failure::Unavailable),
            (10, Failure::Unavailable),
            (5, Failure::Unavailable),
            (517, Failure::Unavailable),
            (8, Failure::Unavailable),
            (1032, Failure::Unavailable),
            (14, Failure::Unavailable),
            (1, Failure::Statement),
            (19, Failure::Statement),
            (2067, Failure::Statement),
            (11, Failure::Statement),
        ] {
            assert_eq!(of_sqlite(code), failure, "{code}");
        }
    }

    #[test]
    fn sqlstates_are_told_apart() {
        for (code, failure) in [
            ("53100", Failure::Full),
            ("53300", Failure::Unavailable),
            ("57P01", Failure::Unavailable),
            ("57P03", Failure::Unavailable),
            ("08006", Failure::Unavailable),
            ("25006", Failure::Unavailable),
            ("40001", Failure::Unavailable),
            ("23505", Failure::Statement),
            ("42P01", Failure::Statement),
            ("", Failure::Statement),
        ] {
            assert_eq!(of_sqlstate(code), failure, "{code}");
        }
    }
}
