//! Writes settlements in groups, and sees to it that none is lost while the process lives.
//!
//! A settlement that is not written would leave its message leased until this node dies, and sent again then. So a
//! group that fails is tried one by one, and what fails alone is tried again until the database takes it.

use crate::health;
use sendmux_domain::queue::{self, Fate, Settlement};
use sendmux_domain::{Domain, nodes};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::AbortHandle;

const GROUP: usize = 256;
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Where attempts leave their settlements.
#[derive(Clone, Debug)]
pub(crate) struct Settler {
    sender: mpsc::UnboundedSender<Settling>,
}

/// A settlement on its way, and the lane that its message goes back to.
#[derive(Clone, Debug)]
pub(crate) struct Settling {
    pub(crate) lane_id: i64,
    /// The domain of the message's sender, for a provider that refuses it.
    pub(crate) sender_domain: String,
    /// What was charged for the attempt (JSON).
    pub(crate) charge: Option<String>,
    pub(crate) settlement: Settlement,
}

impl Settler {
    /// Starts the task that writes. It ends, and `drained` is notified, when every clone is dropped and all is written.
    pub(crate) fn start(
        domain: Domain,
        incarnation: i64,
        drained: Arc<Notify>,
        progress: watch::Sender<u64>,
    ) -> (Self, AbortHandle) {
        // Unbounded, since what is under way is bounded by the slots of the providers.
        let (sender, receiver) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            Worker {
                domain,
                incarnation,
                progress,
            }
            .run(receiver)
            .await;
            drained.notify_one();
        });
        (Self { sender }, task.abort_handle())
    }

    pub(crate) fn settle(&self, settling: Settling) {
        if self.sender.send(settling).is_err() {
            tracing::error!("a settlement came after the settler had ended");
        }
    }
}

struct Worker {
    domain: Domain,
    incarnation: i64,
    progress: watch::Sender<u64>,
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
            // What failed alone goes last, so that it holds up nothing else.
            if !group.is_empty() {
                held.extend(self.write_group(std::mem::take(&mut group)).await);
            }
            if received == 0 || received == usize::MAX {
                held = self.write_each(std::mem::take(&mut held)).await;
            }
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

    async fn write(&self, group: &[Settling]) -> sendmux_domain::Result<()> {
        let db = &self.domain.db;
        let now = self.domain.clock.now();
        let settlements = group.iter().map(|settling| settling.settlement.clone()).collect();
        let tx = db.begin().await?;
        if !nodes::is_alive(&tx, db.backend(), self.incarnation).await? {
            // Others have taken the messages over; what is known here is no longer asked for.
            tracing::error!(
                settlements = group.len(),
                "settlements refused: this node was declared dead"
            );
            return Ok(());
        }
        let health_changed = health::apply(&tx, &self.domain, group, now).await?;
        let refused = queue::settle(&tx, db.backend(), self.incarnation, now, settlements).await?;
        tx.commit().await?;
        if health_changed {
            self.domain.signals.config_changed();
        }
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
            if let Fate::Again { due_at, .. } = settlement.fate {
                self.domain
                    .signals
                    .message_arrived(*lane_id, settlement.team_id, due_at);
            }
        }
        Ok(())
    }
}
