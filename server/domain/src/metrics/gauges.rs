//! Gauges of the installation as a whole, read from the database. Every node reports the same.

use crate::Domain;
use crate::column::Json;
use crate::error::{Error, Result};
use crate::routing::{self, QueueNow, caps_of};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use sendmux_rules::caps::{Caps, Usage};
use sendmux_rules::{ProviderKind, Timestamp, WaitReason};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Maximum age of a quick reading.
const MAX_AGE: Duration = Duration::from_secs(10);
/// Factor of the time for which a reading is kept over the time it took: counting a million waiting messages takes up
/// to a second, and must not be all that the database does.
const KEPT_FOR: u32 = 100;
/// Time limit of a reading.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// Providers whose caps are read, the most recently used ones.
const PROVIDERS_LOOKED_AT: u64 = 2_000;
/// Usage older than a day counts for no cap.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The gauges as text, with the time of the reading and the time for which it is valid.
#[derive(Debug)]
pub(super) struct Reading {
    at: Timestamp,
    good_for: Duration,
    text: String,
}

/// Time for which a reading is valid that took this long.
fn good_for(took: Duration) -> Duration {
    MAX_AGE.max(took.saturating_mul(KEPT_FOR))
}

/// The gauges, from the last reading or a new one, which concurrent callers share.
pub(super) async fn current(
    domain: &Domain,
    reading: &Mutex<Option<Reading>>,
) -> std::result::Result<String, std::fmt::Error> {
    let mut reading = reading.lock().await;
    let now = domain.clock.now();
    if let Some(Reading { at, good_for, text }) = &*reading
        && at.is_within(*good_for, now)
    {
        return Ok(text.clone());
    }
    let gauges = Gauges::default();
    let read = match timeout(READ_TIMEOUT, gauges.read(domain, now)).await {
        Ok(read) => read,
        Err(_) => Err(Error::Unavailable("the database does not answer in time".to_owned())),
    };
    if let Err(error) = &read {
        tracing::warn!(%error, "cannot read the gauges of the metrics");
    }
    // A database that is down is read again soon.
    let good_for = match &read {
        Ok(()) => good_for(domain.clock.now().since(now)),
        Err(_) => MAX_AGE,
    };
    let text = gauges.encode(read.is_ok())?;
    *reading = Some(Reading {
        at: now,
        good_for,
        text: text.clone(),
    });
    Ok(text)
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct State {
    state: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Providers {
    kind: String,
    status: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Blocked {
    kind: String,
    block: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Paused {
    kind: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Cap {
    kind: &'static str,
    window: &'static str,
    used: &'static str,
}

#[derive(Debug, Default)]
struct Gauges {
    queue: Family<State, Gauge>,
    providers: Family<Providers, Gauge>,
    blocked: Family<Blocked, Gauge>,
    paused: Family<Paused, Gauge>,
    caps: Family<Cap, Gauge>,
}

impl Gauges {
    async fn read(&self, domain: &Domain, now: Timestamp) -> Result<()> {
        self.count_queue(&routing::queue_now(domain).await?);
        self.count_providers(domain, now).await?;
        self.count_caps(domain, now).await
    }

    fn count_queue(&self, now: &QueueNow) {
        let set = |state, reason, messages: u64| {
            let gauge = self.queue.get_or_create_owned(&State { state, reason });
            gauge.set(i64::try_from(messages).unwrap_or(i64::MAX));
        };
        let of = |reason| now.waiting.get(&reason).copied().unwrap_or(0);
        set("sending", "none", now.sending);
        set("ready", "none", of(None));
        set("retrying", "none", of(Some(WaitReason::Retry)));
        for reason in WaitReason::ALL {
            if *reason != WaitReason::Retry {
                set("waiting", reason.as_str(), of(Some(*reason)));
            }
        }
    }

    async fn count_providers(&self, domain: &Domain, now: Timestamp) -> Result<()> {
        let sql = "SELECT p.kind AS kind, p.status AS status, \
                   CASE WHEN r.block_until IS NULL OR r.block_until > $1 THEN r.block_kind END AS block, \
                   CASE WHEN r.pause_until > $1 THEN 1 ELSE 0 END AS paused, COUNT(*) AS providers \
                   FROM providers p LEFT JOIN provider_runtime own ON own.provider_id = p.id \
                   LEFT JOIN provider_runtime r ON r.provider_id = COALESCE(own.health_of, own.provider_id) \
                   WHERE p.deleted_at IS NULL GROUP BY 1, 2, 3, 4";
        for row in rows(domain, sql, now).await? {
            let kind: String = row.try_get("", "kind")?;
            let status = row.try_get("", "status")?;
            let count: i64 = row.try_get("", "providers")?;
            let kind_only = || kind.clone();
            let providers = Providers {
                kind: kind_only(),
                status,
            };
            self.providers.get_or_create(&providers).inc_by(count);
            if let Some(block) = row.try_get("", "block")? {
                let kind = kind_only();
                self.blocked.get_or_create(&Blocked { kind, block }).inc_by(count);
            }
            let paused: i32 = row.try_get("", "paused")?;
            if paused == 1 {
                self.paused.get_or_create(&Paused { kind }).inc_by(count);
            }
        }
        Ok(())
    }

    async fn count_caps(&self, domain: &Domain, now: Timestamp) -> Result<()> {
        let sql = format!(
            "SELECT p.kind AS kind, p.cap_second, p.cap_minute, p.cap_hour, p.cap_day, r.usage AS used \
             FROM provider_runtime r JOIN providers p ON p.id = r.provider_id \
             WHERE p.deleted_at IS NULL AND r.last_used_at > $1 \
             AND COALESCE(p.cap_second, p.cap_minute, p.cap_hour, p.cap_day) IS NOT NULL \
             ORDER BY r.last_used_at DESC LIMIT {PROVIDERS_LOOKED_AT}"
        );
        for row in rows(domain, &sql, now.minus(DAY)).await? {
            // Unreadable values are reported where they are used.
            let (Ok(kind), Ok(Json(usage))) = (
                row.try_get::<ProviderKind>("", "kind"),
                row.try_get::<Json<Usage>>("", "used"),
            ) else {
                continue;
            };
            let mut columns = [None; 4];
            for (cap, column) in columns
                .iter_mut()
                .zip(["cap_second", "cap_minute", "cap_hour", "cap_day"])
            {
                *cap = row.try_get("", column)?;
            }
            for (window, cap, used) in windows(&caps_of(kind, columns), &usage, now) {
                let label = Cap {
                    kind: kind.as_str(),
                    window,
                    used: share(used, cap),
                };
                self.caps.get_or_create(&label).inc();
            }
        }
        Ok(())
    }

    fn encode(self, readable: bool) -> std::result::Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("sendmux");
        let up = Gauge::<i64>::default();
        up.set(i64::from(readable));
        let help = "Whether the database answered; when it is 0 the gauges of the installation are not there";
        registry.register("database_up", help, up);
        if readable {
            let help = "Messages of the installation that are not finished";
            registry.register("queue_messages", help, self.queue);
            registry.register("providers", "Providers by kind and status", self.providers);
            registry.register("providers_blocked", "Providers pulled from rotation", self.blocked);
            registry.register("providers_paused", "Providers that asked for a pause", self.paused);
            let help = "Caps of providers that were used in the last 24 hours, by how much of them is used now";
            registry.register("caps", help, self.caps);
        }
        let mut out = String::new();
        text::encode_registry(&mut out, &registry)?;
        Ok(out)
    }
}

async fn rows(domain: &Domain, sql: &str, time: Timestamp) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(domain.db.backend(), sql, [time.into()]);
    Ok(domain.db.read().query_all_raw(statement).await?)
}

/// The caps that are set, each with its usage.
fn windows(caps: &Caps, usage: &Usage, now: Timestamp) -> impl Iterator<Item = (&'static str, u32, u32)> {
    let used = usage.used(caps.day_rule, now);
    [
        ("second", caps.second, used.second),
        ("minute", caps.minute, used.minute),
        ("hour", caps.hour, used.hour),
        ("day", caps.day, used.day),
    ]
    .into_iter()
    .filter_map(|(window, cap, used)| Some((window, cap?, used)))
}

/// Range of a cap's usage, in words.
fn share(used: u32, cap: u32) -> &'static str {
    match u64::from(used) * 100 / u64::from(cap.max(1)) {
        0..50 => "under_50_percent",
        50..80 => "under_80_percent",
        80..100 => "under_100_percent",
        _ => "all",
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_AGE, good_for, share};
    use std::time::Duration;

    #[test]
    fn what_took_long_is_kept_for_long() {
        assert_eq!(good_for(Duration::ZERO), MAX_AGE);
        assert_eq!(good_for(Duration::from_millis(20)), MAX_AGE);
        assert_eq!(good_for(Duration::from_secs(1)), Duration::from_secs(100));
    }

    #[test]
    fn shares_of_a_cap() {
        for (used, cap, expected) in [
            (0, 10, "under_50_percent"),
            (5, 10, "under_80_percent"),
            (8, 10, "under_100_percent"),
            (10, 10, "all"),
            (12, 10, "all"),
            (u32::MAX, 0, "all"),
        ] {
            assert_eq!(share(used, cap), expected, "{used} of {cap}");
        }
    }
}
