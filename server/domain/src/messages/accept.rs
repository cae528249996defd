//! Accepting a message: it is `queued` only once it is committed to disk with everything needed to deliver it.

use super::committer::{Rows, Unit, insert_messages};
use super::content;
use crate::column::{Joined, Json};
use crate::db::Transaction;
use crate::error::{Error, Result};
use crate::idempotency;
use crate::ids::IdKind;
use crate::keys::{KeyContext, Narrowed};
use crate::queue::StoredProgress;
use crate::routing::check_deliverable;
use crate::{Domain, entities};
use bytes::Bytes;
use sea_orm::ActiveValue::{NotSet, Set};
use sendmux_rules::{MessageStatus, Mode, RecipientStatus, Timestamp, named_enum};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

/// A message from the HTTP API or the SMTP listener: valid, built, and not yet stored.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The message's public id, from [`new_message_id`]: made first, since the Message-ID header carries it.
    pub public_id: String,
    /// The key it was sent with.
    pub key: Arc<KeyContext>,
    /// Interface that it came through.
    pub source: Source,
    /// Details of its origin.
    pub origin: Origin,
    /// The subject, decoded, for lists and search.
    pub subject: String,
    /// The address in From.
    pub from_email: String,
    /// The name in From; may be empty.
    pub from_name: String,
    /// Reverse-path for bounces; `None` for the null reverse-path `<>` (RFC 5321 section 4.5.5).
    pub return_path: Option<String>,
    /// The Message-ID header, with its angle brackets.
    pub header_message_id: String,
    /// All recipients; each address once.
    pub recipients: Vec<NewRecipient>,
    /// The raw message: CRLF lines, without Bcc.
    pub content: Bytes,
    /// True if it needs SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
}

/// A recipient of a new message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecipient {
    /// Field of the request that named it.
    pub field: RecipientField,
    /// The address for the envelope.
    pub address: String,
    /// The display name; may be empty.
    pub name: String,
}

named_enum! {
    /// Field of the request that named a recipient.
    pub enum RecipientField {
        /// In `to`.
        To = "to",
        /// In `cc`.
        Cc = "cc",
        /// In `bcc`.
        Bcc = "bcc",
        /// Only in the SMTP envelope.
        Envelope = "envelope",
    }
}

named_enum! {
    /// Interface that a message came through.
    pub enum Source {
        /// The HTTP API.
        Http = "http",
        /// SMTP submission.
        Smtp = "smtp",
        /// The installation itself: verification mails, alerts.
        System = "system",
    }
}

/// Origin of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_address: Option<String>,
    /// Id of the request (`req_…`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Version of TLS of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
}

/// Receipt of a message that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The message's public id.
    pub message_id: String,
}

/// Generates a public id for a message to be submitted.
pub fn new_message_id() -> String {
    IdKind::Message.generate()
}

/// Result of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The messages are on disk.
    Stored,
    /// Nothing was stored: the idempotency key was taken meanwhile.
    KeyTaken,
}

/// Most bytes of content that one request writes in the transaction that accepts it.
const INLINE_BYTES: usize = 1024 * 1024;

/// Messages of one request, which are accepted together, in one commit.
#[derive(Debug)]
pub struct Intake<'d> {
    domain: &'d Domain,
    unit: Unit,
    inline: usize,
    /// Counted once they are accepted.
    counted: Vec<(Source, Mode)>,
    began: Instant,
}

impl<'d> Intake<'d> {
    /// An intake without messages.
    pub fn new(domain: &'d Domain) -> Self {
        Self {
            domain,
            unit: Unit::default(),
            inline: 0,
            counted: Vec::new(),
            began: Instant::now(),
        }
    }

    /// True if no message was added: then the request accepts nothing.
    pub fn is_empty(&self) -> bool {
        self.unit.messages.is_empty()
    }

