//! Group commit: messages accepted at the same time share one transaction and so one sync of the disk.
//!
//! While a transaction is being committed, new messages gather; the next one takes them all. Nothing waits for a batch
//! to fill: a lone message is committed at once.

use super::{Committed, content};
use crate::batch::insert;
use crate::clock::SharedClock;
use crate::db::{CommitFailure, Db, DbBackend, Transaction};
use crate::entities::{content_chunks, messages, queue, recipients};
use crate::error::{Error, Result};
use crate::idempotency;
use crate::signals::Signals;
use crate::stats::{self, HourlyCounts};
use bytes::Bytes;
use sea_orm::{EntityTrait, QuerySelect};
use sendmux_rules::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Rows that are committed together or not at all: the messages of one request, and the record of its answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    pub(super) messages: Vec<Rows>,
    pub(super) record: Option<idempotency::Record>,
}

impl Unit {
    fn bytes(&self) -> usize {
        let contents = self.messages.iter().flat_map(|message| &message.content);
        contents.map(Bytes::len).sum()
    }
}

/// The rows of one message.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) id: i64,
    pub(super) team_id: i64,
    pub(super) lane_id: i64,
    pub(super) live: bool,
    pub(super) due_at: Timestamp,
    pub(super) message: messages::ActiveModel,
    pub(super) recipients: Vec<recipients::ActiveModel>,
    /// The content, unless it was stored ahead.
    pub(super) content: Option<Bytes>,
    pub(super) queue: queue::ActiveModel,
}

/// Commits units in groups.
#[derive(Debug)]
pub(crate) struct Committer {
    db: Db,
    clock: SharedClock,
    signals: Arc<Signals>,
    sender: OnceLock<mpsc::Sender<PendingUnit>>,
}

/// A unit that waits for its commit, and the channel for the result.
#[derive(Debug)]
struct PendingUnit {
    unit: Unit,
    answer: oneshot::Sender<Result<Committed>>,
}

/// Limits of one transaction, and of the units that wait for the next; further ones wait at their own connection.
const BATCH_MESSAGES: usize = 500;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
const WAITING: usize = 2_000;

/// Delays between the attempts to look up a commit whose answer was lost. The clients wait as long.
const ASK_AGAIN_AFTER: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

impl Committer {
    pub(crate) fn new(db: Db, clock: SharedClock, signals: Arc<Signals>) -> Self {
        Self {
            db,
            clock,
            signals,
            sender: OnceLock::new(),
        }
    }

    /// Commits a unit; returns once it is on disk.
    pub(super) async fn commit(&self, unit: Unit) -> Result<Committed> {
        let (answer, answered) = oneshot::channel();
        let gone = || Error::Unavailable("the server is shutting down".to_owned());
        self.sender()
            .send(PendingUnit { unit, answer })
            .await
            .map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// The task starts with the first message, so that a `Domain` of the command line has none.
    fn sender(&self) -> &mpsc::Sender<PendingUnit> {
        self.sender.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(WAITING);
            let worker = Worker {
                db: self.db.clone(),
                clock: self.clock.clone(),
                signals: self.signals.clone(),
            };
            tokio::spawn(worker.run(receiver));
            sender
        })
    }
}

struct Worker {
    db: Db,
    clock: SharedClock,
    signals: Arc<Signals>,
}

impl Worker {
    async fn run(self, mut receiver: mpsc::Receiver<PendingUnit>) {
        while let Some(first) = receiver.recv().await {
            // Tasks that are ready run first, and some of them add a message to this batch. On an idle machine this
            // takes no time; on a busy one fewer and larger transactions help.
            tokio::task::yield_now().await;
            let (mut messages, mut bytes) = (first.unit.messages.len(), first.unit.bytes());
            let mut group = vec![first];
            while messages < BATCH_MESSAGES && bytes < BATCH_BYTES {
                let Ok(next) = receiver.try_recv() else { break };
                messages += next.unit.messages.len();
                bytes += next.unit.bytes();
                group.push(next);
            }
            self.commit_group(group).await;
        }
    }

    async fn commit_group(&self, group: Vec<PendingUnit>) {
        if group.len() > 1 {
            let units: Vec<Unit> = group.iter().map(|waiting| waiting.unit.clone()).collect();
            match self.store(units).await {
                Ok(Committed::Stored) => {
                    for waiting in group {
                        self.answer(waiting, Committed::Stored);
                    }
                    return;
                }
                // One of them lost a race for its key; the units are tried one by one to find it.
                Ok(Committed::KeyTaken) => {}
                Err(error @ Error::DatabaseUnavailable(_)) => {
                    // Each would fail the same way, and every attempt may take as long as connecting may.
                    tracing::warn!(%error, units = group.len(), "group commit failed");
                    for waiting in group {
                        drop(waiting.answer.send(Err(error.shared())));
                    }
                    return;
                }
                Err(error) => tracing::warn!(%error, units = group.len(), "group commit failed; trying one by one"),
            }
        }
        for waiting in group {
            match self.store(vec![waiting.unit.clone()]).await {
                Ok(committed) => self.answer(waiting, committed),
                // The caller may have gone away; then no client got the answer `queued`.
                Err(error) => drop(waiting.answer.send(Err(error))),
            }
        }
    }

