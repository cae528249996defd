//! Authentication by API key, without a query on the hot path.
//!
//! Results, a key or none, are cached for [`MAX_AGE`] and until something changes on this node, so that a revoked key
//! is refused at once here and within two seconds everywhere.

use super::token::{self, TokenHash};
use super::{Permission, permissions_of};
use crate::Domain;
use crate::entities::api_keys;
use crate::error::Result;
use parking_lot::Mutex;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use sendmux_rules::{Mode, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Maximum age of a cached result; with the query itself it stays under two seconds.
const MAX_AGE: Duration = Duration::from_millis(1_500);
/// Most keys, and most texts that are not keys, in the cache.
const MAX_ENTRIES: usize = 10_000;
/// Most concurrent queries for different keys. Requests with the same key share one query.
const LOOKUPS: usize = 32;
/// Least interval between writes of a key's `last_used_at`.
const LAST_USED_EVERY: Duration = Duration::from_secs(60);

/// The key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyContext {
    /// Database id of the key.
    pub key_id: i64,
    /// Public id of the key.
    pub public_id: String,
    /// Id of its team.
    pub team_id: i64,
    /// The lane of its scope.
    pub lane_id: i64,
    /// Mode of its messages: sent, or captured in the sandbox.
    pub mode: Mode,
    /// Permissions of the key.
    pub permissions: Vec<Permission>,
}

impl KeyContext {
    /// True if the key has this permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }
}

/// Recently looked-up keys.
#[derive(Debug)]
pub struct KeyCache {
    /// Separate maps, so that a flood of texts that are not keys does not evict keys.
    known: Mutex<HashMap<TokenHash, Entry<Known>>>,
    unknown: Mutex<HashMap<TokenHash, Entry<()>>>,
    lookups: [tokio::sync::Mutex<()>; LOOKUPS],
    last_used: Mutex<LastUsed>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    value: T,
    read_at: Timestamp,
    generation: u64,
}

#[derive(Clone, Debug)]
struct Known {
    context: Arc<KeyContext>,
    expires_at: Option<Timestamp>,
}

/// Times at which keys were last used, and times at which that was last written.
#[derive(Debug, Default)]
struct LastUsed {
    pending: HashMap<i64, Timestamp>,
    written: HashMap<i64, Timestamp>,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            unknown: Mutex::default(),
            lookups: std::array::from_fn(|_| tokio::sync::Mutex::default()),
            last_used: Mutex::default(),
        }
    }
}

impl<T> Entry<T> {
    fn is_fresh(&self, now: Timestamp, generation: u64) -> bool {
        self.generation == generation && self.read_at <= now && now.since(self.read_at) <= MAX_AGE
    }
}

/// Cached result for a text.
enum Cached {
    Key(Known),
    NoKey,
    Nothing,
}

impl KeyCache {
    fn get(&self, hash: &TokenHash, now: Timestamp, generation: u64) -> Cached {
        if let Some(entry) = self.known.lock().get(hash)
            && entry.is_fresh(now, generation)
        {
            return Cached::Key(entry.value.clone());
        }
        match self.unknown.lock().get(hash) {
            Some(entry) if entry.is_fresh(now, generation) => Cached::NoKey,
            _ => Cached::Nothing,
        }
    }

    fn put(&self, hash: TokenHash, found: Option<Known>, read_at: Timestamp, generation: u64) {
        match found {
            Some(value) => {
                self.unknown.lock().remove(&hash);
                insert_bounded(
                    &mut self.known.lock(),
                    hash,
                    Entry {
                        value,
                        read_at,
                        generation,
                    },
                );
            }
            None => {
                self.known.lock().remove(&hash);
                insert_bounded(
                    &mut self.unknown.lock(),
                    hash,
                    Entry {
                        value: (),
                        read_at,
                        generation,
                    },
                );
            }
        }
    }
}

/// Makes room by dropping expired entries, or all entries if none has expired.
fn insert_bounded<T>(map: &mut HashMap<TokenHash, Entry<T>>, hash: TokenHash, entry: Entry<T>) {
    if map.len() >= MAX_ENTRIES && !map.contains_key(&hash) {
        map.retain(|_, old| old.is_fresh(entry.read_at, entry.generation));
        if map.len() >= MAX_ENTRIES {
            map.clear();
        }
    }
    map.insert(hash, entry);
}

