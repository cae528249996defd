//! The permission to change keys, apart from that to change the rest of the configuration.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMN: &str = "keys_write";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A column of its own: nodes of the version before, which still run, cannot read a permission that they do not know.
        manager
            .alter_table(
                Table::alter()
                    .table(name("api_keys"))
                    .add_column(flag(COLUMN))
                    .to_owned(),
            )
            .await?;
        // Until now `manage` gave it: keys that there are keep it.
        manager
            .get_connection()
            .execute_unprepared(
                "UPDATE api_keys SET keys_write = TRUE WHERE ',' || permissions || ',' LIKE '%,manage,%'",
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table(name("api_keys"))
                    .drop_column(name(COLUMN))
                    .to_owned(),
            )
            .await
    }
}