    /// Writes units in one transaction. A commit whose answer is lost is not a failure: it is looked up first, since a
    /// message that is refused here must not be delivered.
    async fn store(&self, units: Vec<Unit>) -> Result<Committed> {
        let mut failed = match self.write(units.clone()).await {
            Ok(committed) => return Ok(committed),
            Err(CommitFailure::RolledBack(error)) => return Err(error),
            Err(CommitFailure::Unknown(error)) => error,
        };
        if self.db.backend() == DbBackend::Sqlite {
            // A failed COMMIT ends the transaction with its connection, so the database already shows the result.
            return match self.is_stored(&units).await? {
                true => Ok(Committed::Stored),
                false => Err(failed),
            };
        }
        tracing::warn!(error = %failed, units = units.len(), "the answer to a commit was lost; looking what became of it");
        for wait in ASK_AGAIN_AFTER {
            tokio::time::sleep(wait).await;
            failed = match self.store_once(&units).await {
                Ok(committed) => return Ok(committed),
                Err(error) => error,
            };
        }
        tracing::error!(error = %failed, units = units.len(), "it is not known whether these messages were stored");
        Err(failed)
    }

    /// Writes units that may have been written already. While the commit in question is still in progress, PostgreSQL
    /// holds this up at the first row that both write.
    async fn store_once(&self, units: &[Unit]) -> Result<Committed> {
        if self.is_stored(units).await? {
            return Ok(Committed::Stored);
        }
        match self.write(units.to_vec()).await {
            // The key may have been taken by that very commit.
            Ok(Committed::KeyTaken) if self.is_stored(units).await? => Ok(Committed::Stored),
            Ok(committed) => Ok(committed),
            Err(failure) => Err(failure.into()),
        }
    }

    /// True if the transaction with these units was committed: all of it was, or nothing.
    async fn is_stored(&self, units: &[Unit]) -> Result<bool> {
        let Some(first) = units.iter().flat_map(|unit| &unit.messages).next() else {
            return Ok(false);
        };
        let found: Option<i64> = messages::Entity::find_by_id(first.id)
            .select_only()
            .column(messages::Column::Id)
            .into_tuple()
            .one(self.db.read())
            .await?;
        Ok(found.is_some())
    }

    fn answer(&self, waiting: PendingUnit, committed: Committed) {
        drop(waiting.answer.send(Ok(committed)));
        if committed != Committed::Stored {
            return;
        }
        // The messages of a request share its lane, so one signal is enough.
        let mut told = None;
        for message in &waiting.unit.messages {
            if told != Some((message.lane_id, message.due_at)) {
                told = Some((message.lane_id, message.due_at));
                self.signals
                    .message_arrived(message.lane_id, message.team_id, message.due_at);
            }
        }
    }

    async fn write(&self, units: Vec<Unit>) -> Result<Committed, CommitFailure> {
        let now = self.clock.now();
        let (mut records, mut messages) = (Vec::new(), Vec::new());
        for unit in units {
            records.extend(unit.record);
            messages.extend(unit.messages);
        }
        let tx = match self.fill(records, messages, now).await {
            Ok(Some(tx)) => tx,
            Ok(None) => return Ok(Committed::KeyTaken),
            Err(error) => return Err(CommitFailure::RolledBack(error)),
        };
        tx.try_commit().await?;
        Ok(Committed::Stored)
    }

    /// Fills a transaction with all units, to be committed; `None` when an idempotency key is taken.
    async fn fill(
        &self,
        records: Vec<idempotency::Record>,
        messages: Vec<Rows>,
        now: Timestamp,
    ) -> Result<Option<Transaction>> {
        let tx = self.db.begin().await?;
        // First, since it may make the rest unnecessary.
        if !idempotency::insert(&tx, records, now).await? {
            tx.rollback().await?;
            return Ok(None);
        }
        insert_messages(&tx, now, messages).await?;
        Ok(Some(tx))
    }
}

/// Writes messages, and counts them.
pub(super) async fn insert_messages(tx: &Transaction, now: Timestamp, all: Vec<Rows>) -> Result<()> {
    let mut counts: HashMap<stats::CountsKey, HourlyCounts> = HashMap::new();
    let (mut message_rows, mut recipient_rows, mut chunks, mut queue_rows) = (vec![], vec![], vec![], vec![]);
    for message in all {
        if message.live {
            let key = stats::CountsKey::of_team(message.team_id, now);
            counts.entry(key).or_default().accepted += 1;
        }
        chunks.extend(message.content.map(|content| content::chunk(message.id, 0, &content)));
        message_rows.push(message.message);
        recipient_rows.extend(message.recipients);
        queue_rows.push(message.queue);
    }
    insert::<messages::Entity, _>(tx, message_rows).await?;
    insert::<recipients::Entity, _>(tx, recipient_rows).await?;
    insert::<content_chunks::Entity, _>(tx, chunks).await?;
    insert::<queue::Entity, _>(tx, queue_rows).await?;
    stats::add(tx, counts).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::LostCommit;
    use crate::keys::Scope;
    use crate::routing::tests::{key, submit};
    use crate::testing::databases;
    use sea_orm::PaginatorTrait;

    #[tokio::test]
    async fn a_commit_whose_answer_is_lost_is_looked_up_before_it_is_refused() {
        for test in databases().await {
            let session = test.owner("Acme").await;
            let secret = key(&test, &session, "key", Scope::All).await.secret;
            let send = async || submit(&test, &secret).await;
            let stored = async || messages::Entity::find().count(test.db.read()).await.unwrap();
            test.db.lose_commits([Some(LostCommit::After)]);
            send().await.unwrap();
            assert_eq!(stored().await, 1);
            test.db.lose_commits([Some(LostCommit::Before)]);
            let answer = send().await;
            // On PostgreSQL it is written again, since only the connection failed.
            assert_eq!(answer.is_ok(), test.db.backend() == DbBackend::Postgres, "{answer:?}");
            assert_eq!(stored().await, 1 + u64::from(answer.is_ok()));
        }
    }
}
