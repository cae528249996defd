//! Rate limits of a key and of all keys of a team: requests in a fixed minute of UTC.
//!
//! HTTP and SMTP count together, on all nodes: slots are taken in `rate_windows`, one row a key, by adding to the used
//! number and reading the sum. This is exact without a lock, and cheap, since the requests that arrive while one
//! statement runs share the next one, and a key that has used up its minute is refused from memory.
//!
//! Minutes do not move backwards: a clock that steps back a little, or a node whose clock is a little behind, counts in
//! the newest minute. A minute further ahead than the clock tolerance was begun by a wrong clock: its usage counts in
//! the current minute.
//!
//! On PostgreSQL exactly the requested slots are taken. SQLite has a single process, so there a key takes a twentieth
//! of its minute at a time and counts on in memory; the unused part is lost in a crash, so a restart never lets a key
//! exceed its limit.
//!
//! A team counts like a key, in the same statement, so that its limit costs none of its own; its row has the negated id of
//! the team. A key that is known to have used up its minute does not use up that of its team.

use crate::Domain;
use crate::db::{Db, DbBackend};
use crate::entities::rate_windows;
use crate::error::{Error, Result};
use crate::keys::KeyContext;
use parking_lot::Mutex;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, Statement, UpdateMany, Value};
use sendmux_rules::Timestamp;
use sendmux_rules::time::CLOCK_TOLERANCE;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

const WINDOW_MS: i64 = 60_000;
/// Most requests that wait for the next statement and share it.
const WAITING: usize = 4_000;
/// Divisor of the limit: the part of a minute that is taken at once on SQLite.
const PART: u32 = 20;

/// Result of counting a request against the rate limit of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitResult {
    /// Requests a minute.
    pub limit: u32,
    /// Requests left in this minute.
    pub remaining: u32,
    /// Start of the next minute, in seconds of Unix time.
    pub reset: i64,
    /// Time until then.
    pub retry_after: Duration,
    /// True if this request is within the limit.
    pub allowed: bool,
    /// The counted requests.
    pub counted: Counted,
}

/// Requests that a limit counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Those with this key.
    Key,
    /// Those with all keys of the team.
    Team,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "with this key",
            Self::Team => "with all keys of this team",
        })
    }
}

/// Counts one request against the rate limits of this key and its team. The result is that of the limit which refuses it,
/// else that of the key.
///
/// # Errors
/// The database's; [`Error::Unavailable`] while the server shuts down.
pub async fn take(domain: &Domain, key: &KeyContext) -> Result<RateLimitResult> {
    let limit = domain.settings.rate_limit_per_minute;
    let now = domain.clock.now();
    let limiter = &domain.rate_limiter;
    if let Some(slot) = limiter.refused(key.key_id, limit, now) {
        return Ok(slot.result(limit, now, Counted::Key));
    }
    let team_limit = domain.settings.team_rate_limit();
    let (of_key, of_team) = futures::try_join!(
        limiter.take(key.key_id, limit, now),
        limiter.take(-key.team_id, team_limit, now)
    )?;
    let of_key = of_key.result(limit, now, Counted::Key);
    let of_team = of_team.result(team_limit, now, Counted::Team);
    Ok(match of_key.allowed && !of_team.allowed {
        true => of_team,
        false => of_key,
    })
}

fn number_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(WINDOW_MS)
}

/// The newest minute that a correct clock can show.
fn newest(now: Timestamp) -> i64 {
    number_of(now.plus(CLOCK_TOLERANCE))
}

/// Dates minutes that were begun by a clock that was ahead back to `now`.
pub(crate) fn set_back(now: Timestamp) -> UpdateMany<rate_windows::Entity> {
    use rate_windows::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::WindowAt, Expr::value(number_of(now)))
        .filter(Column::WindowAt.gt(newest(now)))
}

/// Position of a request in the window of its key, within the limit or beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WindowSlot {
    /// Number of the minute since the epoch.
    window: i64,
    /// Number of the request in it, from 1.
    number: u32,
}

impl WindowSlot {
    fn result(self, limit: u32, now: Timestamp, counted: Counted) -> RateLimitResult {
        let end = Timestamp::from_millis((self.window + 1) * WINDOW_MS);
        RateLimitResult {
            limit,
            remaining: limit.saturating_sub(self.number),
            reset: end.as_millis() / 1_000,
            retry_after: end.since(now),
            allowed: self.number <= limit,
            counted,
        }
    }
}

/// Requests of the current minute, by key.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    db: Db,
    local: Arc<Mutex<Local>>,
    sender: OnceLock<mpsc::Sender<PendingRequest>>,
}

/// State of the minute in this process.
#[derive(Debug, Default)]
struct Local {
    window: i64,
    keys: HashMap<i64, Reserve>,
}

