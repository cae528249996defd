//! One try of one message at one provider.

use crate::channel::{Channel, Channels};
use crate::claim::Started;
use crate::decide::{self, unknown};
use crate::heartbeat::Fence;
use crate::sandbox;
use crate::settler::{Settler, Settling};
use futures::FutureExt;
use sendmux_domain::column::Json;
use sendmux_domain::messages::content;
use sendmux_domain::queue::{self, AttemptRecord, Settlement, Work};
use sendmux_domain::{Domain, Error, Result, Timestamp};
use sendmux_providers::{JobRecipient, SendJob, SendReport};
use sendmux_rules::retry::RetryPolicy;
use sendmux_rules::{Class, IoFault, Outcome, Stage};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Dependencies of every attempt.
pub(crate) struct Attempts {
    domain: Domain,
    channels: Arc<dyn Channels>,
    settler: Settler,
    fence: Arc<Fence>,
    policy: RetryPolicy,
    under_way: TaskTracker,
    aborted: CancellationToken,
    /// Memory for contents that are loaded for their attempt, in KiB.
    large: Semaphore,
}

/// Large contents in memory at once, in KiB: ten messages of the largest size. Small ones are not counted.
const LARGE_CONTENTS_KIB: u32 = 256 * 1024;

impl Attempts {
    pub(crate) fn new(domain: Domain, channels: Arc<dyn Channels>, settler: Settler, fence: Arc<Fence>) -> Self {
        let policy = decide::policy(&domain.settings);
        Self {
            domain,
            channels,
            settler,
            fence,
            policy,
            under_way: TaskTracker::new(),
            aborted: CancellationToken::new(),
            large: Semaphore::new(LARGE_CONTENTS_KIB as usize),
        }
    }

    /// Drops every attempt that is under way.
    pub(crate) fn abort(&self) {
        self.aborted.cancel();
    }

    /// Returns when no attempt is under way any more.
    pub(crate) async fn wait(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }
}

/// Begins the attempts of messages that were just leased.
pub(crate) fn begin(attempts: Arc<Attempts>, started: Vec<Started>) {
    let tracker = attempts.under_way.clone();
    tracker.spawn(async move {
        let rows = started.iter().map(|started| started.row.clone()).collect();
        let works = match queue::load(&attempts.domain, rows).await {
            Ok(works) => works,
            Err(error) => {
                tracing::error!(%error, messages = started.len(), "cannot load leased messages; giving them back");
                for started in started {
                    attempts.give_back(started, &error);
                }
                return;
            }
        };
        let mut works: HashMap<i64, Work> = works.into_iter().map(|work| (work.message.id, work)).collect();
        for started in started {
            match works.remove(&started.row.message_id) {
                Some(work) => {
                    let one = attempts.clone();
                    let aborted = attempts.aborted.clone();
                    attempts
                        .under_way
                        .spawn(async move { aborted.run_until_cancelled(one.run(started, work)).await });
                }
                None => tracing::error!(
                    message = started.row.message_id,
                    "a queued message is gone; its lease stays"
                ),
            }
        }
    });
}

/// Wait of a message whose attempt could not begin for a fault of this machine or of the database.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(2);

impl Attempts {
    async fn run(&self, started: Started, work: Work) {
        // A panic must not leave the message leased for ever; what it had done is not known.
        let mode = work.message.mode;
        let report = match std::panic::AssertUnwindSafe(self.send(&started, &work))
            .catch_unwind()
            .await
        {
            Ok(Ok(report)) => report,
            Ok(Err(error)) => {
                tracing::error!(%error, message = work.message.public_id, "cannot begin an attempt; giving it back");
                return self.give_back(started, &error);
            }
            Err(_) => SendReport::same_for_all(&job(&work, bytes::Bytes::new()), unknown("panicked"), None),
        };
        let now = self.domain.clock.now();
        let (recipients, disposition) = decide::after_attempt(&self.policy, &work, started.provider_id, &report, now);
        let metrics = &self.domain.metrics;
        metrics.attempted(started.kind, report.overall.class, now.since(started.at));
        if let Some(status) = disposition.status() {
            metrics.finished(status, now.since(work.message.created_at));
        }
        let lane_id = started.row.lane_id;
        let settlement = Settlement {
            message_id: work.message.id,
            claim_id: started.row.claim_id,
            team_id: work.message.team_id,
            mode,
            attempt: Some(record(&self.domain, &started, &work, report, now)),
            recipients,
            disposition,
        };
        self.settler.settle(Settling {
            lane_id,
            provider_id: started.provider_id,
            sender_domain: started.row.sender_domain.clone(),
            charge: started.row.charge.clone().map(|Json(charge)| charge),
            settlement,
        });
        drop(started.slot);
    }

