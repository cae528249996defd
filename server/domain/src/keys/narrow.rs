//! Narrowing a key's scope for one message to some of the delivery groups within it.
//!
//! The scope `all` contains every group of the team, a scope of groups those that it names. A scope of providers
//! contains none: the members of a group are looked up for every message, so a group could come to contain providers
//! outside the scope.

use super::KeyContext;
use crate::Domain;
use crate::entities::{delivery_groups, lanes as lane_rows};
use crate::error::{Error, Result};
use crate::ids::{self, IdKind};
use crate::lanes::{self, ScopeKind};
use crate::signals::Signals;
use parking_lot::Mutex;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// Some of the groups within the scope of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowed {
    /// The lane of these groups.
    pub lane_id: i64,
    /// Their public ids, each once, in the order given.
    pub groups: Vec<String>,
}

/// Indices of those named groups that are not within the scope. Unknown groups, those of other teams and those outside
/// the scope are not distinguished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideScope(pub Vec<usize>);

/// Maximum age of a cached result; as with keys and pools, changes on other nodes take effect within two seconds.
const MAX_AGE: Duration = Duration::from_millis(1_500);
/// Most cached results.
const MAX_ENTRIES: usize = 10_000;

/// Cache of narrowed scopes, so that a stream of messages to the same groups costs no queries. Only groups within the
/// scope are cached.
#[derive(Debug, Default)]
pub struct NarrowedScopes(Mutex<HashMap<(i64, Vec<String>), Cached>>);

#[derive(Debug)]
struct Cached {
    narrowed: Narrowed,
    team_id: i64,
    read_at: Timestamp,
    generation: u64,
}

impl Cached {
    fn is_fresh(&self, now: Timestamp, signals: &Signals) -> bool {
        now.since(self.read_at) <= MAX_AGE && !signals.team_changed_since(self.team_id, self.generation)
    }
}

impl NarrowedScopes {
    fn get(&self, asked: &(i64, Vec<String>), now: Timestamp, signals: &Signals) -> Option<Narrowed> {
        let all = self.0.lock();
        let cached = all.get(asked).filter(|cached| cached.is_fresh(now, signals))?;
        Some(cached.narrowed.clone())
    }

    /// Makes room by dropping expired entries, or all entries if none has expired.
    fn put(&self, asked: (i64, Vec<String>), cached: Cached, signals: &Signals) {
        let mut all = self.0.lock();
        if all.len() >= MAX_ENTRIES && !all.contains_key(&asked) {
            all.retain(|_, old| old.is_fresh(cached.read_at, signals));
            if all.len() >= MAX_ENTRIES {
                all.clear();
            }
        }
        all.insert(asked, cached);
    }
}

/// Narrows the scope of a key to these groups, by public id. It never widens it: groups outside the scope are refused,
/// not left out.
///
/// # Errors
/// [`Error::Internal`] for a key without a lane; otherwise the database's.
pub async fn narrow(
    domain: &Domain,
    key: &KeyContext,
    groups: &[String],
) -> Result<std::result::Result<Narrowed, OutsideScope>> {
    let asked = (key.lane_id, groups.to_vec());
    // Read before the queries: a change while they run makes their result outdated.
    let (now, generation) = (domain.clock.now(), domain.signals.config_generation());
    if let Some(narrowed) = domain.narrowed_scopes.get(&asked, now, &domain.signals) {
        return Ok(Ok(narrowed));
    }
    let found = look_up(domain, key, groups).await?;
    if let Ok(narrowed) = &found {
        let cached = Cached {
            narrowed: narrowed.clone(),
            team_id: key.team_id,
            read_at: now,
            generation,
        };
        domain.narrowed_scopes.put(asked, cached, &domain.signals);
    }
    Ok(found)
}

