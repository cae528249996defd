//! Browser sessions, stored in the database so that every node knows them and they survive restarts.
//!
//! The table holds the SHA-256 of a session's id, not the id: a copy of the database opens no session.

use crate::accounts::Session;
use crate::db::Transaction;
use crate::entities::sessions::{ActiveModel, Column, Entity, Model};
use crate::error::{Error, Result};
use crate::{Domain, audit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, TryInsertResult};
use sendmux_rules::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::time::Duration;

/// Time between two notes of a session's last use.
const SEEN_EVERY: Duration = Duration::from_secs(10 * 60);
/// Characters that are kept of a User-Agent field.
const AGENT_CHARS: usize = 300;

/// A session that has not expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// The contents, as written by the caller.
    pub data: String,
    /// End of the session.
    pub expires_at: Timestamp,
}

/// Stores a new session. Returns false, and writes nothing, if there is one with this id already.
pub async fn create(domain: &Domain, id: &str, data: &str, expires_at: Timestamp) -> Result<bool> {
    let tx = domain.db.begin().await?;
    let inserted = Entity::insert(row(id, data, expires_at))
        .on_conflict_do_nothing_on([Column::Id])
        .exec_without_returning(&tx)
        .await?;
    tx.commit().await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1..)))
}

/// Stores a session, in place of what it was. One that has ended meanwhile stays ended: a request that was in flight when
/// somebody signed out does not bring it back.
pub async fn save(domain: &Domain, id: &str, data: &str, expires_at: Timestamp) -> Result<()> {
    update(domain, &stored_id(id), row(id, data, expires_at)).await
}

/// Changes these columns of a session, if it has not ended.
async fn update(domain: &Domain, stored_id: &str, columns: ActiveModel) -> Result<()> {
    let tx = domain.db.begin().await?;
    Entity::update_many()
        .set(columns)
        .filter(Column::Id.eq(stored_id))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// A session by its id; `None` if it does not exist, was deleted, or has expired. Notes the use of one that belongs to
/// somebody, at most once in ten minutes.
pub async fn load(domain: &Domain, id: &str) -> Result<Option<StoredSession>> {
    let now = domain.clock.now();
    let found = Entity::find_by_id(stored_id(id))
        .filter(Column::ExpiresAt.gt(now))
        .one(domain.db.read())
        .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    if row.last_seen_at.is_some_and(|at| at.plus(SEEN_EVERY) <= now) {
        // Pages can be read while nothing can be written.
        let used = ActiveModel {
            last_seen_at: Set(Some(now)),
            ..ActiveModel::default()
        };
        if let Err(error) = update(domain, &row.id, used).await {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
    }
    Ok(Some(StoredSession {
        data: row.data,
        expires_at: row.expires_at,
    }))
}

/// A browser in which somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInBrowser {
    /// Id of the session for [`end`]. It opens nothing: it is the hash of the one in the cookie.
    pub handle: String,
    /// Time of the sign-in.
    pub created_at: Timestamp,
    /// Time of the last use, at most ten minutes behind.
    pub last_seen_at: Timestamp,
    /// Address of the sign-in.
    pub address: Option<String>,
    /// User-Agent of the browser.
    pub agent: Option<String>,
    /// It is the session that asks.
    pub is_current: bool,
}

/// Gives a stored session to the person who has just signed in with it, from this address and browser.
pub async fn begin(domain: &Domain, id: &str, user_id: i64, remote: Option<IpAddr>, agent: Option<&str>) -> Result<()> {
    let now = domain.clock.now();
    let of_person = ActiveModel {
        user_id: Set(Some(user_id)),
        created_at: Set(Some(now)),
        last_seen_at: Set(Some(now)),
        address: Set(remote.map(|remote| remote.to_canonical().to_string())),
        agent: Set(agent.map(|agent| agent.chars().take(AGENT_CHARS).collect())),
        ..ActiveModel::default()
    };
    update(domain, &stored_id(id), of_person).await
}

/// The sessions of a person, the last used first. `current` is the id of the one that asks.
pub async fn of_user(domain: &Domain, user_id: i64, current: &str) -> Result<Vec<SignedInBrowser>> {
    let current = stored_id(current);
    let rows = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::ExpiresAt.gt(domain.clock.now()))
        .order_by_desc(Column::LastSeenAt)
        .order_by_asc(Column::Id)
        .all(domain.db.read())
        .await?;
    Ok(rows.into_iter().map(|row| signed_in_browser(row, &current)).collect())
}

