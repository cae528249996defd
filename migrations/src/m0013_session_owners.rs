//! The person of a browser session, and what they recognise it by.

use crate::columns::*;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: &[&str] = &["user_id", "created_at", "last_seen_at", "address", "agent"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // All null in the sessions of visitors, who are not signed in. A column at a time: SQLite adds no more.
        for column in [
            big_null("user_id"),
            big_null("created_at"),
            // At most ten minutes behind.
            big_null("last_seen_at"),
            text_null("address"),
            // The User-Agent field, cut.
            text_null("agent"),
        ] {
            manager
                .alter_table(Table::alter().table(name("sessions")).add_column(column).to_owned())
                .await?;
        }
        index(manager, "sessions", &["user_id"], false).await?;

        // Sessions that there are already: of the person whom their contents name. They end 14 days after they were
        // written last.
        let user = match manager.get_database_backend() {
            DbBackend::Sqlite => "json_extract(data, '$.user')",
            _ => "CAST(data AS json) ->> 'user'",
        };
        let connection = manager.get_connection();
        connection
            .execute_unprepared(&format!(
                "UPDATE sessions SET user_id = (SELECT users.id FROM users WHERE users.public_id = {user})"
            ))
            .await?;
        connection
            .execute_unprepared(
                "UPDATE sessions SET created_at = expires_at - 1209600000, last_seen_at = expires_at - 1209600000 \
                 WHERE user_id IS NOT NULL",
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(
                Index::drop()
                    .name("sessions__user_id")
                    .table(name("sessions"))
                    .to_owned(),
            )
            .await?;
        for column in COLUMNS {
            manager
                .alter_table(
                    Table::alter()
                        .table(name("sessions"))
                        .drop_column(name(column))
                        .to_owned(),
                )
                .await?;
        }
        Ok(())
    }
}
