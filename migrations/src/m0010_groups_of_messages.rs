//! Delivery groups named by a message, group ids with the prefix of the published interface, and variables of
//! providers.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMN: &str = "delivery_groups";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();

        // Public ids of the groups that narrowed the scope of this message, joined by commas; null when it named none.
        // They stay when a group is deleted.
        manager
            .alter_table(
                Table::alter()
                    .table(name("messages"))
                    .add_column(text_null(COLUMN))
                    .to_owned(),
            )
            .await?;

        // Separate from the providers, which routing reads often: variables may be 200 KB each.
        manager
            .create_table(table(
                "provider_variables",
                // Names and texts (JSON).
                [own_id(backend, "provider_id"), text("variables")],
            ))
            .await?;

        // Ids with `grp_…` are still accepted: see `sendmux_domain::ids::group`.
        manager
            .get_connection()
            .execute_unprepared(
                "UPDATE delivery_groups SET public_id = 'd' || public_id WHERE substr(public_id, 1, 4) = 'grp_'",
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared(
                "UPDATE delivery_groups SET public_id = substr(public_id, 2) WHERE substr(public_id, 1, 5) = 'dgrp_'",
            )
            .await?;
        drop_tables(manager, &["provider_variables"]).await?;
        manager
            .alter_table(
                Table::alter()
                    .table(name("messages"))
                    .drop_column(name(COLUMN))
                    .to_owned(),
            )
            .await
    }
}
