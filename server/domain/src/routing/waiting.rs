//! Wait reasons of messages, and the times at which waits end. Windows and blocks open and close without a write to
//! waiting messages, so the reason is derived from the providers on reading.

use super::candidates::select_for;
use super::{PoolSelection, SelectionRequest, candidates, select_in_pool};
use crate::Domain;
use crate::entities::{lanes, queue};
use crate::error::Result;
use crate::keys::target_names;
use crate::lanes::ScopeKind;
use crate::queue::{Progress, Row};
use crate::runtime;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Statement, Value};
use sendmux_rules::select::Selection;
use sendmux_rules::{Mode, Timestamp, WaitReason};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Wait of a message: its reason and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingNow {
    /// Reason; `None` when the message is simply next in line.
    pub reason: Option<WaitReason>,
    /// End of the wait; `None` when the message is next in line, or when the wait only ends by hand.
    pub opens_at: Option<Timestamp>,
}

/// Messages of one lane with the same wait reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneWaiting {
    /// Live or test.
    pub mode: Mode,
    /// The scope that the messages were accepted with.
    pub scope: ScopeKind,
    /// Names of its providers or groups; empty for `all`. Deleted ones are left out.
    pub targets: Vec<String>,
    /// Number of messages.
    pub messages: u64,
    /// Wait reason; `None` when they are next in line.
    pub reason: Option<WaitReason>,
    /// Time at which the first of them can go; `None` when that is now, or when the wait only ends by hand.
    pub opens_at: Option<Timestamp>,
}

/// Waits of a team's messages, by lane and reason; the largest number first.
///
/// Reads one row a lane and reason, however many messages wait.
pub async fn waiting_by_reason(domain: &Domain, team_id: i64) -> Result<Vec<LaneWaiting>> {
    let now = domain.clock.now();
    let counts = counts(domain, team_id, now).await?;
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let db = domain.db.read();
    let ids: HashSet<i64> = counts.iter().map(|count| count.lane_id).collect();
    let lanes = lanes::Entity::find()
        .filter(lanes::Column::TeamId.eq(team_id))
        .filter(lanes::Column::Id.is_in(ids))
        .all(db)
        .await?;
    let names = target_names(db, team_id).await?;
    let now_of = lanes_now(domain, &lanes, now).await?;

    let mut waiting: BTreeMap<(i64, Option<WaitReason>), (u64, WaitingNow)> = BTreeMap::new();
    for count in counts {
        let lane = now_of.get(&count.lane_id).copied().unwrap_or_default();
        let is = count.waits_for(lane);
        let (messages, known) = waiting.entry((count.lane_id, is.reason)).or_insert((0, is));
        *messages += count.messages;
        known.opens_at = [known.opens_at, is.opens_at].into_iter().flatten().min();
    }
    let lanes: HashMap<i64, lanes::Model> = lanes.into_iter().map(|lane| (lane.id, lane)).collect();
    let mut all = Vec::with_capacity(waiting.len());
    for ((lane_id, _), (messages, WaitingNow { reason, opens_at })) in waiting {
        let Some(lane) = lanes.get(&lane_id) else { continue };
        all.push(LaneWaiting {
            mode: lane.mode,
            scope: lane.scope,
            targets: names.targets_of(lane).into_iter().map(|target| target.name).collect(),
            messages,
            reason,
            opens_at,
        });
    }
    all.sort_by_key(|lane| std::cmp::Reverse(lane.messages));
    Ok(all)
}

/// State of all unfinished messages of the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueNow {
    /// Messages that are being sent.
    pub sending: u64,
    /// Other messages, by wait reason; `None` when they are next in line.
    pub waiting: BTreeMap<Option<WaitReason>, u64>,
}

/// Most lanes whose providers are examined, those with the most messages first. Messages of other lanes count by their
/// stored reason.
const LANES_LOOKED_AT: usize = 200;

/// Counts the queue of the whole installation.
///
/// Due messages, of which there may be millions, are counted in an index alone; only those with a due time of their own
/// are read. It is a full scan all the same, and not to be called many times a second.
pub async fn queue_now(domain: &Domain) -> Result<QueueNow> {
    let now = domain.clock.now();
    let due = "SELECT lane_id, NULL AS wait_reason, 0 AS later, COUNT(*) AS messages, MIN(due_at) AS due_at \
               FROM queue WHERE lease IS NULL AND due_at <= $1 GROUP BY lane_id";
    let later = "SELECT lane_id, wait_reason, 1 AS later, COUNT(*) AS messages, MIN(due_at) AS due_at \
                 FROM queue WHERE lease IS NULL AND due_at > $1 GROUP BY lane_id, wait_reason";
    let mut counts = Vec::new();
    for sql in [due, later] {
        counts.extend(count(domain, sql, [now.into()]).await?);
    }
    let db = domain.db.read();
    let leased = queue::Entity::find().filter(queue::Column::Lease.is_not_null());
    let sending = leased.count(db).await?;

    let mut of_lane: HashMap<i64, u64> = HashMap::new();
    for count in &counts {
        *of_lane.entry(count.lane_id).or_default() += count.messages;
    }
    let mut largest: Vec<(i64, u64)> = of_lane.into_iter().collect();
    largest.sort_unstable_by_key(|(lane_id, messages)| (std::cmp::Reverse(*messages), *lane_id));
    let ids = largest.into_iter().take(LANES_LOOKED_AT).map(|(lane_id, _)| lane_id);
    let lanes = lanes::Entity::find()
        .filter(lanes::Column::Id.is_in(ids))
        .all(db)
        .await?;
    let now_of = lanes_now(domain, &lanes, now).await?;

    let mut waiting = BTreeMap::new();
    for count in counts {
        let lane = now_of.get(&count.lane_id).copied().unwrap_or_default();
        *waiting.entry(count.waits_for(lane).reason).or_default() += count.messages;
    }
    Ok(QueueNow { sending, waiting })
}

