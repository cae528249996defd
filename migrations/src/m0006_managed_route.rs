//! Suspensions of the managed route, notifications of Amazon SES, and bounces and complaints in the statistics.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["suspensions", "notification_endpoints", "notification_messages"];
const COUNTS: &[&str] = &["recipients", "bounced", "complained"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();

        // The last suspension of a team's managed route; `lifted_at` is null while it lasts.
        manager
            .create_table({
                let mut create = table(
                    "suspensions",
                    [
                        big("team_id"),
                        text("reason"),
                        // Bounces and complaints at that time (JSON).
                        text("feedback"),
                        // Status of the provider before.
                        text("status_before"),
                        big("suspended_at"),
                        big_null("lifted_at"),
                        // Counts of the hour of the lifting until then (JSON), which no longer count.
                        text_null("counted"),
                    ],
                );
                create.col(own_id(backend, "provider_id"));
                create
            })
            .await?;
        partial_index(
            manager,
            "suspensions__standing",
            "suspensions",
            "team_id",
            "lifted_at IS NULL",
            false,
        )
        .await?;

        // Addresses to which Amazon SNS posts feedback: one a provider, and one for the operator's account.
        manager
            .create_table(table(
                "notification_endpoints",
                [
                    auto_id(),
                    // The secret part of the address.
                    text("token"),
                    // 0 for the operator's account.
                    big("provider_id"),
                    // The topic that confirmed its subscription first; notifications of others are ignored.
                    text_null("topic_arn"),
                    big_null("confirmed_at"),
                    big_null("last_received_at"),
                    big("created_at"),
                ],
            ))
            .await?;
        index(manager, "notification_endpoints", &["token"], true).await?;
        index(manager, "notification_endpoints", &["provider_id"], true).await?;

        // Processed notifications, so that repeated ones are recognised.
        manager
            .create_table(keyed_by(
                backend,
                table(
                    "notification_messages",
                    [big("endpoint_id"), text("message_id"), big("received_at")],
                ),
                &["endpoint_id", "message_id"],
            ))
            .await?;
        index(manager, "notification_messages", &["received_at"], false).await?;

        // Only messages sent by an HTTP API: queue ids of SMTP servers are never looked up.
        partial_index(
            manager,
            "attempts__provider_message",
            "attempts",
            "provider_message_id",
            "provider_message_id IS NOT NULL AND stage = 'response'",
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
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
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
            .drop_index(
                Index::drop()
                    .name("attempts__provider_message")
                    .table(name("attempts"))
                    .to_owned(),
            )
            .await?;
        drop_tables(manager, TABLES).await
    }
}
