//! `/sdk/v1/emails/metrics`: counts over time, as the dialect shows them.

use super::require_read;
use crate::answer::written;
use crate::auth::Caller;
use crate::error::{ApiError, Code};
use crate::issue::IssueCode;
use crate::parameters;
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::Uri;
use sendmux_domain::stats::{self, Hour};
use sendmux_domain::{Timestamp, providers};
use serde::Serialize;
use std::collections::BTreeMap;
use std::str::FromStr;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Points of one answer.
const MAX_POINTS: i64 = 1_000;

#[derive(Clone, Copy)]
struct Window(i64);

impl FromStr for Window {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "24h" => Ok(Self(DAY_MS)),
            "7d" => Ok(Self(7 * DAY_MS)),
            "30d" => Ok(Self(30 * DAY_MS)),
            _ => Err(()),
        }
    }
}

#[derive(Clone, Copy)]
struct Step(i64);

impl FromStr for Step {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "hourly" => Ok(Self(HOUR_MS)),
            "daily" => Ok(Self(DAY_MS)),
            _ => Err(()),
        }
    }
}

/// What became of the messages that were accepted; those that are neither sent nor failed are pending.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Numbers {
    total: i64,
    sent: i64,
    failed: i64,
    rejected: i64,
    pending: i64,
}

impl Numbers {
    fn add(&mut self, hour: &Hour, of_provider: bool) {
        let counts = &hour.counts;
        self.sent += i64::from(counts.sent);
        self.failed += i64::from(counts.failed);
        self.total += i64::from(if of_provider { counts.attempts } else { counts.accepted });
        self.pending = (self.total - self.sent - self.failed).max(0);
    }
}

#[derive(Debug, Serialize)]
struct Change {
    total: f64,
    sent: f64,
    failed: f64,
    rejected: f64,
    pending: f64,
}

impl Change {
    fn between(before: &Numbers, now: &Numbers) -> Self {
        // From nothing to something is shown as 100.
        let percent = |before: i64, now: i64| match before {
            0 if now == 0 => 0.0,
            0 => 100.0,
            _ => ((now - before) as f64 / before as f64 * 1_000.0).round() / 10.0,
        };
        Self {
            total: percent(before.total, now.total),
            sent: percent(before.sent, now.sent),
            failed: percent(before.failed, now.failed),
            rejected: percent(before.rejected, now.rejected),
            pending: percent(before.pending, now.pending),
        }
    }
}

#[derive(Debug, Serialize)]
struct Comparison {
    #[serde(flatten)]
    numbers: Numbers,
    change_pct: Change,
}

#[derive(Debug, Serialize)]
struct Point {
    timestamp: String,
    #[serde(flatten)]
    numbers: Numbers,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(crate) struct Metrics {
    summary: Numbers,
    comparison: Comparison,
    timeseries: Vec<Point>,
}

pub(crate) async fn metrics(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Metrics>, ApiError> {
    require_read(&caller)?;
    let (window, from, to, step, provider) = parameters::known_query(&uri, |parameters| {
        (
            parameters.word("window"),
            parameters.time("from_date"),
            parameters.time("to_date"),
            parameters.word("granularity"),
            parameters.text("provider_id"),
        )
    })?;
    let team_id = caller.key.team_id;
    let provider_id = match provider {
        Some(public_id) => Some(providers::get(&api.domain, team_id, &public_id).await?.id),
        None => None,
    };
    let until = to.unwrap_or_else(|| api.domain.clock.now()).as_millis();
    let Window(length) = window.unwrap_or(Window(DAY_MS));
    let since = from.map_or(until - length, Timestamp::as_millis);
    let Step(step) = step.unwrap_or(Step(if until - since > 2 * DAY_MS { DAY_MS } else { HOUR_MS }));
    // Whole steps, the last of which is the one that `until` is in.
    let end = until.div_euclid(step) * step + step;
    let begin = (since.div_euclid(step) * step + if from.is_some() { 0 } else { step }).min(end - step);
    if since > until || (end - begin) / step > MAX_POINTS {
        let message = format!("must be before to_date, and no more than {MAX_POINTS} steps of the granularity");
        return Err(ApiError::about(
            Code::ValidationError,
            "from_date",
            IssueCode::InvalidValue,
            message,
        ));
    }
    let of_provider = provider_id.is_some();
    let sum = |hours: &[Hour]| {
        hours.iter().fold(Numbers::default(), |mut sum, hour| {
            sum.add(hour, of_provider);
            sum
        })
    };
    let before = stats::hours(&api.domain, team_id, provider_id, 2 * begin - end, begin).await?;
    let now = stats::hours(&api.domain, team_id, provider_id, begin, end).await?;
    let (before, summary) = (sum(&before), sum(&now));
    let mut points: BTreeMap<i64, Numbers> = (0..(end - begin) / step)
        .map(|n| (begin + n * step, Numbers::default()))
        .collect();
    for hour in &now {
        if let Some(point) = points.get_mut(&(hour.hour_at.div_euclid(step) * step)) {
            point.add(hour, of_provider);
        }
    }
    Ok(Json(Metrics {
        comparison: Comparison {
            change_pct: Change::between(&before, &summary),
            numbers: before,
        },
        summary,
        timeseries: points
            .into_iter()
            .map(|(at, numbers)| Point {
                timestamp: written(Timestamp::from_millis(at)),
                numbers,
            })
            .collect(),
    }))
}
