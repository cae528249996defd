//! A lease names the claim that it was taken with: a settlement that is written once more, since the answer to its commit
//! was lost, must not end a lease that its node has taken anew in the meantime.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Made by the node, another one with each claim; null while nobody holds the message.
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
