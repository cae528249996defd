//! Messages, the queue, and attempts.
//!
//! Sized for a million waiting messages and a hundred million old ones: `queue` holds only unfinished messages, so its
//! indexes stay small whatever the history; `messages` is appended in id order and its row is written twice in its
//! life; lists page by id, which is in order of time.

use crate::columns::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &[
    "messages",
    "recipients",
    "content_chunks",
    "queue",
    "attempts",
    "idempotency",
    "sandbox_messages",
    "stats_hourly",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();

        manager
            .create_table(table(
                "messages",
                [
                    own_id(backend, "id"),
                    text("public_id"),
                    big("team_id"),
                    big_null("key_id"),
                    big("lane_id"),
                    text("mode"),
                    // `http`, `smtp` or `system`, and details of the origin (JSON).
                    text("source"),
                    text("origin"),
                    text("status"),
                    text("subject"),
                    text("from_email"),
                    text("from_name"),
                    // Null is the null reverse-path.
                    text_null("return_path"),
                    text("header_message_id"),
                    int("size"),
                    int("recipient_count"),
                    int("sent_count"),
                    int("failed_count"),
                    int("attempt_count"),
                    flag("smtputf8"),
                    // The provider that last accepted it.
                    big_null("provider_id"),
                    text_null("last_error"),
                    big("created_at"),
                    big_null("scheduled_at"),
                    big_null("finished_at"),
                    // Set when retention has removed the content.
                    big_null("content_removed_at"),
                    big_null("resend_of"),
                ],
            ))
            .await?;
        index(manager, "messages", &["public_id"], true).await?;
        index(manager, "messages", &["team_id", "id"], false).await?;
        // Finds rare states among many sent messages.
        partial_index(
            manager,
            "messages__unsent",
            "messages",
            "team_id, status, id",
            "status <> 'sent'",
            false,
        )
        .await?;
        // Finds contents for retention to remove, oldest first.
        partial_index(
            manager,
            "messages__retained",
            "messages",
            "finished_at",
            "finished_at IS NOT NULL AND content_removed_at IS NULL",
            false,
        )
        .await?;

        manager
            .create_table(keyed_by(
                backend,
                table(
                    "recipients",
                    [
                        big("message_id"),
                        int("position"),
                        big("team_id"),
                        // `to`, `cc`, `bcc`, or `envelope` for recipients that are only in the SMTP envelope.
                        text("field"),
                        text("address"),
                        text("name"),
                        text("status"),
                        text_null("class"),
                        int_null("code"),
                        text_null("enhanced"),
                        text_null("detail"),
                        big_null("provider_id"),
                        big_null("settled_at"),
                    ],
                ),
                &["message_id", "position"],
            ))
            .await?;
        index(manager, "recipients", &["team_id", "address", "message_id"], false).await?;

        // The raw message in chunks, in order. A small one is one chunk, written with the message; the chunks of a
        // large one are written before the commit of the message.
        manager
            .create_table(wide_keyed_by(
                table("content_chunks", [big("message_id"), int("position"), bytes("data")]),
                &["message_id", "position"],
            ))
            .await?;

        // Unfinished messages. A row is written when the message is accepted, when it is leased, and when it waits
        // again; it is deleted with the last settlement.
        manager
            .create_table(table(
                "queue",
                [
                    own_id(backend, "message_id"),
                    big("team_id"),
                    big("lane_id"),
                    big("due_at"),
                    // The wait reason known at the time of writing; windows and blocks are derived on reading.
                    text_null("wait_reason"),
                    // Rounds begun, from 1.
                    int("round"),
                    // State of the round (JSON); empty for a message that was never tried.
                    text("progress"),
                    int("size"),
                    int("recipient_count"),
                    text("sender_domain"),
                    // The incarnation that is sending it, the provider, and the start.
                    big_null("lease"),
                    big_null("provider_id"),
                    big_null("started_at"),
                    // The charge to the provider's caps (JSON), for a refund.
                    text_null("charge"),
                    big("created_at"),
                ],
            ))
            .await?;
        partial_index(
            manager,
            "queue__ready",
            "queue",
            "lane_id, due_at, message_id",
            "lease IS NULL",
            false,
        )
        .await?;
        partial_index(manager, "queue__leased", "queue", "lease", "lease IS NOT NULL", false).await?;
        index(manager, "queue", &["team_id", "wait_reason"], false).await?;

        manager
            .create_table(table(
                "attempts",
                [
                    own_id(backend, "id"),
                    text("public_id"),
                    big("message_id"),
                    big("team_id"),
                    big("provider_id"),
                    int("round"),
                    text("class"),
                    text("stage"),
                    int_null("code"),
                    text_null("enhanced"),
                    text("detail"),
                    text_null("provider_message_id"),
                    int("duration_ms"),
                    int("recipient_count"),
                    int("accepted_count"),
                    // The candidates, and the reason why each was left out (JSON).
                    text("choice"),
                    big("started_at"),
                ],
            ))
            .await?;
        index(manager, "attempts", &["message_id", "id"], false).await?;

        manager
            .create_table(keyed_by(
                backend,
                table(
                    "idempotency",
                    [
                        big("team_id"),
                        text("mode"),
                        bytes("key_hash"),
                        text("operation"),
                        bytes("body_hash"),
                        int("status"),
                        text("answer"),
                        big("expires_at"),
                    ],
                ),
                &["team_id", "mode", "key_hash"],
            ))
            .await?;
        index(manager, "idempotency", &["expires_at"], false).await?;

        // Messages captured by the sandbox.
        manager
            .create_table(table(
                "sandbox_messages",
                [
                    own_id(backend, "message_id"),
                    big("team_id"),
                    big("provider_id"),
                    text_null("return_path"),
                    // The envelope's recipients (JSON list).
                    text("recipients"),
                    // Only if it differs from the stored content (the managed route changes the sender).
                    bytes_null("raw"),
                    big("captured_at"),
                ],
            ))
            .await?;
        index(manager, "sandbox_messages", &["team_id", "message_id"], false).await?;

        manager
            .create_table(keyed_by(
                backend,
                table(
                    "stats_hourly",
                    [
                        big("team_id"),
                        big("hour_at"),
                        // 0 for counts without a provider (accepted messages).
                        big("provider_id"),
                        int("accepted"),
                        int("sent"),
                        int("failed"),
                        int("attempts"),
                        int("attempts_failed"),
                    ],
                ),
                &["team_id", "hour_at", "provider_id"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, TABLES).await
    }
}
