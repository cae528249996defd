//! Routing: providers, delivery groups, lanes, and the engine's state of each provider.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &[
    "providers",
    "provider_runtime",
    "sender_refusals",
    "delivery_groups",
    "group_members",
    "lanes",
    "quota_requests",
    "nodes",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();

        manager
            .create_table(table(
                "providers",
                [
                    auto_id(),
                    text("public_id"),
                    big("team_id"),
                    text("kind"),
                    text("name"),
                    text("status"),
                    // Null is unset, which counts as 100 outside groups.
                    int_null("weight"),
                    int_null("cap_second"),
                    int_null("cap_minute"),
                    int_null("cap_hour"),
                    int_null("cap_day"),
                    // Settings to connect (JSON), and secrets, sealed.
                    text("config"),
                    bytes_null("secret"),
                    // Incremented by every change; an edit based on an older version is refused.
                    int("version"),
                    big("created_at"),
                    big("updated_at"),
                    big_null("deleted_at"),
                ],
            ))
            .await?;
        index(manager, "providers", &["public_id"], true).await?;
        index(manager, "providers", &["team_id"], false).await?;

        // One row a provider: usage in the cap windows, health, pause. Checked and charged under its lock.
        manager
            .create_table({
                let mut create = table(
                    "provider_runtime",
                    [
                        text("usage"),
                        text("health"),
                        text_null("block_kind"),
                        big_null("block_until"),
                        big_null("pause_until"),
                        big_null("last_used_at"),
                        text_null("last_test"),
                        big("version"),
                    ],
                );
                create.col(own_id(backend, "provider_id"));
                create
            })
            .await?;

        manager
            .create_table(keyed_by(
                backend,
                table(
                    "sender_refusals",
                    [
                        big("provider_id"),
                        text("sender_domain"),
                        big("refused_until"),
                        text("advice"),
                    ],
                ),
                &["provider_id", "sender_domain"],
            ))
            .await?;

        manager
            .create_table(table(
                "delivery_groups",
                [
                    auto_id(),
                    text("public_id"),
                    big("team_id"),
                    text("name"),
                    big("created_at"),
                    big("updated_at"),
                ],
            ))
            .await?;
        index(manager, "delivery_groups", &["public_id"], true).await?;
        index(manager, "delivery_groups", &["team_id", "name"], true).await?;

        manager
            .create_table(keyed_by(
                backend,
                table(
                    "group_members",
                    [big("group_id"), big("provider_id"), int_null("weight")],
                ),
                &["group_id", "provider_id"],
            ))
            .await?;
        index(manager, "group_members", &["provider_id"], false).await?;

        // A resolved scope. Keys and messages refer to it, so that a message keeps the scope it was accepted with, and
        // waiting messages form few lanes however many they are.
        manager
            .create_table(table(
                "lanes",
                [
                    auto_id(),
                    big("team_id"),
                    text("mode"),
                    text("scope"),
                    // Ascending database ids of the providers or groups, joined by commas; empty for `all`.
                    text("targets"),
                ],
            ))
            .await?;
        index(manager, "lanes", &["team_id", "mode", "scope", "targets"], true).await?;

        manager
            .create_table(table(
                "quota_requests",
                [
                    auto_id(),
                    text("public_id"),
                    big("team_id"),
                    big("provider_id"),
                    big("requested_by"),
                    text("status"),
                    int("current_cap"),
                    int_null("requested_cap"),
                    int_null("granted_cap"),
                    text_null("reason"),
                    text_null("note"),
                    big_null("decided_by"),
                    big_null("decided_at"),
                    big("created_at"),
                ],
            ))
            .await?;
        index(manager, "quota_requests", &["public_id"], true).await?;
        index(manager, "quota_requests", &["team_id", "id"], false).await?;
        partial_index(
            manager,
            "quota_requests__one_pending",
            "quota_requests",
            "team_id",
            "status = 'pending'",
            true,
        )
        .await?;

        // One row an incarnation, which is one start of a node. Leases name it, so that those of a dead one can be
        // taken over.
        manager
            .create_table(table(
                "nodes",
                [
                    auto_id(),
                    text("name"),
                    big("started_at"),
                    big("heartbeat_at"),
                    big_null("stopped_at"),
                ],
            ))
            .await?;
        partial_index(
            manager,
            "nodes__alive",
            "nodes",
            "heartbeat_at",
            "stopped_at IS NULL",
            false,
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, TABLES).await
    }
}
