//! Browser sessions, stored in the database so that every node knows them and they survive restarts.
//!
//! The table holds the SHA-256 of a session's id, not the id: a copy of the database opens no session.

use crate::Domain;
use crate::entities::sessions::{ActiveModel, Column, Entity};
use crate::error::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, TryInsertResult};
use sendmux_rules::Timestamp;
use sha2::{Digest, Sha256};

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
    let tx = domain.db.begin().await?;
    Entity::update_many()
        .set(row(id, data, expires_at))
        .filter(Column::Id.eq(stored_id(id)))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// A session by its id; `None` if it does not exist, was deleted, or has expired.
pub async fn load(domain: &Domain, id: &str) -> Result<Option<StoredSession>> {
    let found = Entity::find_by_id(stored_id(id))
        .filter(Column::ExpiresAt.gt(domain.clock.now()))
        .one(domain.db.read())
        .await?;
    Ok(found.map(|row| StoredSession {
        data: row.data,
        expires_at: row.expires_at,
    }))
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
    }
}

fn stored_id(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::databases;
    use std::time::Duration;

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
}
