//! Messages that wait are looked at before their time when what they wait for has opened or is gone. There may be a
//! million of them: a change of the configuration marks their lanes, and the engine does the rest, some at a turn.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// When the messages of a lane were last asked to be made due, and up to which of those times they were.
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
