//! Applying migrations safely, even if a start is killed or meets another start at any point.

use crate::{Migrator, interrupted};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

/// The advisory lock for changes of the schema on PostgreSQL: `sendmux` in ASCII.
const LOCK: i64 = 0x0073_656e_646d_7578;

/// Number of pending migrations. Changes nothing.
///
/// # Errors
/// Errors of the database; also for a database changed by a newer version, with migrations that are unknown here.
pub async fn pending(db: &DatabaseConnection) -> Result<usize, DbErr> {
    Ok(Migrator::get_pending_migrations_read_only(db).await?.len())
}

/// Applies the pending migrations, each with its row in `seaql_migrations` in a transaction of its own: whenever the
/// process is killed, a migration is applied in full or not at all. Nodes that start at the same time take turns:
/// SQLite has one writer, and on PostgreSQL each transaction begins by waiting for the lock.
///
/// # Errors
/// Errors of the database; also when the remains of an interrupted migration cannot be removed.
pub async fn apply(db: &DatabaseConnection) -> Result<(), DbErr> {
    let mut first = true;
    while pending(db).await? > 0 {
        let backend = db.get_database_backend();
        let options = TransactionOptions {
            sqlite_transaction_mode: (backend == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let tx = db.begin_with_options(options).await?;
        match backend {
            DbBackend::Postgres => {
                tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
                    .await?;
            }
            // Only the first pending migration can have been begun.
            _ if first => interrupted::take_back(&tx).await?,
            _ => {}
        }
        // Reads the pending migrations again, now that nobody else can change them.
        Migrator::up(&tx, Some(1)).await?;
        tx.commit().await?;
        first = false;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupted::tests::{memory, schema};

    #[tokio::test]
    async fn an_empty_database_becomes_what_the_migrations_say() {
        let (one_by_one, at_once) = (memory().await, memory().await);
        apply(&one_by_one).await.unwrap();
        Migrator::up(&at_once, None).await.unwrap();
        assert_eq!(schema(&one_by_one).await, schema(&at_once).await);
        assert_eq!(pending(&one_by_one).await.unwrap(), 0);
        apply(&one_by_one).await.unwrap();
    }

    #[tokio::test]
    async fn a_migration_that_fails_leaves_nothing() {
        // Each table and index takes at least a page: the disk becomes full in the middle of a migration.
        let whole = memory().await;
        apply(&whole).await.unwrap();
        for pages in (2..200).step_by(3) {
            let db = memory().await;
            db.execute_unprepared(&format!("PRAGMA max_page_count = {pages}"))
                .await
                .unwrap();
            if apply(&db).await.is_ok() {
                assert!(pages > 20);
                return;
            }
            let applied = Migrator::migrations().len() - pending(&db).await.unwrap();
            let clean = memory().await;
            for _ in 0..applied {
                Migrator::up(&clean, Some(1)).await.unwrap();
            }
            let seen = schema(&db).await;
            // Before the first migration not even the list of migrations exists.
            assert!(
                applied == 0 && seen.is_empty() || seen == schema(&clean).await,
                "{pages} pages"
            );

            db.execute_unprepared("PRAGMA max_page_count = 100000").await.unwrap();
            apply(&db).await.unwrap();
            assert_eq!(schema(&db).await, schema(&whole).await, "{pages} pages");
        }
        panic!("200 pages are enough for all of them");
    }
}
