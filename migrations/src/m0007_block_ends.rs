//! An index of the times at which blocks end, so that they are found without reading every provider's state.

use crate::columns::partial_index;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const INDEX: &str = "provider_runtime__block_until";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        partial_index(
            manager,
            INDEX,
            "provider_runtime",
            "block_until",
            "block_until IS NOT NULL",
            false,
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(INDEX).to_owned()).await
    }
}