/// Slots of a key that were taken from the database and not used yet: those after `used`, up to `end`.
#[derive(Clone, Copy, Debug, Default)]
struct Reserve {
    used: u32,
    end: u32,
}

impl Local {
    /// Advances to this minute if it is later, or if the known one cannot be right.
    fn roll(&mut self, window: i64, newest: i64) {
        if window > self.window || self.window > newest {
            self.window = window;
            self.keys.clear();
        }
    }

    /// A slot from the local reserve, or one beyond the limit; `None` when the database must be asked.
    fn take(&mut self, key_id: i64, limit: u32) -> Option<WindowSlot> {
        let reserve = self.keys.get_mut(&key_id)?;
        if reserve.used < reserve.end || reserve.used >= limit {
            reserve.used = reserve.used.saturating_add(1);
            return Some(WindowSlot {
                window: self.window,
                number: reserve.used,
            });
        }
        None
    }
}

/// A request that waits for the next statement.
#[derive(Debug)]
struct PendingRequest {
    key_id: i64,
    limit: u32,
    now: Timestamp,
    answer: oneshot::Sender<Result<WindowSlot>>,
}

impl RateLimiter {
    pub(crate) fn new(db: Db) -> Self {
        Self {
            db,
            local: Arc::default(),
            sender: OnceLock::new(),
        }
    }

    /// A slot beyond the limit for a key that is known to have used up its minute.
    fn refused(&self, key_id: i64, limit: u32, now: Timestamp) -> Option<WindowSlot> {
        let mut local = self.local.lock();
        local.roll(number_of(now), newest(now));
        local.keys.get(&key_id).filter(|reserve| reserve.used >= limit)?;
        local.take(key_id, limit)
    }

    async fn take(&self, key_id: i64, limit: u32, now: Timestamp) -> Result<WindowSlot> {
        {
            let mut local = self.local.lock();
            local.roll(number_of(now), newest(now));
            if let Some(slot) = local.take(key_id, limit) {
                return Ok(slot);
            }
        }
        let (answer, answered) = oneshot::channel();
        let waiting = PendingRequest {
            key_id,
            limit,
            now,
            answer,
        };
        let gone = || Error::Unavailable("the server is shutting down".to_owned());
        self.sender().send(waiting).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// The task starts with the first request, so that a `Domain` of the command line has none.
    fn sender(&self) -> &mpsc::Sender<PendingRequest> {
        self.sender.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(WAITING);
            let worker = Worker {
                db: self.db.clone(),
                local: self.local.clone(),
            };
            tokio::spawn(worker.run(receiver));
            sender
        })
    }
}

struct Worker {
    db: Db,
    local: Arc<Mutex<Local>>,
}

/// Slots requested for one key.
#[derive(Default)]
struct Wanted {
    slots: u32,
    waiting: Vec<PendingRequest>,
}

impl Worker {
    async fn run(self, mut receiver: mpsc::Receiver<PendingRequest>) {
        while let Some(first) = receiver.recv().await {
            let mut group = vec![first];
            while group.len() < WAITING {
                let Ok(next) = receiver.try_recv() else { break };
                group.push(next);
            }
            self.serve(group).await;
        }
    }

    async fn serve(&self, group: Vec<PendingRequest>) {
        // In order of the keys, to avoid deadlocks between nodes.
        let mut wanted: BTreeMap<i64, Wanted> = BTreeMap::new();
        let (window, latest);
        {
            // The latest time of the group: its last request may have an earlier one.
            latest = group.iter().map(|waiting| waiting.now).max().unwrap_or(Timestamp::MIN);
            let mut local = self.local.lock();
            local.roll(number_of(latest), newest(latest));
            for waiting in group {
                // Another request may have reserved slots for this one too.
                match local.take(waiting.key_id, waiting.limit) {
                    Some(slot) => drop(waiting.answer.send(Ok(slot))),
                    None => wanted.entry(waiting.key_id).or_default().waiting.push(waiting),
                }
            }
            window = local.window;
        }
        if wanted.is_empty() {
            return;
        }
        for wanted in wanted.values_mut() {
            let asked = u32::try_from(wanted.waiting.len()).unwrap_or(u32::MAX);
            let part = match self.db.backend() {
                DbBackend::Sqlite => wanted.waiting.first().map_or(1, |first| first.limit / PART),
                _ => 1,
            };
            wanted.slots = asked.max(part);
        }
        match self.add(window, newest(latest), &wanted).await {
            Ok(used) => self.give_out(wanted, &used, newest(latest)),
            Err(error) => {
                tracing::warn!(%error, "the rate limit cannot be looked up");
                for waiting in wanted.into_values().flat_map(|wanted| wanted.waiting) {
                    drop(waiting.answer.send(Err(error.shared())));
                }
            }
        }
    }