    /// Checks that a message can ever be delivered, and adds it to the commit. Nothing is accepted before the commit.
    ///
    /// # Errors
    /// [`Error::NoActiveProviders`] and [`Error::NeverDeliverable`] when waiting would be useless; [`Error::Forbidden`]
    /// while a live message waits for the team's owner to verify their address; [`Error::Invalid`] when it has no
    /// recipient; otherwise errors of the database. The other messages are not affected.
    pub async fn add(&mut self, submission: Submission) -> Result<Accepted> {
        self.put(submission, None, None).await
    }

    /// [`Intake::add`] for a message that may name some of the delivery groups in the scope of its key.
    ///
    /// # Errors
    /// Those of [`Intake::add`].
    pub async fn add_within(&mut self, submission: Submission, narrowed: Option<&Narrowed>) -> Result<Accepted> {
        self.put(submission, narrowed, None).await
    }

    /// [`Intake::add_within`] for a resent message; `resend_of` is the database id of the original.
    pub(super) async fn put(
        &mut self,
        submission: Submission,
        narrowed: Option<&Narrowed>,
        resend_of: Option<i64>,
    ) -> Result<Accepted> {
        let domain = self.domain;
        if submission.recipients.is_empty() {
            return Err(Error::field("to", "required", "a message needs at least one recipient"));
        }
        let lane_id = narrowed.map_or(submission.key.lane_id, |narrowed| narrowed.lane_id);
        let pool = domain.routes.pool(domain, lane_id).await?;
        let recipients = u32::try_from(submission.recipients.len()).unwrap_or(u32::MAX);
        check_deliverable(&pool, submission.content.len() as u64, recipients)?;

        let id = domain.row_ids.next(domain.clock.now());
        let size = submission.content.len();
        // A batch of many small contents must not delay others either.
        let inline = size <= content::CHUNK_BYTES && self.inline + size <= INLINE_BYTES;
        if inline {
            self.inline += size;
        } else {
            content::store_ahead(domain, id, &submission.content).await?;
        }
        let message_id = submission.public_id.clone();
        self.counted.push((submission.source, submission.key.mode));
        let mut rows = rows(domain, id, lane_id, submission, inline);
        rows.message.resend_of = Set(resend_of);
        rows.message.delivery_groups = Set(narrowed.map(|narrowed| Joined(narrowed.groups.clone())));
        self.unit.messages.push(rows);
        Ok(Accepted { message_id })
    }

    /// Stores the messages durably, with the record of the answer to their request, and wakes the delivery engine.
    /// After [`Committed::Stored`] all of them survive a crash; otherwise none is stored.
    ///
    /// # Errors
    /// The database's; [`Error::Unavailable`] while the server shuts down.
    pub async fn commit(mut self, record: Option<idempotency::Record>) -> Result<Committed> {
        self.unit.record = record;
        if self.unit.messages.is_empty() && self.unit.record.is_none() {
            return Ok(Committed::Stored);
        }
        let committed = self.domain.committer.commit(self.unit).await?;
        if committed == Committed::Stored {
            self.domain.metrics.accepted(&self.counted, self.began.elapsed());
        }
        Ok(committed)
    }
}

/// Stores a message durably and wakes the delivery engine. Once this returns, the message survives a crash.
///
/// # Errors
/// Those of [`Intake::add`] and [`Intake::commit`]. After an error nothing of the message is kept.
pub async fn submit(domain: &Domain, submission: Submission) -> Result<Accepted> {
    let mut intake = Intake::new(domain);
    let accepted = intake.add(submission).await?;
    intake.commit(None).await?;
    Ok(accepted)
}

/// A message stored in a transaction of the caller.
#[derive(Debug)]
pub(crate) struct Arrived {
    team_id: i64,
    lane_id: i64,
    due_at: Timestamp,
}

impl Arrived {
    /// Notifies the delivery engine, after the commit.
    pub(crate) fn wake(self, domain: &Domain) {
        domain.signals.message_arrived(self.lane_id, self.team_id, self.due_at);
    }
}

