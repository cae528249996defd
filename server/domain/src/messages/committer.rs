//! Group commit: what is accepted at the same time shares one transaction and so one sync of the disk.
//!
//! While a transaction is being committed, new messages gather; the next one takes them all. Nobody waits for a batch
//! to fill: a lone message is committed at once.

use crate::batch::insert;
use crate::clock::SharedClock;
use crate::db::Db;
use crate::entities::{content_chunks, messages, queue, recipients};
use crate::error::{Error, Result};
use crate::signals::Signals;
use crate::stats::{self, HourlyCounts};
use sendmux_rules::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use tokio::sync::{mpsc, oneshot};

/// The rows of one message.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub(super) team_id: i64,
    pub(super) lane_id: i64,
    pub(super) live: bool,
    pub(super) due_at: Timestamp,
    pub(super) message: messages::ActiveModel,
    pub(super) recipients: Vec<recipients::ActiveModel>,
    pub(super) chunk: Option<content_chunks::ActiveModel>,
    pub(super) queue: queue::ActiveModel,
    pub(super) bytes: usize,
}

/// Commits messages in groups.
#[derive(Debug)]
pub(crate) struct Committer {
    db: Db,
    clock: SharedClock,
    signals: Arc<Signals>,
    sender: OnceLock<mpsc::Sender<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    commit: Commit,
    answer: oneshot::Sender<Result<()>>,
}

/// Bounds of one transaction, and how many may wait for the next: more than that wait at their own connection.
const BATCH_MESSAGES: usize = 500;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
const WAITING: usize = 2_000;

impl Committer {
    pub(crate) fn new(db: Db, clock: SharedClock, signals: Arc<Signals>) -> Self {
        Self {
            db,
            clock,
            signals,
            sender: OnceLock::new(),
        }
    }

    /// Returns once the message is on disk.
    pub(super) async fn commit(&self, commit: Commit) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let gone = || Error::Unavailable("the server is shutting down".to_owned());
        self.sender()
            .send(Waiting { commit, answer })
            .await
            .map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// The task is started with the first message, so that a `Domain` of the command line runs none.
    fn sender(&self) -> &mpsc::Sender<Waiting> {
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
    async fn run(self, mut receiver: mpsc::Receiver<Waiting>) {
        while let Some(first) = receiver.recv().await {
            let mut bytes = first.commit.bytes;
            let mut group = vec![first];
            while group.len() < BATCH_MESSAGES && bytes < BATCH_BYTES {
                let Ok(next) = receiver.try_recv() else { break };
                bytes += next.commit.bytes;
                group.push(next);
            }
            self.commit_group(group).await;
        }
    }

    async fn commit_group(&self, mut group: Vec<Waiting>) {
        if group.len() > 1 {
            let commits: Vec<Commit> = group.iter().map(|waiting| waiting.commit.clone()).collect();
            match self.write(commits).await {
                Ok(()) => {
                    for waiting in group {
                        self.committed(waiting);
                    }
                    return;
                }
                Err(error) => tracing::warn!(%error, messages = group.len(), "group commit failed; trying one by one"),
            }
        }
        for waiting in group.drain(..) {
            match self.write(vec![waiting.commit.clone()]).await {
                Ok(()) => self.committed(waiting),
                // The caller may have gone away; then nobody was told that the message is queued.
                Err(error) => drop(waiting.answer.send(Err(error))),
            }
        }
    }

    fn committed(&self, waiting: Waiting) {
        let Commit {
            lane_id,
            team_id,
            due_at,
            ..
        } = waiting.commit;
        drop(waiting.answer.send(Ok(())));
        self.signals.message_arrived(lane_id, team_id, due_at);
    }

    async fn write(&self, commits: Vec<Commit>) -> Result<()> {
        let hour_at = stats::hour_of(self.clock.now());
        let mut counts: HashMap<stats::Key, HourlyCounts> = HashMap::new();
        let (mut message_rows, mut recipient_rows, mut chunks, mut queue_rows) = (vec![], vec![], vec![], vec![]);
        for commit in commits {
            if commit.live {
                let key = stats::Key {
                    team_id: commit.team_id,
                    hour_at,
                    provider_id: stats::NO_PROVIDER,
                };
                counts.entry(key).or_default().accepted += 1;
            }
            message_rows.push(commit.message);
            recipient_rows.extend(commit.recipients);
            chunks.extend(commit.chunk);
            queue_rows.push(commit.queue);
        }
        let tx = self.db.begin().await?;
        insert::<messages::Entity, _>(&tx, message_rows).await?;
        insert::<recipients::Entity, _>(&tx, recipient_rows).await?;
        insert::<content_chunks::Entity, _>(&tx, chunks).await?;
        insert::<queue::Entity, _>(&tx, queue_rows).await?;
        stats::add(&tx, counts).await?;
        tx.commit().await?;
        Ok(())
    }
}
