use super::*;
use crate::actor::Role;
use crate::entities::{audit_log, delivery_groups, providers};
use crate::testing::{TestDomain, databases};
use sea_orm::{PaginatorTrait, QuerySelect};
use std::time::Duration;

fn new_key(name: &str, mode: Mode, scope: Scope) -> NewKey {
    NewKey {
        name: name.to_owned(),
        mode,
        permissions: vec![Permission::Send],
        scope,
    }
}

fn wrong_fields(error: Error) -> Vec<(String, &'static str)> {
    let Error::Invalid(errors) = error else {
        panic!("{error}")
    };
    errors.into_iter().map(|error| (error.field, error.code)).collect()
}

async fn provider_of_kind(test: &TestDomain, team_id: i64, kind: &str) -> (i64, String) {
    providers::Entity::find()
        .select_only()
        .columns([providers::Column::Id, providers::Column::PublicId])
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::Kind.eq(kind))
        .into_tuple()
        .one(test.db.read())
        .await
        .unwrap()
        .unwrap()
}

async fn add_group(test: &TestDomain, team_id: i64, name: &str) -> String {
    let public_id = IdKind::Group.generate();
    let tx = test.db.begin().await.unwrap();
    let row = delivery_groups::ActiveModel {
        id: NotSet,
        public_id: Set(public_id.clone()),
        team_id: Set(team_id),
        name: Set(name.to_owned()),
        created_at: Set(Timestamp::default()),
        updated_at: Set(Timestamp::default()),
    };
    delivery_groups::Entity::insert(row)
        .exec_without_returning(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    public_id
}

async fn set(test: &TestDomain, public_id: &str, column: api_keys::Column, value: Option<Timestamp>) {
    let tx = test.db.begin().await.unwrap();
    api_keys::Entity::update_many()
        .col_expr(column, Expr::value(value))
        .filter(api_keys::Column::PublicId.eq(public_id))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_key_is_shown_once_and_then_only_known_by_its_hash() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let created = create(&test, &actor, new_key(" backend ", Mode::Live, Scope::All))
            .await
            .unwrap();
        assert_eq!(created.key.name, "backend");
        assert!(created.secret.starts_with(&created.key.prefix));
        assert!(!format!("{created:?}").contains(&created.secret));

        let context = authenticate(&test, &created.secret).await.unwrap().unwrap();
        assert_eq!((context.team_id, context.mode), (session.team.id, Mode::Live));
        assert_eq!(context.public_id, created.key.public_id);
        assert!(context.may(Permission::Send) && !context.may(Permission::Manage));

        assert_eq!(
            list(&test, session.team.id).await.unwrap(),
            std::slice::from_ref(&created.key)
        );
        let rows = api_keys::Entity::find().all(test.db.read()).await.unwrap();
        let log = audit_log::Entity::find().all(test.db.read()).await.unwrap();
        let random = &created.secret[created.key.prefix.len()..];
        assert!(
            !format!("{rows:?} {log:?}").contains(random),
            "the secret part is nowhere in the database"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_new_key_is_said_at_once() {
    for test in databases().await {
        let (acme, other) = (test.owner("Acme").await, test.owner("Other").await);
        let actor = acme.actor(None);
        let (_, managed) = provider_of_kind(&test, acme.team.id, "managed_ses").await;
        let (_, sandbox) = provider_of_kind(&test, acme.team.id, "sandbox").await;
        let (_, foreign) = provider_of_kind(&test, other.team.id, "managed_ses").await;
        let new = NewKey {
            name: String::new(),
            mode: Mode::Live,
            permissions: Vec::new(),
            scope: Scope::Providers(vec![managed, sandbox, foreign, "prv_nothing".to_owned()]),
        };
        assert_eq!(
            wrong_fields(create(&test, &actor, new).await.unwrap_err()),
            [
                ("permissions".to_owned(), "required"),
                ("name".to_owned(), "required"),
                ("scope.providers[1]".to_owned(), "unknown"),
                ("scope.providers[2]".to_owned(), "unknown"),
                ("scope.providers[3]".to_owned(), "unknown"),
            ]
        );
        let foreign_group = add_group(&test, other.team.id, "theirs").await;
        for (ids, field, code) in [
            (vec![foreign_group], "scope.groups[0]", "unknown"),
            (Vec::new(), "scope.groups", "required"),
            (vec![String::new(); 101], "scope.groups", "too_many"),
        ] {
            let refused = create(&test, &actor, new_key("k", Mode::Live, Scope::Groups(ids)))
                .await
                .unwrap_err();
            assert_eq!(wrong_fields(refused), [(field.to_owned(), code)]);
        }
        let looker = Actor {
            role: Role::Member,
            ..actor
        };
        let refused = create(&test, &looker, new_key("k", Mode::Live, Scope::All)).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))));
        assert_eq!(api_keys::Entity::find().count(test.db.read()).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn keys_of_the_same_scope_share_a_lane() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let (managed_id, managed) = provider_of_kind(&test, session.team.id, "managed_ses").await;
        let group = add_group(&test, session.team.id, "bulk").await;
        let mut lanes_of = Vec::new();
        for (mode, scope) in [
            (Mode::Live, Scope::All),
            (Mode::Live, Scope::All),
            (Mode::Test, Scope::All),
            (Mode::Live, Scope::Providers(vec![managed.clone(), managed.clone()])),
            (Mode::Live, Scope::Groups(vec![group.clone()])),
        ] {
            let created = create(&test, &actor, new_key("k", mode, scope)).await.unwrap();
            lanes_of.push(authenticate(&test, &created.secret).await.unwrap().unwrap().lane_id);
        }
        assert_eq!(lanes_of[0], lanes_of[1]);
        let lanes = lanes::Entity::find()
            .filter(lanes::Column::Id.is_in(lanes_of))
            .order_by_asc(lanes::Column::Id)
            .all(test.db.read())
            .await
            .unwrap();
        let shown: Vec<_> = lanes.iter().map(|l| (l.mode.as_str(), l.scope.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("live", "all"),
                ("test", "all"),
                ("live", "providers"),
                ("live", "groups")
            ]
        );
        assert_eq!(lanes[2].targets.0, [managed_id]);
        let scopes: Vec<Scope> = list(&test, session.team.id)
            .await
            .unwrap()
            .into_iter()
            .rev()
            .map(|key| key.scope)
            .collect();
        assert_eq!(
            scopes[3..],
            [Scope::Providers(vec![managed]), Scope::Groups(vec![group])]
        );
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_here_at_once_and_elsewhere_within_two_seconds() {
    for test in databases().await {
        let actor = test.owner("Acme").await.actor(None);
        let elsewhere = test.second_node().await;
        let created = create(&test, &actor, new_key("k", Mode::Live, Scope::All))
            .await
            .unwrap();
        assert!(authenticate(&test, &created.secret).await.unwrap().is_some());
        assert!(authenticate(&elsewhere, &created.secret).await.unwrap().is_some());

        revoke(&test, &actor, &created.key.public_id).await.unwrap();
        assert!(authenticate(&test, &created.secret).await.unwrap().is_none());
        test.clock.advance(Duration::from_secs(2));
        assert!(authenticate(&elsewhere, &created.secret).await.unwrap().is_none());

        let first = list(&test, actor.team_id).await.unwrap()[0].revoked_at;
        assert_eq!(first, Some(crate::testing::START));
        revoke(&test, &actor, &created.key.public_id).await.unwrap();
        assert_eq!(
            list(&test, actor.team_id).await.unwrap()[0].revoked_at,
            first,
            "the first time counts"
        );
    }
}

#[tokio::test]
async fn another_teams_key_is_neither_seen_nor_revoked() {
    for test in databases().await {
        let (acme, other) = (test.owner("Acme").await, test.owner("Other").await);
        let created = create(&test, &acme.actor(None), new_key("k", Mode::Live, Scope::All))
            .await
            .unwrap();
        assert_eq!(list(&test, other.team.id).await.unwrap(), []);
        let refused = revoke(&test, &other.actor(None), &created.key.public_id).await;
        assert!(matches!(refused, Err(Error::NotFound(_))));
        assert!(authenticate(&test, &created.secret).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_key_that_is_made_after_it_was_refused_works_at_once_here() {
    for test in databases().await {
        let actor = test.owner("Acme").await.actor(None);
        let created = create(&test, &actor, new_key("k", Mode::Test, Scope::All))
            .await
            .unwrap();
        let unknown = created.secret.chars().rev().collect::<String>();
        assert!(authenticate(&test, &unknown).await.unwrap().is_none(), "malformed");
        let unknown = format!("smx_test_{}", "a".repeat(32));
        assert!(authenticate(&test, &unknown).await.unwrap().is_none());
        assert!(authenticate(&test, &created.secret).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn an_expired_key_is_refused_to_the_millisecond() {
    for test in databases().await {
        let actor = test.owner("Acme").await.actor(None);
        let created = create(&test, &actor, new_key("k", Mode::Live, Scope::All))
            .await
            .unwrap();
        let end = crate::testing::START.plus(Duration::from_secs(1));
        set(&test, &created.key.public_id, api_keys::Column::ExpiresAt, Some(end)).await;
        test.clock.advance(Duration::from_millis(999));
        assert!(authenticate(&test, &created.secret).await.unwrap().is_some());
        test.clock.advance(Duration::from_millis(1));
        assert!(
            authenticate(&test, &created.secret).await.unwrap().is_none(),
            "though it is in the cache"
        );
    }
}

#[tokio::test]
async fn the_last_use_is_written_once_a_minute_and_never_lost() {
    for test in databases().await {
        let actor = test.owner("Acme").await.actor(None);
        let created = create(&test, &actor, new_key("k", Mode::Live, Scope::All))
            .await
            .unwrap();
        let start = crate::testing::START;
        let seconds = Duration::from_secs;
        let last_used = async || list(&test, actor.team_id).await.unwrap()[0].last_used_at;

        flush_last_used(&test).await.unwrap();
        assert_eq!(last_used().await, None);
        authenticate(&test, &created.secret).await.unwrap().unwrap();
        flush_last_used(&test).await.unwrap();
        assert_eq!(last_used().await, Some(start));

        test.clock.advance(seconds(30));
        authenticate(&test, &created.secret).await.unwrap().unwrap();
        flush_last_used(&test).await.unwrap();
        assert_eq!(last_used().await, Some(start), "written less than a minute ago");

        test.clock.advance(seconds(30));
        flush_last_used(&test).await.unwrap();
        assert_eq!(
            last_used().await,
            Some(start.plus(seconds(30))),
            "written late, with the time of the use"
        );

        // A node whose clock is behind does not set the time back.
        set(
            &test,
            &created.key.public_id,
            api_keys::Column::LastUsedAt,
            Some(Timestamp::from_millis(i64::MAX)),
        )
        .await;
        test.clock.advance(seconds(60));
        authenticate(&test, &created.secret).await.unwrap().unwrap();
        flush_last_used(&test).await.unwrap();
        assert_eq!(last_used().await, Some(Timestamp::from_millis(i64::MAX)));
    }
}

#[tokio::test]
async fn a_key_can_be_given_another_scope() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let created = create(&test, &actor, new_key("backend", Mode::Live, Scope::All))
            .await
            .unwrap();
        let id = &created.key.public_id;
        let (one, two) = (
            add_group(&test, session.team.id, "Bulk").await,
            add_group(&test, session.team.id, "Alerts").await,
        );
        let before = authenticate(&test, &created.secret).await.unwrap().unwrap().lane_id;
        let changed = set_scope(
            &test,
            &actor,
            id,
            Scope::Groups(vec![two.clone(), one.clone(), two.clone()]),
        )
        .await
        .unwrap();
        assert_eq!(changed.scope, Scope::Groups(vec![one.clone(), two.clone()]));
        let names: Vec<&str> = changed.targets.iter().map(|target| target.name.as_str()).collect();
        assert_eq!(names, ["Bulk", "Alerts"]);
        assert_eq!(get(&test, session.team.id, id).await.unwrap(), changed);
        assert_eq!(list(&test, session.team.id).await.unwrap(), [changed]);
        let after = authenticate(&test, &created.secret).await.unwrap().unwrap().lane_id;
        assert_ne!(before, after, "it counts at once on this node");

        let other = test.owner("Other").await;
        let foreign = add_group(&test, other.team.id, "Theirs").await;
        let error = set_scope(&test, &actor, id, Scope::Groups(vec![one, foreign]))
            .await
            .unwrap_err();
        assert_eq!(wrong_fields(error), [("scope.groups[1]".to_owned(), "unknown")]);
        let error = set_scope(&test, &actor, id, Scope::Groups(Vec::new()))
            .await
            .unwrap_err();
        assert_eq!(wrong_fields(error), [("scope.groups".to_owned(), "required")]);
        let foreign = set_scope(&test, &other.actor(None), id, Scope::All).await;
        assert!(matches!(foreign, Err(Error::NotFound(_))));
        let log = audit_log::Entity::find()
            .filter(audit_log::Column::Action.eq("key.scope_changed"))
            .count(test.db.read())
            .await
            .unwrap();
        assert_eq!(log, 1);
    }
}
