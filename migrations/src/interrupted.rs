//! Repair of migrations that were interrupted before they ran in transactions on SQLite: a start that was killed then
//! left some of the tables, indexes and columns of a migration that does not count as applied, and which therefore
//! always fails. No server has run on them, so they are empty, and are dropped.

use crate::Migrator;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseTransaction, QueryResult, Statement,
};
use std::collections::BTreeSet;

/// The migration that also writes a row, and the statement that removes it.
const WRITES: (&str, &str) = (
    "m0008_managed_route_told",
    "DELETE FROM provider_runtime WHERE provider_id = 0",
);

/// The schema of a SQLite database, by names.
#[derive(Debug, Default)]
struct Schema {
    tables: BTreeSet<String>,
    indexes: BTreeSet<String>,
    /// Tables and their columns.
    columns: BTreeSet<(String, String)>,
}

/// Removes the remains of the first pending migration.
///
/// # Errors
/// A table of it with rows: no interrupted start leaves any, so they are not deleted.
pub(crate) async fn take_back(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    let here = Schema::read(tx).await?;
    if here.tables.iter().all(|table| table == "seaql_migrations") {
        return Ok(());
    }
    let pending = Migrator::get_pending_migrations_read_only(tx).await?;
    let Some(migration) = pending.first() else {
        return Ok(());
    };
    let made = made_by(migration.name()).await?;
    let left = made.also_in(&here);
    if left.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        migration = migration.name(),
        tables = ?left.tables,
        indexes = ?left.indexes,
        columns = ?left.columns,
        "an earlier start was interrupted in the middle of this migration; what it had made is taken back"
    );
    for table in &left.tables {
        let filled = Statement::from_string(
            tx.get_database_backend(),
            format!(r#"SELECT 1 AS one FROM "{table}" LIMIT 1"#),
        );
        if tx.query_one_raw(filled).await?.is_some() {
            return Err(DbErr::Migration(format!(
                "the table `{table}` exists and holds rows, though the migration `{}` that makes it was never \
                 completed; restore a backup, or start with an empty data folder",
                migration.name()
            )));
        }
    }
    for index in &left.indexes {
        tx.execute_unprepared(&format!(r#"DROP INDEX "{index}""#)).await?;
    }
    for table in &left.tables {
        tx.execute_unprepared(&format!(r#"DROP TABLE "{table}""#)).await?;
    }
    for (table, column) in left.columns.iter().filter(|(table, _)| !left.tables.contains(table)) {
        tx.execute_unprepared(&format!(r#"ALTER TABLE "{table}" DROP COLUMN "{column}""#))
            .await?;
    }
    if migration.name() == WRITES.0 {
        tx.execute_unprepared(WRITES.1).await?;
    }
    Ok(())
}

/// The schema elements that this migration adds.
async fn made_by(migration: &str) -> Result<Schema, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let model = Database::connect(options).await?;
    for one in Migrator::migrations() {
        let before = Schema::read(&model).await?;
        Migrator::up(&model, Some(1)).await?;
        if one.name() == migration {
            let after = Schema::read(&model).await?;
            model.close().await?;
            return Ok(after.without(&before));
        }
    }
    Err(DbErr::Migration(format!("there is no migration `{migration}`")))
}

impl Schema {
    async fn read<C: ConnectionTrait>(db: &C) -> Result<Self, DbErr> {
        let mut schema = Self::default();
        let objects = "SELECT type AS kind, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'";
        for row in rows(db, objects).await? {
            let name: String = row.try_get("", "name")?;
            match row.try_get::<String>("", "kind")?.as_str() {
                "table" => schema.tables.insert(name),
                "index" => schema.indexes.insert(name),
                _ => false,
            };
        }
        let columns = "SELECT owner.name AS owner, info.name AS name FROM sqlite_master AS owner, \
                       pragma_table_info(owner.name) AS info \
                       WHERE owner.type = 'table' AND owner.name NOT LIKE 'sqlite_%'";
        for row in rows(db, columns).await? {
            schema
                .columns
                .insert((row.try_get("", "owner")?, row.try_get("", "name")?));
        }
        Ok(schema)
    }

    fn without(&self, other: &Self) -> Self {
        Self {
            tables: &self.tables - &other.tables,
            indexes: &self.indexes - &other.indexes,
            columns: &self.columns - &other.columns,
        }
    }

    fn also_in(&self, other: &Self) -> Self {
        Self {
            tables: &self.tables & &other.tables,
            indexes: &self.indexes & &other.indexes,
            columns: &self.columns & &other.columns,
        }
    }

    fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.indexes.is_empty() && self.columns.is_empty()
    }
}

async fn rows<C: ConnectionTrait>(db: &C, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::apply;
    use sea_orm_migration::sea_orm::DatabaseConnection;

    /// An empty database in memory.
    pub(crate) async fn memory() -> DatabaseConnection {
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }

    /// The schema as SQL.
    pub(crate) async fn schema(db: &DatabaseConnection) -> BTreeSet<(String, String)> {
        let sql = "SELECT name, COALESCE(sql, '') AS sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'";
        let found = rows(db, sql).await.unwrap();
        found
            .iter()
            .map(|row| (row.try_get("", "name").unwrap(), row.try_get("", "sql").unwrap()))
            .collect()
    }

    async fn run(db: &DatabaseConnection, sql: &str) {
        db.execute_unprepared(sql).await.unwrap();
    }

    #[tokio::test]
    async fn a_first_start_that_was_killed_anywhere_is_taken_up() {
        let whole = memory().await;
        apply::apply(&whole).await.unwrap();
        for pages in (2..200).step_by(3) {
            let db = memory().await;
            run(&db, &format!("PRAGMA max_page_count = {pages}")).await;
            // As before transactions: each statement by itself.
            let done = Migrator::up(&db, None).await.is_ok();
            run(&db, "PRAGMA max_page_count = 100000").await;
            apply::apply(&db).await.unwrap();
            assert_eq!(schema(&db).await, schema(&whole).await, "{pages} pages");
            if done {
                assert!(pages > 20);
                return;
            }
        }
        panic!("200 pages are enough for all of them");
    }

    #[tokio::test]
    async fn an_update_that_was_killed_keeps_what_was_there() {
        let whole = memory().await;
        apply::apply(&whole).await.unwrap();
        // Migrations that were applied, and statements of the next one that had run.
        let interrupted: &[(u32, &[&str])] = &[
            (5, &["CREATE TABLE suspensions (team_id BIGINT)"]),
            (
                5,
                &[
                    "CREATE INDEX attempts__provider_message ON attempts (provider_message_id)",
                    "ALTER TABLE stats_hourly ADD COLUMN recipients INTEGER NOT NULL DEFAULT 0",
                    "ALTER TABLE stats_hourly ADD COLUMN bounced INTEGER NOT NULL DEFAULT 0",
                ],
            ),
            (
                7,
                &[
                    "ALTER TABLE provider_runtime ADD COLUMN health_of BIGINT",
                    "INSERT INTO provider_runtime (provider_id, usage, health, version) VALUES (0, '{}', '{}', 1)",
                ],
            ),
            (8, &["ALTER TABLE lanes ADD COLUMN hasten_at BIGINT NOT NULL DEFAULT 0"]),
        ];
        for (applied, statements) in interrupted {
            let db = memory().await;
            Migrator::up(&db, Some(*applied)).await.unwrap();
            run(
                &db,
                "INSERT INTO lanes (team_id, mode, scope, targets) VALUES (7, 'live', 'all', '')",
            )
            .await;
            run(
                &db,
                "INSERT INTO provider_runtime (provider_id, usage, health, version) VALUES (7, '{}', '{}', 1)",
            )
            .await;
            for statement in *statements {
                run(&db, statement).await;
            }
            assert!(Migrator::up(&db, None).await.is_err(), "{statements:?} are in the way");
            // The remains of the failed attempt are in the way as well, as after several starts.
            apply::apply(&db).await.unwrap();
            assert_eq!(
                names(&schema(&db).await),
                names(&schema(&whole).await),
                "after {statements:?}"
            );
            for (table, count) in [("lanes", 1), ("provider_runtime", 2)] {
                let kept = rows(&db, &format!("SELECT 1 AS one FROM {table}")).await.unwrap();
                assert_eq!(kept.len(), count, "{table} after {statements:?}");
            }
        }
    }

    fn names(schema: &BTreeSet<(String, String)>) -> Vec<&str> {
        schema.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[tokio::test]
    async fn rows_are_never_thrown_away() {
        let db = memory().await;
        run(&db, "CREATE TABLE users (id INTEGER PRIMARY KEY)").await;
        run(&db, "INSERT INTO users (id) VALUES (1)").await;
        let error = apply::apply(&db).await.unwrap_err().to_string();
        assert!(error.contains("`users`") && error.contains("backup"), "{error}");
        assert_eq!(rows(&db, "SELECT id FROM users").await.unwrap().len(), 1);
    }
}
