//! People, teams, their sessions, API keys, and the audit log.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &[
    "users",
    "teams",
    "memberships",
    "invitations",
    "user_tokens",
    "sessions",
    "sign_in_failures",
    "api_keys",
    "rate_windows",
    "audit_log",
    "settings",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();

        manager
            .create_table(table(
                "users",
                [
                    auto_id(),
                    text("public_id"),
                    text("email"),
                    // Lower-cased, for sign-in and uniqueness.
                    text("email_key"),
                    text("name"),
                    text("password_hash"),
                    flag("is_operator"),
                    big_null("email_verified_at"),
                    big("created_at"),
                    big_null("disabled_at"),
                ],
            ))
            .await?;
        index(manager, "users", &["public_id"], true).await?;
        index(manager, "users", &["email_key"], true).await?;

        manager
            .create_table(table(
                "teams",
                [
                    auto_id(),
                    text("public_id"),
                    text("name"),
                    // The local part of the team's address on the managed route.
                    text("slug"),
                    big("created_at"),
                ],
            ))
            .await?;
        index(manager, "teams", &["public_id"], true).await?;
        index(manager, "teams", &["slug"], true).await?;

        manager
            .create_table(keyed_by(
                backend,
                table(
                    "memberships",
                    [big("team_id"), big("user_id"), text("role"), big("created_at")],
                ),
                &["team_id", "user_id"],
            ))
            .await?;
        index(manager, "memberships", &["user_id"], false).await?;

        manager
            .create_table(table(
                "invitations",
                [
                    auto_id(),
                    big("team_id"),
                    text("email"),
                    text("role"),
                    bytes("token_hash"),
                    big("invited_by"),
                    big("created_at"),
                    big("expires_at"),
                    big_null("accepted_at"),
                ],
            ))
            .await?;
        index(manager, "invitations", &["token_hash"], true).await?;
        index(manager, "invitations", &["team_id"], false).await?;

        // One-time links in mails: verifying an address, resetting a password.
        manager
            .create_table(table(
                "user_tokens",
                [
                    auto_id(),
                    big("user_id"),
                    text("purpose"),
                    bytes("token_hash"),
                    big("created_at"),
                    big("expires_at"),
                    big_null("used_at"),
                ],
            ))
            .await?;
        index(manager, "user_tokens", &["token_hash"], true).await?;

        // The primary key is the SHA-256 of the session id, so that a copy of the table opens no session.
        manager
            .create_table(keyed_by(
                backend,
                table("sessions", [text("id"), text("data"), big("expires_at")]),
                &["id"],
            ))
            .await?;
        index(manager, "sessions", &["expires_at"], false).await?;

        manager
            .create_table(keyed_by(
                backend,
                table("sign_in_failures", [text("subject"), big("window_at"), int("failures")]),
                &["subject"],
            ))
            .await?;

        manager
            .create_table(table(
                "api_keys",
                [
                    auto_id(),
                    text("public_id"),
                    big("team_id"),
                    text("name"),
                    text("mode"),
                    // The visible beginning of the key; the rest is only known as its SHA-256.
                    text("prefix"),
                    bytes("hash"),
                    text("permissions"),
                    big("lane_id"),
                    big_null("created_by"),
                    big("created_at"),
                    big_null("last_used_at"),
                    big_null("expires_at"),
                    big_null("revoked_at"),
                ],
            ))
            .await?;
        index(manager, "api_keys", &["public_id"], true).await?;
        index(manager, "api_keys", &["hash"], true).await?;
        index(manager, "api_keys", &["team_id"], false).await?;

        manager
            .create_table({
                let mut create = table("rate_windows", [big("window_at"), int("used")]);
                create.col(own_id(backend, "key_id"));
                create
            })
            .await?;

        manager
            .create_table(table(
                "audit_log",
                [
                    auto_id(),
                    big_null("team_id"),
                    big_null("user_id"),
                    // The actor in words, so that the entry outlives the account: an e-mail address, a key's prefix,
                    // `cli`.
                    text("actor"),
                    text("action"),
                    text("target"),
                    text("detail"),
                    text_null("remote_address"),
                    big("created_at"),
                ],
            ))
            .await?;
        index(manager, "audit_log", &["team_id", "id"], false).await?;

        manager
            .create_table(keyed_by(
                backend,
                table("settings", [text("name"), text("value"), big("updated_at")]),
                &["name"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, TABLES).await
    }
}
