//! Writes settlements in groups, and sees to it that none is lost while the process lives.
//!
//! A settlement that is not written would leave its message leased until this node dies, and sent again then. So a
//! group that fails is tried one by one, and what fails alone is tried again until the database takes it.

use crate::health;
use crate::heartbeat::Fence;
use sendmux_domain::column::Json;
use sendmux_domain::queue::{self, Disposition, Progress, Recipients, Row, Settlement};
use sendmux_domain::{Domain, Result, Timestamp, nodes};
use sendmux_rules::Mode;
use sendmux_rules::caps::Charge;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::AbortHandle;

const GROUP: usize = 256;
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Queue that attempts leave their settlements in.
#[derive(Clone, Debug)]
pub(crate) struct Settler {
    sender: mpsc::UnboundedSender<Settling>,
    unwritten: Arc<AtomicUsize>,
}

/// A settlement on its way, and the lane that its message goes back to.
#[derive(Clone, Debug)]
pub(crate) struct Settling {
    pub(crate) lane_id: i64,
    /// The provider that it was leased for.
    pub(crate) provider_id: i64,
    /// The domain of the message's sender, for a provider that refuses it.
    pub(crate) sender_domain: String,
    /// The charge for the attempt.
    pub(crate) charge: Option<Charge>,
    pub(crate) settlement: Settlement,
}

impl Settling {
    /// Puts a leased message back of which no attempt began; its charge is given back.
    pub(crate) fn unstarted(row: &Row, provider_id: i64, due_at: Timestamp, error: Option<String>) -> Self {
        Self {
            lane_id: row.lane_id,
            provider_id,
            sender_domain: row.sender_domain.clone(),
            charge: row.charge.clone().map(|Json(charge)| charge),
            settlement: Settlement {
                message_id: row.message_id,
                claim_id: row.claim_id,
                team_id: row.team_id,
                mode: Mode::Live,
                attempt: None,
                recipients: Recipients::Unchanged,
                disposition: Disposition::Queued {
                    due_at,
                    reason: None,
                    progress: Progress::of(row),
                    error,
                },
            },
        }
    }
}

impl Settler {
    /// Starts the task that writes. It ends, and `drained` is notified, when every clone is dropped and all is written.
    pub(crate) fn start(
        domain: Domain,
        fence: Arc<Fence>,
        drained: Arc<Notify>,
        progress: watch::Sender<u64>,
    ) -> (Self, AbortHandle) {
        // Unbounded, since what is under way is bounded by the slots of the providers.
        let (sender, receiver) = mpsc::unbounded_channel();
        let unwritten = Arc::new(AtomicUsize::new(0));
        let counted = unwritten.clone();
        let task = tokio::spawn(async move {
            Worker {
                domain,
                fence,
                progress,
                unwritten: counted,
            }
            .run(receiver)
            .await;
            drained.notify_one();
        });
        (Self { sender, unwritten }, task.abort_handle())
    }

    /// Number of settlements that are not written yet.
    pub(crate) fn unwritten(&self) -> usize {
        self.unwritten.load(Ordering::Relaxed)
    }

    pub(crate) fn settle(&self, settling: Settling) {
        self.unwritten.fetch_add(1, Ordering::Relaxed);
        if self.sender.send(settling).is_err() {
            tracing::error!("a settlement came after the settler had ended");
        }
    }
}

struct Worker {
    domain: Domain,
    fence: Arc<Fence>,
    progress: watch::Sender<u64>,
    unwritten: Arc<AtomicUsize>,
}

impl Worker {
    async fn run(self, mut receiver: mpsc::UnboundedReceiver<Settling>) {
        let mut group = Vec::with_capacity(GROUP);
        let mut held = Vec::new();
        loop {
            let received = if held.is_empty() {
                receiver.recv_many(&mut group, GROUP).await
            } else {
                let clock = &self.domain.clock;
                tokio::select! {
                    received = receiver.recv_many(&mut group, GROUP) => received,
                    () = clock.sleep_until(clock.now().plus(RETRY_AFTER)) => usize::MAX,
                }
            };
            if received == 0 && held.is_empty() {
                return;
            }
            let before = group.len() + held.len();
            // What failed alone goes last, so that it holds up nothing else.
            if !group.is_empty() {
                held.extend(self.write_group(std::mem::take(&mut group)).await);
            }
            if received == 0 || received == usize::MAX {
                held = self.write_each(std::mem::take(&mut held)).await;
            }
            self.unwritten.fetch_sub(before - held.len(), Ordering::Relaxed);
            self.progress.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Writes a group; what cannot be written comes back.
    async fn write_group(&self, group: Vec<Settling>) -> Vec<Settling> {
        match self.write(&group).await {
            Ok(()) => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, settlements = group.len(), "settling failed; trying one by one");
                self.write_each(group).await
            }
        }
    }

    async fn write_each(&self, group: Vec<Settling>) -> Vec<Settling> {
        let mut failed = Vec::new();
        for settling in group {
            let one = [settling];
            if let Err(error) = self.write(&one).await {
                tracing::error!(%error, message = one[0].settlement.message_id, "settling failed; trying again later");
                failed.extend(one);
            }
        }
        failed
    }

