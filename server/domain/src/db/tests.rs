use super::*;
use crate::entities::delivery_groups::{Column, Entity};
use crate::groups;
use crate::keys::{self, NewKey, Permission, Scope};
use crate::sessions;
use crate::testing::{databases, sqlite};
use migrations::{Migrator, MigratorTrait};
use sea_orm::{EntityTrait, QuerySelect};
use sendmux_rules::Mode;
use std::time::Duration;

/// Takes back this migration and all later ones.
async fn down_to(db: &Db, migration: &str) {
    let since = Migrator::migrations()
        .iter()
        .rev()
        .position(|one| one.name() == migration);
    let steps = u32::try_from(since.unwrap() + 1).unwrap();
    Migrator::down(&db.writer, Some(steps)).await.unwrap();
}

#[tokio::test]
async fn ids_of_groups_are_brought_up_to_date() {
    const MIGRATION: &str = "m0010_groups_of_messages";
    for test in databases().await {
        let session = test.owner("Acme").await;
        let made = groups::create(&test, &session.actor(None), "a", Vec::new()).await;
        let new = made.unwrap().public_id;
        let old = new.strip_prefix('d').unwrap();
        let db = Db::connect(&test.url).await.unwrap();
        let stored = async || -> Vec<String> {
            let ids = Entity::find().select_only().column(Column::PublicId).into_tuple();
            ids.all(db.read()).await.unwrap()
        };
        down_to(&db, MIGRATION).await;
        assert_eq!(stored().await, [old]);
        for _ in 0..2 {
            db.migrate().await.unwrap();
            assert_eq!(stored().await, [new.as_str()]);
        }
    }
}

#[tokio::test]
async fn keys_that_could_change_keys_still_can() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let make = async |permissions: &[Permission]| {
            let new = NewKey {
                name: "Key".to_owned(),
                mode: Mode::Live,
                permissions: permissions.to_vec(),
                scope: Scope::All,
            };
            keys::create(&test, &session.actor(None), new).await.unwrap().key
        };
        let (send, manage) = (Permission::Send, Permission::Manage);
        let sender = make(&[send]).await;
        let manager = make(&[send, manage]).await;
        let db = Db::connect(&test.url).await.unwrap();
        down_to(&db, "m0014_key_writers").await;
        db.migrate().await.unwrap();
        let now = async |id: &str| keys::get(&test, session.team.id, id).await.unwrap().permissions;
        assert_eq!(now(&sender.public_id).await, [send]);
        assert_eq!(now(&manager.public_id).await, [send, manage, Permission::KeysWrite]);
    }
}

#[tokio::test]
async fn sessions_from_before_are_given_to_their_people() {
    for test in databases().await {
        let ada = test.owner("Ada").await;
        let end = test.domain.clock.now().plus(Duration::from_secs(14 * 24 * 60 * 60));
        let data = format!(r#"{{"mark":"x","user":"{}"}}"#, ada.user.public_id);
        assert!(sessions::create(&test, "of ada", &data, end).await.unwrap());
        assert!(sessions::create(&test, "of nobody", "{}", end).await.unwrap());
        let db = Db::connect(&test.url).await.unwrap();
        down_to(&db, "m0013_session_owners").await;
        db.migrate().await.unwrap();
        let hers = sessions::of_user(&test, ada.user.id, "of ada").await.unwrap();
        assert_eq!(hers.len(), 1);
        assert!(hers[0].is_current);
        assert_eq!(hers[0].last_seen_at, test.domain.clock.now());
    }
}

async fn write(db: &Db, name: &str, bytes: usize) -> Result<()> {
    let tx = db.begin().await?;
    settings::Entity::insert(settings::ActiveModel {
        name: Set(name.to_owned()),
        value: Set("x".repeat(bytes)),
        updated_at: Set(Timestamp::default()),
    })
    .exec_without_returning(&tx)
    .await?;
    tx.commit().await
}

async fn is_there(db: &Db, name: &str) -> bool {
    settings::Entity::find_by_id(name)
        .one(db.read())
        .await
        .unwrap()
        .is_some()
}

/// SQLite rolls back by itself when the disk is full. Later writes must be a transaction of their own, and on disk.
#[tokio::test]
async fn a_full_disk_loses_nothing_that_comes_after_it() {
    let test = sqlite(crate::Settings::default()).await;
    let db = &test.db;
    write(db, "before", 10).await.unwrap();
    for round in 0..20 {
        // A limit of this connection alone, which is not used again.
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
        tx.commit().await.unwrap();
        let refused = write(db, &format!("full {round}"), 10_000_000).await;
        assert!(matches!(refused, Err(Error::StorageFull(_))), "{refused:?}");
        assert!(
            db.probe(sendmux_rules::Timestamp::from_millis(0)).await.is_err(),
            "readiness tells it"
        );

        write(db, &format!("after {round}"), 10).await.unwrap();
        // Visible to other connections, which can write too.
        let beside = Db::connect(&test.url).await.unwrap();
        assert!(is_there(&beside, &format!("after {round}")).await);
        assert!(!is_there(&beside, &format!("full {round}")).await);
        write(&beside, &format!("beside {round}"), 10).await.unwrap();
        beside.close().await.unwrap();
    }
}

/// PostgreSQL answers the COMMIT of such a transaction with a rollback; SQLite would keep a part of it.
#[tokio::test]
async fn a_transaction_with_a_failed_statement_is_not_committed() {
    for test in databases().await {
        let db = &test.db;
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared("INSERT INTO settings (name, value, updated_at) VALUES ('kept', '', 0)")
            .await
            .unwrap();
        assert!(tx.execute_unprepared("INSERT INTO nowhere VALUES (1)").await.is_err());
        assert!(matches!(tx.try_commit().await, Err(CommitFailure::RolledBack(_))));
        assert!(!is_there(db, "kept").await);
        write(db, "next", 10).await.unwrap();
        assert!(is_there(db, "next").await);
    }
}
