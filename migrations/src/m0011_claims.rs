//! The claim of a lease: a settlement that is repeated, because the answer to its commit was lost, must not end a newer
//! lease of the same node.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Made by the node, different for each claim; null while the message is not leased.
        let column = big_null("claim_id");
        manager
            .alter_table(Table::alter().table(name("queue")).add_column(column).to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table(name("queue"))
                    .drop_column(name("claim_id"))
                    .to_owned(),
            )
            .await
    }
}
