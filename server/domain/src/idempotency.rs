//! Idempotency keys: a request that is sent twice is carried out once.
//!
//! The record of a request is written in the transaction that stores its messages, so there is never one without the
//! other, whatever crashes. Its primary key decides between nodes: of two that carry out the same request at the same
//! time one commits; the other finds its key taken, stores nothing, and returns the answer of the first. On one node
//! the second request is answered at once that the first is still in flight.
//!
//! Only answers to accepted requests are recorded: one that was refused can be corrected and sent again under its key.

use crate::Domain;
use crate::db::Transaction;
use crate::entities::idempotency::{ActiveModel, Column, Entity, Model};
use crate::error::Result;
use crate::keys::KeyContext;
use parking_lot::Mutex;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::{Mode, Timestamp, named_enum};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

/// Time for which an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

named_enum! {
    /// Operation of a request. A key cannot be used for two different operations.
    pub enum Operation {
        /// Sending one message.
        Send = "emails.send",
        /// Sending a batch.
        SendBatch = "emails.send_batch",
    }
}

/// An idempotency key, unique in its team and mode. Only a hash of the client's text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct IdempotencyKey {
    team_id: i64,
    mode: Mode,
    key_hash: [u8; 32],
}

/// A request with an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    key: IdempotencyKey,
    operation: Operation,
    body_hash: [u8; 32],
}

impl Request {
    /// A request made with this API key, under this idempotency key. `body` is its body, or a normal form that is equal
    /// for equivalent bodies.
    pub fn new(caller: &KeyContext, idempotency_key: &str, operation: Operation, body: &[u8]) -> Self {
        Self {
            key: IdempotencyKey {
                team_id: caller.team_id,
                mode: caller.mode,
                key_hash: Sha256::digest(idempotency_key.as_bytes()).into(),
            },
            operation,
            body_hash: Sha256::digest(body).into(),
        }
    }

    fn is_that_of(&self, row: &Model) -> bool {
        row.operation == self.operation && row.body_hash == self.body_hash
    }
}

/// The recorded answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, JSON.
    pub body: String,
}

/// Decision about a request with an idempotency key.
#[derive(Debug)]
pub enum Admission<'d> {
    /// Carry it out.
    Fresh(InFlightGuard<'d>),
    /// It was carried out: return the recorded answer.
    Replay(Answer),
    /// It is being carried out now.
    InFlight,
    /// Its key was used for another request.
    Conflict,
}

/// The requests in progress in this process.
#[derive(Default)]
pub struct InFlight(Mutex<HashSet<IdempotencyKey>>);

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").finish_non_exhaustive()
    }
}

/// Guard of a request in flight: other requests with its key are rejected until it is dropped, with or without a
/// record.
#[derive(Debug)]
pub struct InFlightGuard<'d> {
    domain: &'d Domain,
    request: Request,
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        self.domain.in_flight.0.lock().remove(&self.request.key);
    }
}

impl InFlightGuard<'_> {
    /// The record to commit with the messages of the request.
    pub fn record(&self, answer: &Answer) -> Record {
        Record {
            request: self.request,
            answer: answer.clone(),
        }
    }

    /// The outcome of another node's request with the same key, committed while this one was in flight.
    ///
    /// # Errors
    /// The database's.
    pub async fn overtaken(&self) -> Result<Admission<'static>> {
        let found = find(self.domain, &self.request).await?;
        // A record that is already expired is too old to matter: the client tries again.
        Ok(found.map_or(Admission::InFlight, |row| known(&self.request, row)))
    }
}

/// An answer to be stored under its key.
#[derive(Clone, Debug)]
pub struct Record {
    request: Request,
    answer: Answer,
}

/// Decides about a request, and rejects others with its key while it is carried out.
///
/// # Errors
/// The database's.
pub async fn begin<'d>(domain: &'d Domain, request: Request) -> Result<Admission<'d>> {
    if !domain.in_flight.0.lock().insert(request.key) {
        return Ok(Admission::InFlight);
    }
    // From here on the guard ends the flight, whatever happens.
    let guard = InFlightGuard { domain, request };
    Ok(match find(domain, &request).await? {
        Some(row) => known(&request, row),
        None => Admission::Fresh(guard),
    })
}

fn known(request: &Request, row: Model) -> Admission<'static> {
    if request.is_that_of(&row) {
        Admission::Replay(Answer {
            status: u16::try_from(row.status).unwrap_or(500),
            body: row.answer,
        })
    } else {
        Admission::Conflict
    }
}

async fn find(domain: &Domain, request: &Request) -> Result<Option<Model>> {
    let IdempotencyKey {
        team_id,
        mode,
        key_hash,
    } = request.key;
    let row = Entity::find_by_id((team_id, mode, key_hash.to_vec()))
        .filter(Column::ExpiresAt.gt(domain.clock.now()))
        .one(domain.db.read())
        .await?;
    Ok(row)
}

/// Writes records, replacing expired ones with the same keys. Returns false when a key is taken: then the transaction
/// must not be committed.
pub(crate) async fn insert(tx: &Transaction, records: Vec<Record>, now: Timestamp) -> Result<bool> {
    let expected = records.len() as u64;
    if expected == 0 {
        return Ok(true);
    }
    let mut rows: Vec<Record> = records;
    // Always in the same order, to avoid deadlocks between nodes.
    rows.sort_unstable_by_key(|row| (row.request.key.team_id, row.request.key.key_hash));
    let rows = rows.into_iter().map(|Record { request, answer }| ActiveModel {
        team_id: Set(request.key.team_id),
        mode: Set(request.key.mode),
        key_hash: Set(request.key.key_hash.to_vec()),
        operation: Set(request.operation),
        body_hash: Set(request.body_hash.to_vec()),
        status: Set(i32::from(answer.status)),
        answer: Set(answer.body),
        expires_at: Set(now.plus(KEPT)),
    });
    let over_expired = OnConflict::columns([Column::TeamId, Column::Mode, Column::KeyHash])
        .update_columns([
            Column::Operation,
            Column::BodyHash,
            Column::Status,
            Column::Answer,
            Column::ExpiresAt,
        ])
        .action_and_where(Expr::col((Entity, Column::ExpiresAt)).lte(now))
        .to_owned();
    let written = Entity::insert_many(rows)
        .on_conflict(over_expired)
        .exec_without_returning(tx)
        .await?;
    Ok(written == expected)
}

/// Records removed in one transaction.
const SWEPT_AT_ONCE: u64 = 1_000;

/// Removes expired records and returns their number. To be called every few minutes; only the size of the table depends
/// on it.
///
/// # Errors
/// The database's.
pub async fn sweep(domain: &Domain) -> Result<u64> {
    let now = domain.clock.now();
    let mut swept = 0;
    loop {
        let expired: Vec<(i64, Mode, Vec<u8>)> = Entity::find()
            .select_only()
            .columns([Column::TeamId, Column::Mode, Column::KeyHash])
            .filter(Column::ExpiresAt.lte(now))
            .limit(SWEPT_AT_ONCE)
            .into_tuple()
            .all(domain.db.read())
            .await?;
        let full = expired.len() as u64 == SWEPT_AT_ONCE;
        let tx = domain.db.begin().await?;
        for key in expired {
            // Checked again: the key may have been reused since it was read.
            let deleted = Entity::delete_by_id(key)
                .filter(Column::ExpiresAt.lte(now))
                .exec(&tx)
                .await?;
            swept += deleted.rows_affected;
        }
        tx.commit().await?;
        if !full {
            return Ok(swept);
        }
    }
}

#[cfg(test)]
mod tests;