fn signed_in_browser(row: Model, current: &str) -> SignedInBrowser {
    SignedInBrowser {
        is_current: row.id == current,
        handle: row.id,
        created_at: row.created_at.unwrap_or_default(),
        last_seen_at: row.last_seen_at.unwrap_or_default(),
        address: row.address,
        agent: row.agent,
    }
}

/// Ends a session of the person by its handle, at once.
///
/// # Errors
/// [`Error::NotFound`], for those of others too.
pub async fn end(domain: &Domain, person: &Session, handle: &str, remote: Option<IpAddr>) -> Result<()> {
    let tx = domain.db.begin().await?;
    let ended = Entity::delete_many()
        .filter(Column::Id.eq(handle))
        .filter(Column::UserId.eq(person.user.id))
        .exec(&tx)
        .await?;
    if ended.rows_affected == 0 {
        return Err(Error::NotFound("session"));
    }
    record_end(&tx, domain, person, remote, 1).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends all sessions of the person but the one with the id `current`, at once, and returns their number.
pub async fn end_others(domain: &Domain, person: &Session, current: &str, remote: Option<IpAddr>) -> Result<u64> {
    let tx = domain.db.begin().await?;
    let ended = Entity::delete_many()
        .filter(Column::UserId.eq(person.user.id))
        .filter(Column::Id.ne(stored_id(current)))
        .exec(&tx)
        .await?
        .rows_affected;
    if ended > 0 {
        record_end(&tx, domain, person, remote, ended).await?;
    }
    tx.commit().await?;
    Ok(ended)
}

/// Ends all sessions of a person whose password is changed.
pub(crate) async fn end_all(tx: &Transaction, user_id: i64) -> Result<()> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user_id))
        .exec(tx)
        .await?;
    Ok(())
}

async fn record_end(
    tx: &Transaction,
    domain: &Domain,
    person: &Session,
    remote: Option<IpAddr>,
    sessions: u64,
) -> Result<()> {
    audit::record(
        tx,
        domain.clock.now(),
        &person.actor(remote),
        "user.sessions_ended",
        &person.user.public_id,
        json!({ "sessions": sessions }),
    )
    .await
}