    /// Hands the message over.
    ///
    /// # Errors
    /// Fault of this machine or of the database for which the attempt could not begin; no provider's failure.
    async fn send(&self, started: &Started, work: &Work) -> Result<SendReport> {
        // Held until the message is handed over: a few large messages take memory at a time, however many there are.
        let _room = match work.content {
            Some(_) => None,
            None => {
                let kib = u32::try_from(work.message.size / 1024)
                    .unwrap_or(0)
                    .clamp(1, LARGE_CONTENTS_KIB);
                self.large.acquire_many(kib).await.ok()
            }
        };
        let content = match &work.content {
            Some(content) => Ok(content.clone()),
            None => content::load(&self.domain, &work.message).await,
        };
        let job = job(work, content?);
        let report = match self.channels.channel(started.provider_id, started.version).await {
            Ok(Channel::Connector(connector)) => {
                connector.send_if(&job, &|| self.fence.holds(started.incarnation)).await
            }
            Ok(Channel::Sandbox { send_as }) => {
                sandbox::capture(&self.domain, work, started.provider_id, &job, send_as.as_deref()).await?
            }
            Err(error) if !blames_provider(&error) => return Err(error),
            Err(error) => {
                let outcome = Outcome {
                    class: Class::Config,
                    stage: Stage::Connect,
                    ..unknown("channel")
                };
                tracing::error!(%error, provider = started.provider_id, "cannot open the way to a provider");
                SendReport::same_for_all(&job, outcome, Some(error.to_string()))
            }
        };
        match report.overall.fault {
            Some(IoFault::Local) if never_left(&report) => Err(Error::Unavailable(
                report.detail.unwrap_or_else(|| report.overall.cause()),
            )),
            _ => Ok(report),
        }
    }

    /// Puts a leased message back whose attempt never began.
    fn give_back(&self, started: Started, why: &Error) {
        let due_at = self.domain.clock.now().plus(PAUSE_AFTER_ERROR);
        let why = match why {
            Error::Unavailable(why) => why.clone(),
            _ => "the server could not read what it takes to send it".to_owned(),
        };
        self.settler.settle(Settling::unstarted(
            &started.row,
            started.provider_id,
            due_at,
            Some(why),
        ));
    }
}

/// True if an error of opening a channel lies in the settings of its provider, rather than in the database.
fn blames_provider(error: &Error) -> bool {
    matches!(error, Error::Internal(_) | Error::Invalid(_) | Error::Conflict(_))
}

/// True if no recipient's part has got further than this machine.
fn never_left(report: &SendReport) -> bool {
    report
        .outcomes
        .iter()
        .all(|one| one.outcome.fault == Some(IoFault::Local))
}

fn job(work: &Work, content: bytes::Bytes) -> SendJob {
    let recipients: Vec<JobRecipient> = work
        .pending()
        .map(|recipient| JobRecipient {
            position: u32::try_from(recipient.position).unwrap_or(u32::MAX),
            address: recipient.address.clone(),
        })
        .collect();
    SendJob {
        message_id: work.message.public_id.clone(),
        return_path: work.message.return_path.clone(),
        headers_cover_recipients: recipients.len() == work.recipients.len(),
        recipients,
        content,
        smtputf8: work.message.smtputf8,
        from: work.message.from_email.clone(),
    }
}

fn record(domain: &Domain, started: &Started, work: &Work, report: SendReport, now: Timestamp) -> AttemptRecord {
    let detail = detail_of(&report);
    let accepted = report
        .outcomes
        .iter()
        .filter(|one| one.outcome.class == Class::Accepted)
        .count();
    let int = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    AttemptRecord {
        id: domain.row_ids.next(now),
        provider_id: started.provider_id,
        round: work.queue.round,
        detail,
        outcome: report.overall,
        provider_message_id: report.provider_message_id,
        duration_ms: i32::try_from(now.since(started.at).as_millis()).unwrap_or(i32::MAX),
        recipient_count: int(report.outcomes.len()),
        accepted_count: int(accepted),
        choice: started.choice.clone(),
        started_at: started.at,
    }
}

/// Detail of an attempt for the timeline: what went wrong, and what was done to the message.
fn detail_of(report: &SendReport) -> Option<String> {
    let Some(note) = &report.note else {
        return report.detail.clone();
    };
    let reply = report.overall.reply.as_ref().map(|reply| reply.text.as_str());
    match report.detail.as_deref().or(reply).filter(|text| !text.is_empty()) {
        Some(detail) => Some(format!("{detail} ({note})")),
        None => Some(note.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendmux_rules::{Reply, Stage};

    #[test]
    fn what_was_done_to_a_message_is_told_behind_what_came_of_it() {
        let report = |detail: Option<&str>, note: Option<&str>| SendReport {
            outcomes: Vec::new(),
            overall: Outcome::accepted(Stage::Body, Reply::new(250, "queued as X")),
            provider_message_id: None,
            detail: detail.map(str::to_owned),
            note: note.map(str::to_owned),
        };
        for (detail, note, expected) in [
            (None, None, None),
            (Some("hung up"), None, Some("hung up")),
            (None, Some("converted"), Some("queued as X (converted)")),
            (Some("hung up"), Some("converted"), Some("hung up (converted)")),
        ] {
            assert_eq!(detail_of(&report(detail, note)).as_deref(), expected);
        }
    }
}
