//! The managed route: notifications of Amazon SES that arrive before their attempt is written, the ids of messages sent
//! in several calls, more feedback in the statistics, and one health for the account that all teams share.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["parked_notices", "split_messages"];
const COUNTS: &[&str] = &["cancelled", "soft_bounced", "rejected"];
const CAME_BACK: &str = "events__came_back";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();

        // Notices about messages that are not known yet. They are tried again until they are known, or too old.
        manager
            .create_table(table(
                "parked_notices",
                [
                    own_id(backend, "id"),
                    big("endpoint_id"),
                    // The notice (JSON).
                    text("notice"),
                    big("received_at"),
                    big("due_at"),
                ],
            ))
            .await?;
        index(manager, "parked_notices", &["due_at"], false).await?;

        // The provider's ids of a message sent in several calls; the id of a single call is in its attempt.
        manager
            .create_table(keyed_by(
                backend,
                table(
                    "split_messages",
                    [text("provider_message_id"), big("provider_id"), big("message_id")],
                ),
                &["provider_message_id", "provider_id"],
            ))
            .await?;
        index(manager, "split_messages", &["message_id"], false).await?;

        // Most events are deliveries; this index finds the few that people look for.
        partial_index(
            manager,
            CAME_BACK,
            "events",
            "team_id, kind, message_id",
            "kind IN ('message.bounced', 'message.complained', 'message.rejected')",
            false,
        )
        .await?;

        for count in COUNTS {
            let mut column = int(count);
            column.default(0);
            manager
                .alter_table(Table::alter().table(name("stats_hourly")).add_column(column).to_owned())
                .await?;
        }

        // The row whose health counts, if not its own: the managed routes of all teams share that of 0.
        manager
            .alter_table(
                Table::alter()
                    .table(name("provider_runtime"))
                    .add_column(big_null("health_of"))
                    .to_owned(),
            )
            .await?;
        for sql in [
            "INSERT INTO provider_runtime (provider_id, usage, health, version) VALUES (0, '{}', '{}', 1)",
            "UPDATE provider_runtime SET health_of = 0, health = '{}', block_kind = NULL, block_until = NULL, \
             pause_until = NULL WHERE provider_id IN (SELECT id FROM providers WHERE kind = 'managed_ses')",
        ] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared("DELETE FROM provider_runtime WHERE provider_id = 0")
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table(name("provider_runtime"))
                    .drop_column(name("health_of"))
                    .to_owned(),
            )
            .await?;
        for count in COUNTS {
            manager
                .alter_table(
                    Table::alter()
                        .table(name("stats_hourly"))
                        .drop_column(name(count))
                        .to_owned(),
                )
                .await?;
        }
        manager
            .drop_index(Index::drop().name(CAME_BACK).table(name("events")).to_owned())
            .await?;
        drop_tables(manager, TABLES).await
    }
}
