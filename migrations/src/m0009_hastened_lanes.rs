//! Messages that wait are made due early when their wait is over. There may be a million of them, so a change of the
//! configuration only marks their lanes, and the engine requeues the messages in batches.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Time of the last requeue request for a lane, and the last of those times that was carried out.
const TIMES: [&str; 2] = ["hasten_at", "hastened_at"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for time in TIMES {
            let mut column = big(time);
            column.default(0);
            manager
                .alter_table(Table::alter().table(name("lanes")).add_column(column).to_owned())
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for time in TIMES {
            manager
                .alter_table(Table::alter().table(name("lanes")).drop_column(name(time)).to_owned())
                .await?;
        }
        Ok(())
    }
}