/// Stores a small message in a transaction of the caller, so that it is sent if and only if the change it reports is
/// made. Its content is `sealed` where it holds a secret.
pub(crate) async fn submit_within(
    tx: &Transaction,
    domain: &Domain,
    mut submission: Submission,
    sealed: bool,
) -> Result<Arrived> {
    let now = domain.clock.now();
    let id = domain.row_ids.next(now);
    if sealed {
        submission.content = content::seal(&domain.sealer, id, &submission.content)?;
    }
    let lane_id = submission.key.lane_id;
    let rows = rows(domain, id, lane_id, submission, true);
    let arrived = Arrived {
        team_id: rows.team_id,
        lane_id: rows.lane_id,
        due_at: rows.due_at,
    };
    insert_messages(tx, now, vec![rows]).await?;
    Ok(arrived)
}

fn rows(domain: &Domain, id: i64, lane_id: i64, submission: Submission, inline: bool) -> Rows {
    let now = domain.clock.now();
    let Submission {
        key,
        content,
        recipients,
        ..
    } = submission;
    let size = i32::try_from(content.len()).unwrap_or(i32::MAX);
    let recipient_count = i32::try_from(recipients.len()).unwrap_or(i32::MAX);
    let sender = submission.return_path.as_deref().unwrap_or(&submission.from_email);
    let sender_domain = sender
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain)
        .to_ascii_lowercase();

    let message = entities::messages::ActiveModel {
        id: Set(id),
        public_id: Set(submission.public_id),
        team_id: Set(key.team_id),
        key_id: Set((submission.source != Source::System).then_some(key.key_id)),
        lane_id: Set(lane_id),
        mode: Set(key.mode),
        source: Set(submission.source),
        origin: Set(Json(submission.origin)),
        status: Set(MessageStatus::Queued),
        subject: Set(submission.subject),
        from_email: Set(submission.from_email),
        from_name: Set(submission.from_name),
        return_path: Set(submission.return_path),
        header_message_id: Set(submission.header_message_id),
        size: Set(size),
        recipient_count: Set(recipient_count),
        sent_count: Set(0),
        failed_count: Set(0),
        attempt_count: Set(0),
        smtputf8: Set(submission.smtputf8),
        provider_id: Set(None),
        last_error: Set(None),
        created_at: Set(now),
        scheduled_at: Set(None),
        finished_at: Set(None),
        content_removed_at: Set(None),
        resend_of: Set(None),
        delivery_groups: Set(None),
    };
    let recipients = (0..)
        .zip(recipients)
        .map(|(position, recipient)| entities::recipients::ActiveModel {
            message_id: Set(id),
            position: Set(position),
            team_id: Set(key.team_id),
            field: Set(recipient.field),
            address: Set(recipient.address),
            name: Set(recipient.name),
            status: Set(RecipientStatus::Pending),
            class: NotSet,
            code: NotSet,
            enhanced: NotSet,
            detail: NotSet,
            provider_id: NotSet,
            settled_at: NotSet,
        })
        .collect();
    let queue = entities::queue::ActiveModel {
        message_id: Set(id),
        team_id: Set(key.team_id),
        lane_id: Set(lane_id),
        due_at: Set(now),
        wait_reason: Set(None),
        round: Set(1),
        progress: Set(StoredProgress(None)),
        size: Set(size),
        recipient_count: Set(recipient_count),
        sender_domain: Set(sender_domain),
        lease: Set(None),
        provider_id: Set(None),
        started_at: Set(None),
        charge: Set(None),
        created_at: Set(now),
        claim_id: Set(None),
    };
    Rows {
        id,
        team_id: key.team_id,
        lane_id,
        live: key.mode == Mode::Live,
        due_at: now,
        message,
        recipients,
        content: inline.then_some(content),
        queue,
    }
}
