//! Events, for webhooks and the dashboard.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["events", "webhooks", "webhook_deliveries"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();

        manager
            .create_table(table(
                "events",
                [
                    own_id(backend, "id"),
                    text("public_id"),
                    big("team_id"),
                    text("kind"),
                    big_null("message_id"),
                    big_null("provider_id"),
                    text("data"),
                    big("created_at"),
                ],
            ))
            .await?;
        index(manager, "events", &["team_id", "id"], false).await?;
        partial_index(
            manager,
            "events__of_message",
            "events",
            "message_id",
            "message_id IS NOT NULL",
            false,
        )
        .await?;
        partial_index(
            manager,
            "events__of_provider",
            "events",
            "provider_id, id",
            "provider_id IS NOT NULL",
            false,
        )
        .await?;

        manager
            .create_table(table(
                "webhooks",
                [
                    auto_id(),
                    text("public_id"),
                    big("team_id"),
                    text("url"),
                    // The kinds of event it subscribes to (JSON list).
                    text("kinds"),
                    bytes("secret"),
                    bytes_null("old_secret"),
                    big_null("old_secret_until"),
                    text("status"),
                    big("created_at"),
                    big("updated_at"),
                ],
            ))
            .await?;
        index(manager, "webhooks", &["public_id"], true).await?;
        index(manager, "webhooks", &["team_id"], false).await?;

        manager
            .create_table(table(
                "webhook_deliveries",
                [
                    own_id(backend, "id"),
                    big("webhook_id"),
                    big("event_id"),
                    text("status"),
                    int("attempt_count"),
                    big_null("due_at"),
                    big_null("lease"),
                    int_null("response_code"),
                    text_null("response_body"),
                    big_null("answered_at"),
                    big("created_at"),
                ],
            ))
            .await?;
        index(manager, "webhook_deliveries", &["webhook_id", "id"], false).await?;
        partial_index(
            manager,
            "webhook_deliveries__due",
            "webhook_deliveries",
            "due_at",
            "due_at IS NOT NULL AND lease IS NULL",
            false,
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, TABLES).await
    }
}