/// Messages of one lane with the same stored reason, all due or all due later.
struct Count {
    lane_id: i64,
    reason: Option<WaitReason>,
    /// Due time; `None` for messages that are due.
    due_at: Option<Timestamp>,
    messages: u64,
}

impl Count {
    /// Wait of these messages. `lane` is the wait of the whole lane.
    fn waits_for(&self, lane: WaitingNow) -> WaitingNow {
        match (self.due_at, self.reason) {
            (None, _) => lane,
            // The stored time is when the engine tries again; the state of the providers is more exact.
            (Some(_), Some(WaitReason::Cap | WaitReason::Throttled | WaitReason::Blocked)) if lane.reason.is_some() => {
                lane
            }
            (due_at, reason) => WaitingNow {
                reason,
                opens_at: due_at,
            },
        }
    }
}

async fn counts(domain: &Domain, team_id: i64, now: Timestamp) -> Result<Vec<Count>> {
    let sql = "SELECT lane_id, wait_reason, CASE WHEN due_at > $1 THEN 1 ELSE 0 END AS later, \
                      COUNT(*) AS messages, MIN(due_at) AS due_at \
               FROM queue WHERE team_id = $2 AND lease IS NULL GROUP BY 1, 2, 3";
    count(domain, sql, [now.into(), team_id.into()]).await
}

/// Runs a counting statement.
async fn count(domain: &Domain, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<Count>> {
    let statement = Statement::from_sql_and_values(domain.db.backend(), sql, values);
    let rows = sea_orm::ConnectionTrait::query_all_raw(domain.db.read(), statement).await?;
    rows.into_iter()
        .map(|row| {
            let later: i32 = row.try_get("", "later")?;
            let messages: i64 = row.try_get("", "messages")?;
            let due_at = row.try_get("", "due_at")?;
            Ok(Count {
                lane_id: row.try_get("", "lane_id")?,
                reason: row.try_get("", "wait_reason")?,
                due_at: (later == 1).then_some(due_at),
                messages: u64::try_from(messages).unwrap_or(0),
            })
        })
        .collect()
}

/// Waits of these lanes as a whole.
async fn lanes_now(domain: &Domain, lanes: &[lanes::Model], now: Timestamp) -> Result<HashMap<i64, WaitingNow>> {
    let mut pools = Vec::with_capacity(lanes.len());
    for lane in lanes {
        pools.push(domain.routes.pool(domain, lane.id).await?);
    }
    let providers: HashSet<i64> = pools
        .iter()
        .flat_map(|pool| pool.members.iter().map(|member| member.provider_id))
        .collect();
    let runtimes = runtime::read(domain.db.read(), providers).await?;
    let request = SelectionRequest::smallest();
    Ok(pools
        .into_iter()
        .map(|pool| {
            let candidates = candidates(&pool.members, &request, &runtimes, &HashMap::new(), now);
            (pool.lane_id, kept_by(&select_for(&candidates, &request, now)))
        })
        .collect())
}

fn kept_by(selection: &Selection) -> WaitingNow {
    match (selection.chosen, selection.waiting) {
        (None, Some(waiting)) => WaitingNow {
            reason: Some(waiting.reason),
            opens_at: waiting.opens_at,
        },
        _ => WaitingNow::default(),
    }
}

/// Wait of a message of the queue that is not being sent.
pub async fn waiting_of(domain: &Domain, row: &Row) -> Result<WaitingNow> {
    let now = domain.clock.now();
    let due_at = row.due_at;
    let written = WaitingNow {
        reason: row.wait_reason,
        opens_at: Some(due_at),
    };
    if due_at > now && matches!(row.wait_reason, None | Some(WaitReason::Retry | WaitReason::Scheduled)) {
        return Ok(written);
    }
    let progress = Progress::of(row);
    let PoolSelection { selection, .. } =
        select_in_pool(domain, row.lane_id, &SelectionRequest::of(row, &progress)).await?;
    let kept = kept_by(&selection);
    if kept.reason.is_none() {
        return Ok(if due_at > now { written } else { kept });
    }
    // The next round comes first if nothing opens before it.
    Ok(match progress.round.retry_at {
        Some(retry_at) if kept.opens_at.is_none_or(|opens_at| retry_at <= opens_at) => WaitingNow {
            reason: Some(WaitReason::Retry),
            opens_at: Some(retry_at),
        },
        _ => kept,
    })
}
