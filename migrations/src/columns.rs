//! Column types that the two databases spell differently, and shorthands for the common ones.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// A name of a table or column. Migrations use plain strings: they record what was done, and must not change with the
/// names in the code.
pub fn name(text: &'static str) -> Alias {
    Alias::new(text)
}

/// A primary key that the database assigns.
pub fn auto_id() -> ColumnDef {
    let mut column = ColumnDef::new(name("id"));
    column.big_integer().not_null().auto_increment().primary_key();
    column
}

/// A primary key that the code assigns. In SQLite only the exact type `INTEGER` makes it the row id itself; anything
/// else would cost a second B-tree.
pub fn own_id(backend: DbBackend, column: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name(column));
    match backend {
        DbBackend::Sqlite => column.custom(name("INTEGER")),
        _ => column.big_integer(),
    };
    column.not_null().primary_key();
    column
}

/// A `BIGINT NOT NULL`.
pub fn big(column: &'static str) -> ColumnDef {
    let mut column = big_null(column);
    column.not_null();
    column
}

/// A `BIGINT` that may be null.
pub fn big_null(column: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name(column));
    column.big_integer();
    column
}

/// An `INTEGER NOT NULL`.
pub fn int(column: &'static str) -> ColumnDef {
    let mut column = int_null(column);
    column.not_null();
    column
}

/// An `INTEGER` that may be null.
pub fn int_null(column: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name(column));
    column.integer();
    column
}

/// A `TEXT NOT NULL`.
pub fn text(column: &'static str) -> ColumnDef {
    let mut column = text_null(column);
    column.not_null();
    column
}

/// A `TEXT` that may be null.
pub fn text_null(column: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name(column));
    column.text();
    column
}

/// A `BOOLEAN NOT NULL`, false by default.
pub fn flag(column: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name(column));
    column.boolean().not_null().default(false);
    column
}

/// Bytes (`BLOB`, `BYTEA`), not null.
pub fn bytes(column: &'static str) -> ColumnDef {
    let mut column = bytes_null(column);
    column.not_null();
    column
}

/// Bytes that may be null.
pub fn bytes_null(column: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name(column));
    column.blob();
    column
}

/// A new table with these columns, in this order.
pub fn table<const N: usize>(table: &'static str, columns: [ColumnDef; N]) -> TableCreateStatement {
    let mut create = Table::create();
    create.table(name(table));
    for column in columns {
        create.col(column);
    }
    create
}

/// Adds a primary key of several columns to a table with large rows: SQLite's manual advises against `WITHOUT ROWID`
/// for rows larger than a twentieth of a page.
pub fn wide_keyed_by(mut create: TableCreateStatement, columns: &[&'static str]) -> TableCreateStatement {
    let mut key = Index::create();
    for column in columns {
        key.col(name(column));
    }
    create.primary_key(&mut key);
    create
}

/// Adds a primary key to a table of small rows. In SQLite the table becomes its own index (`WITHOUT ROWID`): one
/// B-tree, ordered by the key.
pub fn keyed_by(backend: DbBackend, create: TableCreateStatement, columns: &[&'static str]) -> TableCreateStatement {
    let mut create = wide_keyed_by(create, columns);
    if backend == DbBackend::Sqlite {
        create.extra("WITHOUT ROWID");
    }
    create
}

/// Creates an index, named after table and columns.
pub async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
    unique: bool,
) -> Result<(), DbErr> {
    let mut create = Index::create();
    create
        .name(format!("{table}__{}", columns.join("_")))
        .table(name(table));
    for column in columns {
        create.col(name(column));
    }
    if unique {
        create.unique();
    }
    manager.create_index(create).await
}

/// Creates an index over the rows selected by `condition` (SQL that is valid in both databases).
pub async fn partial_index(
    manager: &SchemaManager<'_>,
    index: &str,
    table: &str,
    columns: &str,
    condition: &str,
    unique: bool,
) -> Result<(), DbErr> {
    let unique = if unique { "UNIQUE " } else { "" };
    manager
        .get_connection()
        .execute_unprepared(&format!(
            "CREATE {unique}INDEX {index} ON {table} ({columns}) WHERE {condition}"
        ))
        .await
        .map(|_| ())
}

/// Drops tables in the reverse order of their creation.
pub async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables.iter().rev() {
        manager
            .drop_table(Table::drop().table(name(table)).if_exists().to_owned())
            .await?;
    }
    Ok(())
}