async fn look_up(
    domain: &Domain,
    key: &KeyContext,
    groups: &[String],
) -> Result<std::result::Result<Narrowed, OutsideScope>> {
    let db = domain.db.read();
    let lane = lane_rows::Entity::find_by_id(key.lane_id)
        .one(db)
        .await?
        .ok_or_else(|| Error::Internal(format!("key {} has no lane", key.public_id)))?;
    let within = |id: i64| match lane.scope {
        ScopeKind::All => true,
        ScopeKind::Groups => lane.targets.0.contains(&id),
        ScopeKind::Providers => false,
    };
    let asked: Vec<_> = groups.iter().map(|id| ids::group(id)).collect();
    let known: HashMap<String, i64> = delivery_groups::Entity::find()
        .filter(delivery_groups::Column::TeamId.eq(key.team_id))
        .filter(
            delivery_groups::Column::PublicId
                .is_in(asked.iter().filter(|id| IdKind::Group.matches(id)).map(|id| &**id)),
        )
        .all(db)
        .await?
        .into_iter()
        .filter(|group| within(group.id))
        .map(|group| (group.public_id, group.id))
        .collect();
    let (mut targets, mut named, mut outside) = (Vec::new(), Vec::<String>::new(), Vec::new());
    for (place, id) in asked.iter().enumerate() {
        match known.get(&**id) {
            Some(target) if !targets.contains(target) => {
                targets.push(*target);
                named.push(id.clone().into_owned());
            }
            Some(_) => {}
            None => outside.push(place),
        }
    }
    if !outside.is_empty() {
        return Ok(Err(OutsideScope(outside)));
    }
    let lane_id = match lanes::find(db, key.team_id, key.mode, ScopeKind::Groups, &targets).await? {
        Some(lane_id) => lane_id,
        None => {
            let tx = domain.db.begin().await?;
            let lane_id = lanes::intern(&tx, key.team_id, key.mode, ScopeKind::Groups, &targets).await?;
            tx.commit().await?;
            lane_id
        }
    };
    Ok(Ok(Narrowed { lane_id, groups: named }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Session;
    use crate::groups;
    use crate::keys::Scope;
    use crate::testing::{TestDomain, databases, smtp_provider};
    use sendmux_rules::Mode;

    async fn group(test: &TestDomain, session: &Session, name: &str, providers: &[&str]) -> String {
        let members = providers.iter().map(|id| ((*id).to_owned(), None)).collect();
        let made = groups::create(test, &session.actor(None), name, members).await;
        made.unwrap().public_id
    }

    #[tokio::test]
    async fn a_scope_is_narrowed_and_never_widened() {
        for test in databases().await {
            let session = test.owner("Acme").await;
            let one = smtp_provider(&test, &session, "one").await.public_id;
            let two = smtp_provider(&test, &session, "two").await.public_id;
            let a = group(&test, &session, "a", &[&one]).await;
            let b = group(&test, &session, "b", &[&two]).await;
            let empty = group(&test, &session, "empty", &[]).await;
            let rival = test.owner("Rival").await;
            let foreign = group(&test, &rival, "theirs", &[]).await;
            let unknown = IdKind::Group.generate();
            let old = a.strip_prefix('d').unwrap().to_owned();

            let all = Scope::All;
            let of_a = Scope::Groups(vec![a.clone()]);
            let of_both = Scope::Groups(vec![a.clone(), b.clone()]);
            let of_one = Scope::Providers(vec![one.clone()]);
            let outside = |places: &[usize]| Err(OutsideScope(places.to_vec()));
            for mode in [Mode::Live, Mode::Test] {
                for (scope, asked, expected) in [
                    (&all, vec![&a], Ok(vec![&a])),
                    (&all, vec![&b, &a, &b], Ok(vec![&b, &a])),
                    (&all, vec![&old, &a], Ok(vec![&a])),
                    (&all, vec![&empty], Ok(vec![&empty])),
                    (&all, vec![&a, &unknown, &foreign], outside(&[1, 2])),
                    (&of_a, vec![&a], Ok(vec![&a])),
                    (&of_a, vec![&b], outside(&[0])),
                    (&of_a, vec![&a, &b, &unknown], outside(&[1, 2])),
                    (&of_both, vec![&b], Ok(vec![&b])),
                    (&of_both, vec![&a, &b], Ok(vec![&a, &b])),
                    (&of_one, vec![&a], outside(&[0])),
                    (&of_one, vec![&b], outside(&[0])),
                ] {
                    let key = test.sender(&session, mode, scope.clone()).await;
                    let asked: Vec<String> = asked.into_iter().cloned().collect();
                    for _ in 0..2 {
                        let found = narrow(&test, &key, &asked).await.unwrap();
                        let named = found.clone().map(|narrowed| narrowed.groups);
                        let expected = expected.clone().map(|ids| ids.into_iter().cloned().collect());
                        assert_eq!(named, expected, "{scope:?} to {asked:?}");
                        let Ok(narrowed) = found else { continue };
                        let pool = test.routes.pool(&test, narrowed.lane_id).await.unwrap();
                        let members: Vec<&str> = pool.members.iter().map(|member| member.name.as_str()).collect();
                        let expected: Vec<&str> = match mode {
                            Mode::Test => vec!["Sandbox"],
                            Mode::Live => [("one", &a), ("two", &b)]
                                .into_iter()
                                .filter(|(_, group)| narrowed.groups.contains(group))
                                .map(|(name, _)| name)
                                .collect(),
                        };
                        assert_eq!(members.len(), expected.len());
                        assert!(mode == Mode::Test || members == expected, "{members:?}");
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn a_group_that_is_gone_is_outside_at_once_and_elsewhere_within_two_seconds() {
        for test in databases().await {
            let session = test.owner("Acme").await;
            let a = group(&test, &session, "a", &[]).await;
            let key = test.sender(&session, Mode::Live, Scope::All).await;
            let elsewhere = test.second_node().await;
            let asked = [a.clone()];
            let lane = narrow(&test, &key, &asked).await.unwrap().unwrap().lane_id;
            assert_eq!(narrow(&elsewhere, &key, &asked).await.unwrap().unwrap().lane_id, lane);
            groups::delete(&test, &session.actor(None), &a).await.unwrap();
            assert!(narrow(&test, &key, &asked).await.unwrap().is_err());
            test.clock.advance(Duration::from_secs(2));
            assert!(narrow(&elsewhere, &key, &asked).await.unwrap().is_err());
            let pool = test.routes.pool(&test, lane).await.unwrap();
            assert!(
                pool.is_gone(),
                "what was accepted for it meanwhile does not wait for ever"
            );
        }
    }
}
