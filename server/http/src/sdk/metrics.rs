//! `/sdk/v1/emails/metrics`: counts over time, as the dialect shows them.

use super::found;
use crate::answer::written;
use crate::auth::{Permitted, ToRead};
use crate::error::ApiError;
use crate::input::{Choice, Parameter, Word, input};
use crate::parameters;
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use sendmux_domain::stats::{self, Hour};
use sendmux_domain::{Timestamp, providers};
use serde::Serialize;
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Points of one answer: more than a year of hours, or 27 years of days. What would have more hours is told by the day.
const MAX_POINTS: i64 = 10_000;

input! {
    /// The query of the metrics.
    struct MetricsQuery {
        /// The time up to now.
        window: Option<Parameter<Word<Window>>>,
        /// The start of the time.
        from_date: Option<Parameter<Timestamp>>,
        /// The end of the time.
        to_date: Option<Parameter<Timestamp>>,
        /// The length of one point.
        granularity: Option<Parameter<Word<Step>>>,
        /// Only what went through this provider.
        provider_id: Option<Parameter<String>>,
    }
}

/// The time that an answer is about, in whole steps.
struct Span {
    begin: i64,
    end: i64,
    step: i64,
}

impl Span {
    /// Up to the step that the last moment is in, which is no later than now. Empty when it would begin after it ended.
    fn of(query: &MetricsQuery, now: Timestamp) -> Self {
        let until = query.to_date.as_ref().map_or(now, |Parameter(to)| (*to).min(now));
        let until = until.as_millis();
        let length = query
            .window
            .as_ref()
            .map_or(DAY_MS, |Parameter(Word(Window(length)))| *length);
        let from = query.from_date.as_ref().map(|Parameter(from)| from.as_millis());
        let since = from.unwrap_or(until - length);
        let by_length = if until - since > 2 * DAY_MS { DAY_MS } else { HOUR_MS };
        let mut step = query
            .granularity
            .as_ref()
            .map_or(by_length, |Parameter(Word(Step(step)))| *step);
        if (until - since) / step >= MAX_POINTS {
            step = DAY_MS;
        }
        let end = until.div_euclid(step) * step + step;
        // A window ends now, in the midst of a step: it has as many points as it has steps.
        let first = since.div_euclid(step) * step + if from.is_some() { 0 } else { step };
        let begin = if since > until { end } else { first.min(end - step) };
        Self {
            begin: begin.max(end - MAX_POINTS * step),
            end,
            step,
        }
    }
}

/// The length of a window, in milliseconds.
#[derive(Clone, Copy, PartialEq)]
struct Window(i64);

impl Choice for Window {
    fn words() -> Vec<(&'static str, Self)> {
        vec![
            ("24h", Self(DAY_MS)),
            ("7d", Self(7 * DAY_MS)),
            ("30d", Self(30 * DAY_MS)),
        ]
    }
}

/// The length of a point, in milliseconds.
#[derive(Clone, Copy, PartialEq)]
struct Step(i64);

impl Choice for Step {
    fn words() -> Vec<(&'static str, Self)> {
        vec![("hourly", Self(HOUR_MS)), ("daily", Self(DAY_MS))]
    }
}

/// Messages by what became of them. As in the logs of this dialect, `rejected` are those that were taken
/// back; those that nothing has become of yet are pending. Of one provider: what was tried there, and what of it failed.
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
        self.rejected += i64::from(counts.cancelled);
        if of_provider {
            self.failed += i64::from(counts.attempts_failed);
            self.total = self.sent + self.failed;
        } else {
            self.failed += i64::from(counts.failed);
            self.total += i64::from(counts.accepted);
            self.pending = (self.total - self.sent - self.failed - self.rejected).max(0);
        }
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

#[utoipa::path(get, path = "/emails/metrics")]
pub(crate) async fn metrics(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    uri: Uri,
) -> Result<Json<Metrics>, ApiError> {
    let team_id = caller.key.team_id;
    let query = parameters::tolerant_query::<MetricsQuery>(&uri);
    let Span { begin, end, step } = Span::of(
        query.as_ref().unwrap_or(&MetricsQuery::default()),
        api.domain.clock.now(),
    );
    // None: the query asks for what cannot be, so nothing is counted.
    let of = match query.map(|query| query.provider_id) {
        Some(Some(Parameter(public_id))) => {
            found(providers::get(&api.domain, team_id, &public_id).await)?.map(|view| Some(view.id))
        }
        Some(None) => Some(None),
        None => None,
    };
    let counted = async |from, until| match of {
        Some(provider_id) => {
            let (from, until) = (Timestamp::from_millis(from), Timestamp::from_millis(until));
            stats::hours(&api.domain, team_id, provider_id, from, until).await
        }
        None => Ok(Vec::new()),
    };
    let of_provider = matches!(of, Some(Some(_)));
    let sum = |hours: &[Hour]| {
        hours.iter().fold(Numbers::default(), |mut sum, hour| {
            sum.add(hour, of_provider);
            sum
        })
    };
    let before = counted(2 * begin - end, begin).await?;
    let now = counted(begin, end).await?;
    let (before, summary) = (sum(&before), sum(&now));
    let mut points: BTreeMap<i64, Numbers> = (0..(end - begin) / step)
        .map(|n| (begin + n * step, Numbers::default()))
        .collect();
    for hour in &now {
        if let Some(point) = points.get_mut(&(hour.hour_at.as_millis().div_euclid(step) * step)) {
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