    fn give_out(&self, wanted: BTreeMap<i64, Wanted>, used: &HashMap<i64, (i64, u32)>, newest: i64) {
        let mut local = self.local.lock();
        for (key_id, Wanted { slots, waiting }) in wanted {
            let Some(&(window, end)) = used.get(&key_id) else {
                for one in waiting {
                    let error = Error::Internal(format!("the rate window of key {key_id} was not written"));
                    drop(one.answer.send(Err(error)));
                }
                continue;
            };
            let mut used = end.saturating_sub(slots);
            for one in waiting {
                used += 1;
                drop(one.answer.send(Ok(WindowSlot { window, number: used })));
            }
            local.roll(window, newest);
            if window == local.window {
                local.keys.insert(key_id, Reserve { used, end });
            }
        }
    }

    /// Adds to the used slots; returns, by key, the window they were added to and the sum. A row of a later window, by
    /// another node's clock, is kept, unless it is later than `newest`.
    async fn add(&self, window: i64, newest: i64, wanted: &BTreeMap<i64, Wanted>) -> Result<HashMap<i64, (i64, u32)>> {
        let backend = self.db.backend();
        let statement = Statement::from_sql_and_values(
            backend,
            statement(backend, wanted.len()),
            wanted
                .iter()
                .flat_map(|(key_id, wanted)| {
                    let slots = i32::try_from(wanted.slots).unwrap_or(i32::MAX);
                    [Value::from(*key_id), Value::from(window), Value::from(slots)]
                })
                .chain([Value::from(newest)]),
        );
        let rows = match backend {
            DbBackend::Sqlite => {
                let tx = self.db.begin().await?;
                let rows = tx.query_all_raw(statement).await?;
                tx.commit().await?;
                rows
            }
            // One statement is a transaction of its own.
            _ => self.db.read().query_all_raw(statement).await?,
        };
        rows.iter().map(sum_of).collect()
    }
}

fn sum_of(row: &QueryResult) -> Result<(i64, (i64, u32))> {
    let used: i32 = row.try_get("", "used")?;
    let window = row.try_get("", "window_at")?;
    Ok((row.try_get("", "key_id")?, (window, u32::try_from(used).unwrap_or(0))))
}

