//! Mailboxes connected with OAuth: their tokens, and sign-ins in progress.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["mailboxes", "mailbox_sign_ins"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();

        // One row a connected mailbox. Separate from `providers`, so that an edit there cannot write an older token
        // back, and a renewed token is not a change of the provider.
        manager
            .create_table({
                let mut create = table(
                    "mailboxes",
                    [
                        big("team_id"),
                        text("kind"),
                        // The account's id at the identity provider, which stays when the address changes.
                        text("subject"),
                        text("email"),
                        text_null("tenant"),
                        // The granted scopes, separated by spaces; empty when the identity provider did not name them.
                        text("scopes"),
                        // Access and refresh token (JSON), sealed.
                        bytes("tokens"),
                        big("access_expires_at"),
                        // Incremented whenever the tokens are replaced: a renewal of older tokens is not written.
                        big("generation"),
                        big("connected_at"),
                        big("renewed_at"),
                    ],
                );
                create.col(own_id(backend, "provider_id"));
                create
            })
            .await?;
        index(manager, "mailboxes", &["team_id", "kind", "subject"], true).await?;
        index(manager, "mailboxes", &["kind", "subject"], false).await?;

        manager
            .create_table(keyed_by(
                backend,
                table(
                    "mailbox_sign_ins",
                    [
                        // SHA-256 of the state that the browser returns.
                        text("state_hash"),
                        // SHA-256 of a secret of the browser's session: another browser cannot complete the sign-in.
                        text("browser_hash"),
                        text("kind"),
                        big("team_id"),
                        big("user_id"),
                        // The provider that is authorised again; null for a new one.
                        big_null("provider_id"),
                        // PKCE's code verifier, sealed.
                        bytes("verifier"),
                        big("expires_at"),
                    ],
                ),
                &["state_hash"],
            ))
            .await?;
        index(manager, "mailbox_sign_ins", &["expires_at"], false).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, TABLES).await
    }
}
