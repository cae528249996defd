//! `/api/v1/statistics`: counts by the hour or the day, for charts.

use crate::answer::written;
use crate::auth::{Permitted, ToRead};
use crate::error::ApiError;
use crate::input::{self, Choice, Parameter, Word, input};
use crate::parameters::Query;
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use sendmux_domain::stats::{self, HourlyCounts};
use sendmux_domain::{Timestamp, overview, providers};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

const HOUR_MS: i64 = 3_600_000;

/// The time that is looked back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Day,
    Week,
    Month,
}

impl Choice for Window {
    fn words() -> Vec<(&'static str, Self)> {
        vec![("24h", Self::Day), ("7d", Self::Week), ("30d", Self::Month)]
    }
}

input! {
    /// The query of the statistics.
    pub(crate) struct StatisticsQuery {
        /// `24h`, `7d` or `30d`; `24h` when absent
        window: Option<Parameter<Word<Window>>>,
        /// Only what went through this provider
        provider_id: Option<Parameter<String>> as input::id("prv"),
    }
}

impl Window {
    /// The number of points, and the hours of each.
    fn points(self) -> (i64, i64) {
        match self {
            Self::Day => (24, 1),
            Self::Week => (7, 24),
            Self::Month => (30, 24),
        }
    }
}

/// Counts of what a team, or one provider, has sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Statistics {
    /// The sums of all points.
    pub total: Counts,
    /// One point an hour (`24h`) or a day in UTC (`7d`, `30d`), the oldest first, without gaps.
    pub points: Vec<Point>,
    /// The queue now, of the whole team.
    pub queue: Queue,
}

/// Numbers of live messages, and of their recipients.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct Counts {
    /// Messages accepted; 0 for one provider.
    pub accepted: i64,
    /// Messages that a provider took for at least one recipient.
    pub sent: i64,
    /// Messages that failed.
    pub failed: i64,
    /// Messages that were taken back before anybody got them; 0 for one provider.
    pub cancelled: i64,
    /// Attempts made.
    pub attempts: i64,
    /// Attempts in which no recipient was accepted.
    pub attempts_failed: i64,
    /// Recipients whose address bounced for good after a provider took the message. Amazon SES and the managed route
    /// tell of bounces and complaints; they count in the hour in which they are told.
    pub bounced: i64,
    /// Recipients whose mail bounced for a passing reason, and was given up.
    pub soft_bounced: i64,
    /// Recipients who complained.
    pub complained: i64,
    /// Recipients whose mail the provider took and then did not send.
    pub rejected: i64,
}

impl Counts {
    fn add(&mut self, counts: HourlyCounts) {
        self.accepted += i64::from(counts.accepted);
        self.sent += i64::from(counts.sent);
        self.failed += i64::from(counts.failed);
        self.cancelled += i64::from(counts.cancelled);
        self.attempts += i64::from(counts.attempts);
        self.attempts_failed += i64::from(counts.attempts_failed);
        self.bounced += i64::from(counts.bounced);
        self.soft_bounced += i64::from(counts.soft_bounced);
        self.complained += i64::from(counts.complained);
        self.rejected += i64::from(counts.rejected);
    }
}

/// One hour or day.
#[derive(Debug, Serialize, ToSchema)]
pub struct Point {
    /// Time at which it began.
    #[schema(format = "date-time")]
    pub at: String,
    /// The numbers.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Messages that wait or are being sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// Messages that wait for their turn or for room.
    pub waiting: u64,
    /// Messages that wait for their next round.
    pub retrying: u64,
    /// Messages that are being sent.
    pub sending: u64,
}

/// Shows what was accepted, sent and failed, over time.
#[utoipa::path(get, path = "/statistics", operation_id = "getStatistics", tag = "Statistics",
    responses((status = 200, description = "The numbers", body = Statistics)))]
pub(crate) async fn statistics(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<Statistics>, ApiError> {
    let team_id = caller.key.team_id;
    let provider_id = match query.provider_id {
        Some(Parameter(public_id)) => Some(providers::get(&api.domain, team_id, &public_id).await?.id),
        None => None,
    };
    let window = query.window.map_or(Window::Day, |Parameter(Word(window))| window);
    let (count, hours) = window.points();
    let step = hours * HOUR_MS;
    let last = api.domain.clock.now().as_millis().div_euclid(step) * step;
    let first = last - (count - 1) * step;
    let mut points: BTreeMap<i64, Counts> = (0..count).map(|n| (first + n * step, Counts::default())).collect();
    let mut total = Counts::default();
    for hour in stats::hours(
        &api.domain,
        team_id,
        provider_id,
        Timestamp::from_millis(first),
        Timestamp::from_millis(last + step),
    )
    .await?
    {
        total.add(hour.counts);
        if let Some(point) = points.get_mut(&(hour.hour_at.as_millis().div_euclid(step) * step)) {
            point.add(hour.counts);
        }
    }
    let now = overview::queued(&api.domain, team_id).await?;
    Ok(Json(Statistics {
        total,
        points: points
            .into_iter()
            .map(|(at, counts)| Point {
                at: written(Timestamp::from_millis(at)),
                counts,
            })
            .collect(),
        queue: Queue {
            waiting: now.waiting,
            retrying: now.retrying,
            sending: now.sending,
        },
    }))
}