fn statement(backend: DbBackend, keys: usize) -> String {
    let rows = (0..keys).map(|row| match backend {
        DbBackend::Sqlite => "(?, ?, ?)".to_owned(),
        _ => {
            let first = row * 3 + 1;
            format!("(${first}::bigint, ${}::bigint, ${}::integer)", first + 1, first + 2)
        }
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    let newest = match backend {
        DbBackend::Sqlite => "?".to_owned(),
        _ => format!("${}::bigint", keys * 3 + 1),
    };
    let source = match backend {
        DbBackend::Sqlite => format!("VALUES {rows}"),
        // Losing the last half second of counts in a crash of the database server is harmless: no need to wait for its
        // disk.
        _ => format!(
            "SELECT taken.* FROM (VALUES {rows}) AS taken, (SELECT set_config('synchronous_commit', 'off', true)) AS quickly"
        ),
    };
    format!(
        "INSERT INTO rate_windows (key_id, window_at, used) {source} \
         ON CONFLICT (key_id) DO UPDATE SET \
         used = CASE WHEN rate_windows.window_at >= excluded.window_at THEN rate_windows.used + excluded.used \
         ELSE excluded.used END, \
         window_at = CASE WHEN rate_windows.window_at BETWEEN excluded.window_at AND {newest} \
         THEN rate_windows.window_at ELSE excluded.window_at END \
         RETURNING key_id, window_at, used"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Scope;
    use crate::settings::Settings;
    use crate::testing::{TestDomain, databases, databases_with};
    use sendmux_rules::Mode;

    fn nodes(test: &TestDomain, count: usize) -> Vec<RateLimiter> {
        (0..count).map(|_| RateLimiter::new(test.db.clone())).collect()
    }

    async fn taken(limiter: &RateLimiter, key_id: i64, limit: u32, seconds: i64) -> RateLimitResult {
        let now = Timestamp::from_millis(seconds * 1_000);
        let slot = limiter.take(key_id, limit, now).await.unwrap();
        slot.result(limit, now, Counted::Key)
    }

    #[tokio::test]
    async fn counts_each_key_in_fixed_minutes() {
        for test in databases().await {
            let limiter = &nodes(&test, 1)[0];
            let first = taken(limiter, 1, 2, 599).await;
            assert_eq!((first.allowed, first.remaining, first.reset), (true, 1, 600));
            assert_eq!(first.retry_after, Duration::from_secs(1));
            assert!(taken(limiter, 1, 2, 599).await.allowed);
            for _ in 0..3 {
                let over = taken(limiter, 1, 2, 599).await;
                assert_eq!((over.allowed, over.remaining), (false, 0));
            }
            assert!(taken(limiter, 2, 2, 599).await.allowed, "another key has its own");
            let next = taken(limiter, 1, 2, 600).await;
            assert_eq!((next.allowed, next.remaining, next.reset), (true, 1, 660));
        }
    }

    #[tokio::test]
    async fn all_keys_of_a_team_together_have_a_limit_too() {
        for test in databases_with(Settings {
            rate_limit_per_minute: 3,
            rate_limit_per_team: Some(5),
            ..Settings::default()
        })
        .await
        {
            let (acme, globex) = (test.owner("Acme").await, test.owner("Globex").await);
            let mut keys = Vec::new();
            for session in [&acme, &acme, &acme, &globex] {
                keys.push(test.sender(session, Mode::Live, Scope::All).await);
            }
            let mut made = Vec::new();
            for key in [0, 0, 0, 0, 0, 1, 1, 1, 2, 3] {
                let result = take(&test, &keys[key]).await.unwrap();
                made.push((key, result.allowed, result.counted));
            }
            let (of_key, of_team) = (Counted::Key, Counted::Team);
            let first = [
                (0, true, of_key),
                (0, true, of_key),
                (0, true, of_key),
                (0, false, of_key),
            ];
            assert_eq!(made[..4], first);
            // What one key has beyond its limit does not count for its team.
            let second = [
                (0, false, of_key),
                (1, true, of_key),
                (1, true, of_key),
                (1, false, of_team),
            ];
            assert_eq!(made[4..8], second);
            assert_eq!(made[8..], [(2, false, of_team), (3, true, of_key)]);
        }
    }

    #[tokio::test]
    async fn a_clock_that_steps_back_gives_nothing_away() {
        for test in databases().await {
            let nodes = nodes(&test, 2);
            assert!(taken(&nodes[0], 1, 1, 600).await.allowed);
            for (node, seconds) in [(0, 599), (1, 599), (0, 601), (1, 601)] {
                assert!(!taken(&nodes[node], 1, 1, seconds).await.allowed);
            }
            assert!(taken(&nodes[1], 1, 1, 660).await.allowed);
        }
    }

    #[tokio::test]
    async fn a_clock_that_was_ahead_binds_for_a_minute_at_most() {
        for test in databases().await {
            let nodes = nodes(&test, 2);
            let (ahead, now) = (600 + 86_400, 600);
            assert!(taken(&nodes[0], 1, 1, ahead).await.allowed);
            assert!(taken(&nodes[0], 2, 2, ahead).await.allowed);
            for node in &nodes {
                let over = taken(node, 1, 1, now).await;
                assert_eq!((over.allowed, over.reset), (false, now + 60));
            }
            let second = taken(&nodes[1], 2, 2, now).await;
            assert_eq!(
                (second.allowed, second.remaining),
                (true, 0),
                "what was used counts in the minute of now"
            );
            for node in &nodes {
                assert!(!taken(node, 2, 2, now + 1).await.allowed);
                assert!(taken(node, 1, 2, now + 60).await.allowed);
            }
        }
    }

    #[tokio::test]
    async fn every_place_is_given_once_however_many_ask_and_wherever() {
        for test in databases().await {
            // On SQLite there is one process; a second one only exists after a crash.
            let nodes = nodes(&test, if test.db.backend() == DbBackend::Sqlite { 1 } else { 3 });
            let asking = (0..900).map(|n| taken(&nodes[n % nodes.len()], n as i64 % 2, 400, 0));
            let answers = futures::future::join_all(asking).await;
            let allowed: Vec<&RateLimitResult> = answers.iter().filter(|taken| taken.allowed).collect();
            assert_eq!(allowed.len(), 800);
            let mut remaining: Vec<u32> = allowed.iter().map(|taken| taken.remaining).collect();
            remaining.sort_unstable();
            let each_twice: Vec<u32> = (0..400).flat_map(|left| [left, left]).collect();
            assert_eq!(remaining, each_twice);
        }
    }

    #[tokio::test]
    async fn a_restart_never_gives_more_than_the_limit() {
        for test in databases().await {
            let mut allowed = 0;
            for limiter in nodes(&test, 30) {
                for _ in 0..7 {
                    allowed += u32::from(taken(&limiter, 1, 100, 0).await.allowed);
                }
            }
            assert!((70..=100).contains(&allowed), "{allowed}");
        }
    }

    #[tokio::test]
    async fn a_limit_that_was_lowered_does_not_underflow() {
        for test in databases().await {
            let limiter = &nodes(&test, 1)[0];
            for _ in 0..5 {
                taken(limiter, 1, 5, 0).await;
            }
            let now = taken(limiter, 1, 2, 0).await;
            assert_eq!((now.allowed, now.remaining), (false, 0));
        }
    }
}