/// The key presented by a client, or `None`: unknown, revoked and expired keys are not distinguished.
pub async fn authenticate(domain: &Domain, presented: &str) -> Result<Option<Arc<KeyContext>>> {
    let Some(hash) = token::hash_presented(presented) else {
        return Ok(None);
    };
    let cache = &domain.key_cache;
    let look = || cache.get(&hash, domain.clock.now(), domain.signals.config_generation());
    let known = match look() {
        Cached::Key(known) => Some(known),
        Cached::NoKey => None,
        Cached::Nothing => {
            let _one_at_a_time = cache.lookups[usize::from(hash[0]) % LOOKUPS].lock().await;
            match look() {
                Cached::Key(known) => Some(known),
                Cached::NoKey => None,
                Cached::Nothing => {
                    // Read before the query: a change while it runs makes its result outdated.
                    let (now, generation) = (domain.clock.now(), domain.signals.config_generation());
                    let found = find(domain, &hash).await?;
                    cache.put(hash, found.clone(), now, generation);
                    found
                }
            }
        }
    };
    let now = domain.clock.now();
    let valid = known.filter(|known| known.expires_at.is_none_or(|expires_at| now < expires_at));
    Ok(valid.map(|known| {
        cache.last_used.lock().pending.insert(known.context.key_id, now);
        known.context
    }))
}

async fn find(domain: &Domain, hash: &TokenHash) -> Result<Option<Known>> {
    let row = api_keys::Entity::find()
        .filter(api_keys::Column::Hash.eq(hash.to_vec()))
        .filter(api_keys::Column::RevokedAt.is_null())
        .one(domain.db.read())
        .await?;
    let Some(row) = row else { return Ok(None) };
    // The index found it by its hash; equality is decided here, in constant time.
    if !bool::from(row.hash.as_slice().ct_eq(hash)) {
        return Ok(None);
    }
    Ok(Some(Known {
        expires_at: row.expires_at,
        context: Arc::new(KeyContext {
            mode: row.mode,
            permissions: permissions_of(&row),
            key_id: row.id,
            public_id: row.public_id,
            team_id: row.team_id,
            lane_id: row.lane_id,
        }),
    }))
}

/// Writes the times at which keys were last used, each at most once a minute. To be called every few seconds, and once
/// more before the process ends; requests do not wait for it.
pub async fn flush_last_used(domain: &Domain) -> Result<()> {
    let now = domain.clock.now();
    let cache = &domain.key_cache;
    let due = {
        let mut last_used = cache.last_used.lock();
        let LastUsed { pending, written } = &mut *last_used;
        written.retain(|_, at| at.is_within(LAST_USED_EVERY, now));
        let mut due: Vec<(i64, Timestamp)> = pending.extract_if(|key_id, _| !written.contains_key(key_id)).collect();
        // Always in the same order, to avoid deadlocks between nodes.
        due.sort_unstable();
        written.extend(due.iter().map(|(key_id, _)| (*key_id, now)));
        due
    };
    if due.is_empty() {
        return Ok(());
    }
    let written = write_last_used(domain, &due).await;
    if written.is_err() {
        // For the next time; a use in the meantime is later and replaces it.
        let mut last_used = cache.last_used.lock();
        for (key_id, at) in due {
            last_used.written.remove(&key_id);
            last_used.pending.entry(key_id).or_insert(at);
        }
    }
    written
}

async fn write_last_used(domain: &Domain, uses: &[(i64, Timestamp)]) -> Result<()> {
    let tx = domain.db.begin().await?;
    for (key_id, at) in uses {
        let older = Condition::any()
            .add(api_keys::Column::LastUsedAt.is_null())
            .add(api_keys::Column::LastUsedAt.lt(*at));
        api_keys::Entity::update_many()
            .col_expr(api_keys::Column::LastUsedAt, Expr::value(*at))
            .filter(api_keys::Column::Id.eq(*key_id))
            .filter(older)
            .exec(&tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_drops_the_stale_first() {
        let hash = |n: u32| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&n.to_be_bytes());
            hash
        };
        let cache = KeyCache::default();
        let start = Timestamp::from_millis(0);
        let later = start.plus(MAX_AGE * 2);
        let limit = u32::try_from(MAX_ENTRIES).unwrap();
        for n in 0..limit {
            cache.put(hash(n), None, if n < 10 { later } else { start }, 0);
        }
        cache.put(hash(limit), None, later, 0);
        assert_eq!(cache.unknown.lock().len(), 11);
        for n in 0..limit * 3 {
            cache.put(hash(n), None, later, 0);
            assert!(cache.unknown.lock().len() <= MAX_ENTRIES);
        }
    }

    #[test]
    fn what_was_found_is_believed_for_less_than_two_seconds_and_one_generation() {
        let cache = KeyCache::default();
        let start = Timestamp::from_millis(0);
        cache.put([7; 32], None, start, 3);
        let known = |at: Timestamp, generation| !matches!(cache.get(&[7; 32], at, generation), Cached::Nothing);
        assert!(known(start.plus(MAX_AGE), 3));
        assert!(!known(start.plus(MAX_AGE + Duration::from_millis(1)), 3));
        assert!(!known(start, 4));
        assert!(MAX_AGE < Duration::from_secs(2));
    }
}