/// Ends a session.
pub async fn delete(domain: &Domain, id: &str) -> Result<()> {
    let tx = domain.db.begin().await?;
    Entity::delete_by_id(stored_id(id)).exec(&tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes expired sessions and returns their number. To be called regularly.
pub async fn delete_expired(domain: &Domain) -> Result<u64> {
    domain
        .db
        .delete_where::<Entity>(Column::ExpiresAt.lte(domain.clock.now()))
        .await
}

fn row(id: &str, data: &str, expires_at: Timestamp) -> ActiveModel {
    ActiveModel {
        id: Set(stored_id(id)),
        data: Set(data.to_owned()),
        expires_at: Set(expires_at),
        ..ActiveModel::default()
    }
}

fn stored_id(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts;
    use crate::testing::{PASSWORD, TestDomain, databases};

    #[tokio::test]
    async fn a_session_lives_until_it_expires_or_is_deleted() {
        for test in databases().await {
            let end = test.domain.clock.now().plus(Duration::from_secs(60));
            assert!(create(&test, "a", "{}", end).await.unwrap());
            assert!(!create(&test, "a", "stolen", end).await.unwrap());
            save(&test, "a", r#"{"user":"usr_1"}"#, end.plus(Duration::from_secs(60)))
                .await
                .unwrap();
            assert!(create(&test, "b", "{}", end).await.unwrap());
            assert_eq!(load(&test, "a").await.unwrap().unwrap().data, r#"{"user":"usr_1"}"#);

            test.clock.advance(Duration::from_secs(60));
            assert!(load(&test, "a").await.unwrap().is_some());
            assert_eq!(load(&test, "b").await.unwrap(), None);
            assert_eq!(delete_expired(&test).await.unwrap(), 1);

            delete(&test, "a").await.unwrap();
            delete(&test, "a").await.unwrap();
            assert_eq!(load(&test, "a").await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_session_that_has_ended_is_not_saved_again() {
        for test in databases().await {
            let end = test.domain.clock.now().plus(Duration::from_secs(60));
            assert!(create(&test, "a", "{}", end).await.unwrap());
            delete(&test, "a").await.unwrap();
            save(&test, "a", r#"{"user":"usr_1"}"#, end).await.unwrap();
            assert_eq!(load(&test, "a").await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn the_table_does_not_hold_session_ids() {
        for test in databases().await {
            let end = test.domain.clock.now().plus(Duration::from_secs(60));
            assert!(create(&test, "the-id-of-a-session", "{}", end).await.unwrap());
            let rows = Entity::find().all(test.db.read()).await.unwrap();
            assert_eq!(rows.len(), 1);
            assert!(!rows[0].id.contains("the-id"));
        }
    }

    async fn signed_in(test: &TestDomain, id: &str, person: &Session) {
        let end = test.domain.clock.now().plus(Duration::from_secs(24 * 60 * 60));
        assert!(create(test, id, "{}", end).await.unwrap());
        let remote = Some(IpAddr::from([192, 0, 2, 7]));
        begin(test, id, person.user.id, remote, Some("Firefox/1"))
            .await
            .unwrap();
    }

    async fn handles(test: &TestDomain, person: &Session, current: &str) -> Vec<String> {
        let all = of_user(test, person.user.id, current).await.unwrap();
        all.into_iter().map(|one| one.handle).collect()
    }

    #[tokio::test]
    async fn a_person_sees_their_sessions_and_ends_each_and_all_others() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            let bob = test.owner("Bob").await;
            let end_of_visitor = test.domain.clock.now().plus(Duration::from_secs(600));
            assert!(create(&test, "visitor", "{}", end_of_visitor).await.unwrap());
            signed_in(&test, "of bob", &bob).await;
            for id in ["one", "two", "three"] {
                signed_in(&test, id, &ada).await;
            }
            let all = of_user(&test, ada.user.id, "two").await.unwrap();
            assert_eq!(all.len(), 3);
            for session in &all {
                assert_eq!(session.is_current, session.handle == stored_id("two"));
                assert_eq!(session.address.as_deref(), Some("192.0.2.7"));
                assert_eq!(session.agent.as_deref(), Some("Firefox/1"));
                assert_eq!(session.created_at, test.domain.clock.now());
            }

            let refused = end(&test, &ada, &stored_id("of bob"), None).await;
            assert!(matches!(refused, Err(Error::NotFound(_))));
            end(&test, &ada, &stored_id("one"), None).await.unwrap();
            assert_eq!(load(&test, "one").await.unwrap(), None);
            // A request that was in flight does not bring it back.
            save(&test, "one", "{}", end_of_visitor).await.unwrap();
            assert_eq!(load(&test, "one").await.unwrap(), None);

            assert_eq!(end_others(&test, &ada, "two", None).await.unwrap(), 1);
            assert_eq!(handles(&test, &ada, "two").await, [stored_id("two")]);
            assert!(load(&test, "of bob").await.unwrap().is_some());
            assert!(load(&test, "visitor").await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn the_last_use_is_noted_once_in_ten_minutes() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            signed_in(&test, "one", &ada).await;
            let began = test.domain.clock.now();
            let last_seen = async || of_user(&test, ada.user.id, "one").await.unwrap()[0].last_seen_at;
            test.clock.advance(SEEN_EVERY - Duration::from_secs(1));
            load(&test, "one").await.unwrap().unwrap();
            assert_eq!(last_seen().await, began);
            test.clock.advance(Duration::from_secs(1));
            load(&test, "one").await.unwrap().unwrap();
            assert_eq!(last_seen().await, test.domain.clock.now());
            // Written contents leave it, and the person, as they are.
            save(&test, "one", "{}", test.domain.clock.now().plus(SEEN_EVERY))
                .await
                .unwrap();
            assert_eq!(last_seen().await, test.domain.clock.now());
        }
    }

    #[tokio::test]
    async fn a_new_password_removes_the_sessions() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            signed_in(&test, "one", &ada).await;
            accounts::change_password(&test, &ada, PASSWORD, "another good password".to_owned(), None)
                .await
                .unwrap();
            assert_eq!(handles(&test, &ada, "one").await, [""; 0]);
        }
    }
}
