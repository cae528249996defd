//! The request of an entry of the audit log, so that it is found in the log of the server, and the other way round.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMN: &str = "request_id";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `req_…`; null for what no request made.
        let column = text_null(COLUMN);
        manager
            .alter_table(Table::alter().table(name("audit_log")).add_column(column).to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table(name("audit_log"))
                    .drop_column(name(COLUMN))
                    .to_owned(),
            )
            .await
    }
}