    async fn write(&self, group: &[Settling]) -> Result<()> {
        let db = &self.domain.db;
        let now = self.domain.clock.now();
        let settlements = group.iter().map(|settling| settling.settlement.clone()).collect();
        let tx = db.begin().await?;
        let incarnation = self.fence.incarnation();
        if !nodes::is_alive(&tx, db.backend(), incarnation).await? {
            // Others have taken the messages over; what is known here is no longer asked for.
            tracing::error!(
                settlements = group.len(),
                "settlements refused: this node was declared dead"
            );
            return Ok(());
        }
        let refused = queue::settle(&tx, db.backend(), incarnation, now, settlements).await?;
        // What is refused here was settled before, perhaps by a commit whose answer was lost: it counts once.
        let settled = group
            .iter()
            .filter(|settling| !refused.contains(&settling.settlement.message_id));
        let applied = health::apply(&tx, &self.domain, settled, now).await?;
        tx.commit().await?;
        applied.tell(&self.domain);
        if !refused.is_empty() {
            tracing::warn!(
                messages = refused.len(),
                "settlements refused: the messages are no longer leased here"
            );
        }
        for Settling {
            lane_id, settlement, ..
        } in group
        {
            if let Disposition::Queued { due_at, .. } = settlement.disposition {
                self.domain
                    .signals
                    .message_returned(*lane_id, settlement.team_id, due_at);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide;
    use sendmux_domain::clock::Clock;
    use sendmux_domain::keys::Scope;
    use sendmux_domain::messages::Choice;
    use sendmux_domain::queue::{AttemptRecord, Start};
    use sendmux_domain::testing::{TestDomain, databases, smtp_provider};
    use sendmux_domain::{messages, runtime};
    use sendmux_rules::caps::{self, DayRule};
    use sendmux_rules::{IoFault, Outcome, Stage};

    /// A message that is leased to a provider and charged for, and a settlement that gives it back.
    async fn leased(test: &TestDomain, outcome: Option<Outcome>) -> (Worker, Settling) {
        let now = test.clock.now();
        let incarnation = nodes::register(&test.db, "test", now).await.unwrap();
        let session = test.owner("Acme").await;
        let provider_id = smtp_provider(test, &session, "relay").await.id;
        let key = test.sender(&session, Mode::Live, Scope::All).await;
        let lane_id = key.lane_id;
        let submission = messages::Submission {
            public_id: messages::new_message_id(),
            key,
            source: messages::Source::Http,
            origin: messages::Origin::default(),
            subject: "Hello".to_owned(),
            from_email: "sender@example.com".to_owned(),
            from_name: String::new(),
            return_path: None,
            header_message_id: "<1@example.com>".to_owned(),
            recipients: vec![messages::NewRecipient {
                field: messages::RecipientField::To,
                address: "a@example.com".to_owned(),
                name: String::new(),
            }],
            content: "Subject: Hello\r\n\r\nHi.\r\n".into(),
            smtputf8: false,
        };
        messages::submit(test, submission).await.unwrap();

        let tx = test.db.begin().await.unwrap();
        let row = queue::ready(&tx, test.db.backend(), lane_id, now, 1)
            .await
            .unwrap()
            .remove(0);
        let mut runtimes = runtime::lock(&tx, test.db.backend(), [provider_id]).await.unwrap();
        let runtime = runtimes.get_mut(&provider_id).unwrap();
        // One charge of another message, which is to stay.
        caps::charge(&mut runtime.usage, now, 1);
        let charge = caps::charge(&mut runtime.usage, now, 1);
        runtime::save(&tx, runtime).await.unwrap();
        let start = Start {
            message_id: row.message_id,
            provider_id,
            charge: Some(charge.clone()),
            round: None,
        };
        queue::lease(&tx, incarnation, 7, now, &[start]).await.unwrap();
        tx.commit().await.unwrap();

        let settling = Settling {
            lane_id,
            provider_id,
            sender_domain: "example.com".to_owned(),
            charge: Some(charge),
            settlement: Settlement {
                message_id: row.message_id,
                claim_id: Some(7),
                team_id: row.team_id,
                mode: Mode::Live,
                attempt: outcome.map(|outcome| AttemptRecord {
                    id: test.row_ids.next(now),
                    provider_id,
                    round: 1,
                    outcome,
                    detail: None,
                    provider_message_id: None,
                    duration_ms: 1,
                    recipient_count: 1,
                    accepted_count: 0,
                    choice: Choice::default(),
                    started_at: now,
                }),
                recipients: Recipients::Unchanged,
                disposition: Disposition::Queued {
                    due_at: now,
                    reason: None,
                    progress: Progress::of(&row),
                    error: None,
                },
            },
        };
        let worker = Worker {
            domain: test.domain.clone(),
            fence: Arc::new(Fence::new(test, incarnation)),
            progress: watch::Sender::new(0),
            unwritten: Arc::default(),
        };
        (worker, settling)
    }

    async fn state(test: &TestDomain, provider_id: i64) -> (u32, usize) {
        let state = runtime::read(test.db.read(), [provider_id])
            .await
            .unwrap()
            .remove(&provider_id)
            .unwrap();
        let used = state.usage.used(DayRule::Rolling, test.clock.now());
        (used.second, state.health.failures.len())
    }

    #[tokio::test]
    async fn what_is_settled_a_second_time_counts_once() {
        for test in databases().await {
            let refused = Outcome::from_io(Stage::Connect, IoFault::Refused);
            let (worker, settling) = leased(&test, Some(refused)).await;
            let group = [settling];
            // The second time stands for a commit that was made although its answer was lost.
            for _ in 0..2 {
                worker.write(&group).await.unwrap();
                assert_eq!(state(&test, group[0].provider_id).await, (1, 1));
            }
        }
    }

    #[tokio::test]
    async fn a_charge_is_given_back_unless_the_message_may_have_been_taken() {
        for (outcome, charged) in [(None, 1), (Some(decide::unknown("test")), 2)] {
            for test in databases().await {
                let (worker, settling) = leased(&test, outcome.clone()).await;
                let group = [settling];
                worker.write(&group).await.unwrap();
                assert_eq!(state(&test, group[0].provider_id).await.0, charged, "{outcome:?}");
            }
        }
    }
}
