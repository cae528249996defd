//! Metrics for Prometheus: counters that every part of the process increments (each an atomic, behind a lock that is
//! only read), and `gauges`, which are read from the database on request.
//!
//! The values of all labels come from enums and from the routes of the server, so that their number is bounded. No
//! label contains a team, key or address.

mod gauges;
mod http;
mod smtp;
#[cfg(test)]
mod tests;

pub use http::HttpMetrics;
pub use smtp::{OpenSession, SmtpEnd, SmtpMetrics};

use crate::Domain;
use crate::db::Db;
use crate::feedback::{NoticeKind, Recorded};
use crate::messages::Source;
use gauges::Reading;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use sendmux_rules::{BlockKind, Class, MessageStatus, Mode, ProviderKind};
use std::time::Duration;
use tokio::sync::Mutex;

/// Content type of [`render`] (OpenMetrics 1.0, which Prometheus reads).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Histogram bounds, in seconds, for short operations.
const MOMENTS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Histogram bounds, in seconds, for deliveries: from immediate ones to the last round of a message, and those that
/// caps delay for days.
const DELIVERIES: [f64; 15] = [
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 10_800.0, 86_400.0, 259_200.0,
];

/// Histograms by label.
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

fn moments() -> Histogram {
    Histogram::new(MOMENTS)
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SourceLabel {
    source: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Accept {
    source: &'static str,
    mode: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Finish {
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Attempted {
    kind: &'static str,
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Pulled {
    block: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Feedback {
    kind: &'static str,
    event: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Notices {
    outcome: &'static str,
}

/// The metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    /// Metrics of SMTP submission.
    pub smtp: SmtpMetrics,
    /// Metrics of HTTP: the API and the dashboard.
    pub http: HttpMetrics,
    accepted: Family<Accept, Counter>,
    accept_seconds: Histograms<SourceLabel>,
    rate_limited: Family<SourceLabel, Counter>,
    failed_authentications: Family<SourceLabel, Counter>,
    attempts: Family<Attempted, Counter>,
    attempt_seconds: Histograms<Kind>,
    finished: Family<Finish, Counter>,
    delivery_seconds: Histogram,
    blocks: Family<Pulled, Counter>,
    feedback: Family<Feedback, Counter>,
    notices: Family<Notices, Counter>,
    registry: Registry,
    /// The last reading of the gauges.
    reading: Mutex<Option<Reading>>,
}

impl Metrics {
    /// Metrics of a process that uses this database.
    pub(crate) fn new(db: &Db) -> Self {
        let mut metrics = Self {
            smtp: SmtpMetrics::default(),
            http: HttpMetrics::default(),
            accepted: Family::default(),
            accept_seconds: Family::new_with_constructor(moments),
            rate_limited: Family::default(),
            failed_authentications: Family::default(),
            attempts: Family::default(),
            attempt_seconds: Family::new_with_constructor(moments),
            finished: Family::default(),
            delivery_seconds: Histogram::new(DELIVERIES),
            blocks: Family::default(),
            feedback: Family::default(),
            notices: Family::default(),
            registry: Registry::with_prefix("sendmux"),
            reading: Mutex::default(),
        };
        metrics.register();
        let help = "Statements sent to the database";
        let statements = db.statements().clone();
        metrics.registry.register("database_statements", help, statements);
        let help = "Writing transactions that failed";
        let failures = db.failures().clone();
        metrics.registry.register("database_failures", help, failures);
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let help = "Messages that were answered queued";
        registry.register("messages_accepted", help, self.accepted.clone());
        registry.register("messages_finished", "Messages that are over", self.finished.clone());
        registry.register("attempts", "Tries of a message at a provider", self.attempts.clone());
        let help = "Times that a provider was pulled from rotation";
        registry.register("provider_blocks", help, self.blocks.clone());
        let help = "What providers told of messages after they took them";
        registry.register("feedback", help, self.feedback.clone());
        let help = "Notices of providers by what became of them";
        registry.register("notices", help, self.notices.clone());
        let help = "Requests beyond the rate of their key";
        registry.register("rate_limit_refusals", help, self.rate_limited.clone());
        let help = "Presented API keys that are not valid";
        registry.register("failed_authentications", help, self.failed_authentications.clone());
        let seconds = Unit::Seconds;
        registry.register_with_unit(
            "accept",
            "From a checked request to the commit of its messages",
            seconds.clone(),
            self.accept_seconds.clone(),
        );
        registry.register_with_unit(
            "attempt",
            "From the choice of a provider to its answer",
            seconds.clone(),
            self.attempt_seconds.clone(),
        );
        registry.register_with_unit(
            "delivery",
            "From acceptance to the end of a message that was sent",
            seconds,
            self.delivery_seconds.clone(),
        );
        self.smtp.register(registry);
        self.http.register(registry);
    }

    /// Counts the committed messages of one request, `elapsed` after it was validated.
    pub(crate) fn accepted(&self, messages: &[(Source, Mode)], elapsed: Duration) {
        for (source, mode) in messages {
            let label = Accept {
                source: source.as_str(),
                mode: mode.as_str(),
            };
            self.accepted.get_or_create(&label).inc();
        }
        if let Some((source, _)) = messages.first() {
            let source = source.as_str();
            self.accept_seconds
                .get_or_create(&SourceLabel { source })
                .observe(elapsed.as_secs_f64());
        }
    }

    /// Counts a request that was refused by the rate limit of its key.
    pub fn rate_limited(&self, source: Source) {
        let source = source.as_str();
        self.rate_limited.get_or_create(&SourceLabel { source }).inc();
    }

    /// Counts an unknown or revoked API key.
    pub fn authentication_failed(&self, source: Source) {
        let source = source.as_str();
        self.failed_authentications.get_or_create(&SourceLabel { source }).inc();
    }

    /// Counts an attempt at a provider of this kind.
    pub fn attempted(&self, kind: ProviderKind, class: Class, elapsed: Duration) {
        let kind = kind.as_str();
        let label = Attempted {
            kind,
            class: class.as_str(),
        };
        self.attempts.get_or_create(&label).inc();
        self.attempt_seconds
            .get_or_create(&Kind { kind })
            .observe(elapsed.as_secs_f64());
    }

    /// Counts a finished message, and the time since it was accepted.
    pub fn finished(&self, status: MessageStatus, since_accepted: Duration) {
        let label = Finish {
            status: status.as_str(),
        };
        self.finished.get_or_create(&label).inc();
        if matches!(status, MessageStatus::Sent | MessageStatus::PartiallySent) {
            self.delivery_seconds.observe(since_accepted.as_secs_f64());
        }
    }

    /// Counts feedback from a provider of this kind.
    pub(crate) fn feedback_received(&self, kind: ProviderKind, notice: &NoticeKind) {
        let label = Feedback {
            kind: kind.as_str(),
            event: notice.delivery_status().as_str(),
        };
        self.feedback.get_or_create(&label).inc();
    }

    /// Counts a processed notice of a provider.
    pub(crate) fn notice(&self, recorded: Recorded) {
        let outcome = recorded.as_str();
        self.notices.get_or_create(&Notices { outcome }).inc();
    }

    /// Counts a block of a provider.
    pub(crate) fn blocked(&self, kind: BlockKind) {
        let block = kind.as_str();
        self.blocks.get_or_create(&Pulled { block }).inc();
    }
}

/// All metrics as text ([`CONTENT_TYPE`]). Values from the database are at most ten seconds old, so that frequent
/// scrapes are no load; when it does not answer, `sendmux_database_up` is 0 and the other values are still there.
///
/// # Errors
/// Errors of formatting, which do not occur with these metrics.
pub async fn render(domain: &Domain) -> Result<String, std::fmt::Error> {
    let mut out = String::with_capacity(16 * 1024);
    text::encode_registry(&mut out, &domain.metrics.registry)?;
    out.push_str(&gauges::current(domain, &domain.metrics.reading).await?);
    text::encode_eof(&mut out)?;
    Ok(out)
}
