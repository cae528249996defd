use super::*;
use crate::accounts::Session;
use crate::actor::{Actor, Role};
use crate::db::Db;
use crate::entities::{audit_log, events, group_members, provider_runtime, providers};
use crate::error::{Error, Result};
use crate::keys::{self, NewKey, Permission, Scope};
use crate::secrets::Sealer;
use crate::testing::{START, TestDomain, databases, databases_with};
use crate::{Domain, Settings, runtime};
use async_trait::async_trait;
use sea_orm::ActiveValue::Set;
use sea_orm::{EntityTrait, QueryOrder};
use sendmux_rules::health::{Block, Pause};
use sendmux_rules::{BlockKind, Class, Health, Mode, ProviderKind, ProviderStatus, SmtpSecurity};
use std::sync::Arc;
use std::time::Duration;

const PASSWORD: &str = "hunter2-hunter2";

fn form() -> SmtpForm {
    SmtpForm {
        name: "Relay".to_owned(),
        host: "smtp.example.com".to_owned(),
        port: "587".to_owned(),
        security: "starttls".to_owned(),
        username: "apikey".to_owned(),
        password: Some(PASSWORD.to_owned()),
        ..SmtpForm::default()
    }
}

fn keep() -> SmtpForm {
    SmtpForm {
        password: None,
        ..form()
    }
}

async fn create_smtp(domain: &Domain, actor: &Actor, form: SmtpForm) -> Result<ProviderView> {
    create(domain, actor, ProviderKind::Smtp, Form::Smtp(form)).await
}

async fn update_smtp(domain: &Domain, actor: &Actor, id: &str, form: SmtpForm, version: i32) -> Result<ProviderView> {
    update(domain, actor, id, Form::Smtp(form), version).await
}

fn smtp(connection: &ProviderConnection) -> SmtpAccess {
    match &connection.access {
        Access::Smtp(smtp) => smtp.clone(),
        other => panic!("{other:?}"),
    }
}

async fn password(test: &TestDomain, id: i64) -> Option<String> {
    smtp(&connection(test, id).await.unwrap())
        .password
        .map(|password| password.expose().to_owned())
}

async fn of_kind(test: &TestDomain, session: &Session, kind: ProviderKind) -> ProviderView {
    let all = list(test, session.team.id).await.unwrap();
    all.into_iter().find(|provider| provider.kind == kind).unwrap()
}

/// Gives the provider this block and pause.
async fn pull(test: &TestDomain, id: i64, kind: BlockKind, until: Option<i64>) {
    let tx = test.db.begin().await.unwrap();
    let mut state = runtime::lock(&tx, test.db.backend(), [id])
        .await
        .unwrap()
        .remove(&id)
        .unwrap();
    let until = until.map(crate::Timestamp::from_millis);
    state.health = Health {
        block: Some(Block {
            kind,
            since: START,
            until,
            cause: "535 5.7.8 no".to_owned(),
        }),
        pause: Some(Pause {
            until: START.plus(Duration::from_secs(30)),
            step: 1,
        }),
        ..Health::default()
    };
    runtime::save(&tx, &state).await.unwrap();
    tx.commit().await.unwrap();
}

#[derive(Debug)]
struct Answer(TestResult);

#[async_trait]
impl ConnectionTester for Answer {
    async fn test(&self, provider: &ProviderConnection) -> TestResult {
        let SmtpAccess { config, password } = smtp(provider);
        assert_eq!(
            (config.username.as_str(), password.unwrap().expose()),
            ("apikey", PASSWORD)
        );
        self.0.clone()
    }
}

fn passed() -> TestResult {
    TestResult {
        ok: true,
        steps: vec![TestStep {
            name: "auth".to_owned(),
            ok: true,
            detail: "accepted".to_owned(),
        }],
        ..TestResult::default()
    }
}

fn failed(class: Class) -> TestResult {
    TestResult {
        ok: false,
        steps: vec![TestStep {
            name: "auth".to_owned(),
            ok: false,
            detail: "535 5.7.8 wrong".to_owned(),
        }],
        class: Some(class),
        advice: Some("Check the password.".to_owned()),
    }
}

#[tokio::test]
async fn an_smtp_provider_is_added_and_its_password_sealed() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let generation = *test.signals.watch_config().borrow();
        let added = create_smtp(&test, &session.actor(None), form()).await.unwrap();
        assert_eq!(
            (added.kind, added.status, added.version),
            (ProviderKind::Smtp, ProviderStatus::Active, 1)
        );
        let smtp = added.smtp().unwrap();
        assert_eq!(
            (smtp.host.as_str(), smtp.port, smtp.security),
            ("smtp.example.com", 587, SmtpSecurity::StartTls)
        );
        assert!(added.has_secret);
        assert!(*test.signals.watch_config().borrow() > generation);

        assert_eq!(password(&test, added.id).await.as_deref(), Some(PASSWORD));
        let rows = providers::Entity::find().all(test.db.read()).await.unwrap();
        let log = audit_log::Entity::find().all(test.db.read()).await.unwrap();
        let stored = rows
            .iter()
            .find(|row| row.id == added.id)
            .unwrap()
            .secret
            .clone()
            .unwrap();
        assert!(!stored.windows(7).any(|part| part == &PASSWORD.as_bytes()[..7]));
        assert!(!format!("{rows:?} {log:?} {added:?}").contains(PASSWORD));
        assert!(!format!("{:?}", connection(&test, added.id).await.unwrap()).contains(PASSWORD));

        let all = list(&test, session.team.id).await.unwrap();
        let kinds: Vec<_> = all.iter().map(|provider| (provider.kind, provider.managed)).collect();
        let expected = [
            (ProviderKind::ManagedSes, true),
            (ProviderKind::Sandbox, false),
            (ProviderKind::Smtp, false),
        ];
        assert_eq!(kinds, expected);
        assert_eq!(all[0].caps.day, Some(50));
        assert_eq!(all[2], added);
    }
}

#[tokio::test]
async fn a_sealed_password_does_not_open_in_another_row() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let one = create_smtp(&test, &session.actor(None), form()).await.unwrap();
        let two = create_smtp(&test, &session.actor(None), form()).await.unwrap();
        let row = providers::Entity::find_by_id(one.id)
            .one(test.db.read())
            .await
            .unwrap()
            .unwrap();
        let tx = test.db.begin().await.unwrap();
        let stolen = providers::ActiveModel {
            id: Set(two.id),
            secret: Set(row.secret),
            ..Default::default()
        };
        providers::Entity::update(stolen).exec(&tx).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(connection(&test, two.id).await, Err(Error::Internal(_))));
    }
}

#[tokio::test]
async fn after_a_new_key_everything_is_sealed_with_it() {
    for test in databases().await {
        let (old, new) = ([1; 32], [2; 32]);
        let node = async |keys: &[[u8; 32]]| {
            let db = Db::connect(&test.url).await.unwrap();
            let sealer = Sealer::new(keys).unwrap();
            Domain::new(db, test.clock.clone(), 3, sealer, Settings::default())
        };
        let actor = test.owner("Acme").await.actor(None);
        let before = node(&[old]).await;
        let added = create_smtp(&before, &actor, form()).await.unwrap();
        assert_eq!(reseal(&before).await.unwrap(), 0);
        assert_eq!(reseal(&node(&[new, old]).await).await.unwrap(), 1);
        let after = node(&[new]).await;
        let smtp = smtp(&connection(&after, added.id).await.unwrap());
        assert_eq!(smtp.password.unwrap().expose(), PASSWORD);
        assert!(reseal(&before).await.is_err(), "a key that is missing is noticed");
    }
}

#[tokio::test]
async fn a_change_keeps_or_replaces_the_password() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let id = create_smtp(&test, &actor, form()).await.unwrap().public_id;

        let renamed = SmtpForm {
            name: "Relay 2".to_owned(),
            port: "2525".to_owned(),
            ..keep()
        };
        let view = update_smtp(&test, &actor, &id, renamed, 1).await.unwrap();
        assert_eq!((view.name.as_str(), view.version), ("Relay 2", 2));
        assert_eq!(password(&test, view.id).await.as_deref(), Some(PASSWORD));

        let replaced = SmtpForm {
            password: Some("another one".to_owned()),
            ..form()
        };
        update_smtp(&test, &actor, &id, replaced, 2).await.unwrap();
        assert_eq!(password(&test, view.id).await.as_deref(), Some("another one"));

        let open = SmtpForm {
            username: String::new(),
            ..keep()
        };
        let view = update_smtp(&test, &actor, &id, open, 3).await.unwrap();
        assert!(!view.has_secret);
        assert_eq!(password(&test, view.id).await, None);

        let log = audit_log::Entity::find()
            .order_by_desc(audit_log::Column::Id)
            .one(test.db.read())
            .await
            .unwrap()
            .unwrap();
        assert_eq!((log.action.as_str(), log.target), ("provider.updated", id));
        assert_eq!(log.detail.0["password_changed"], true, "{:?}", log.detail);
    }
}

#[tokio::test]
async fn the_stored_password_is_not_sent_to_another_server() {
    for test in databases().await {
        let actor = test.owner("Acme").await.actor(None);
        let added = create_smtp(&test, &actor, form()).await.unwrap();
        let moved = SmtpForm {
            host: "evil.example".to_owned(),
            port: "0".to_owned(),
            ..keep()
        };
        let Err(Error::Invalid(errors)) = update_smtp(&test, &actor, &added.public_id, moved, 1).await else {
            panic!("was taken")
        };
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["port", "password"]);
        assert_eq!(
            get(&test, actor.team_id, &added.public_id).await.unwrap(),
            added,
            "nothing was changed"
        );
    }
}

#[tokio::test]
async fn an_edit_of_an_older_version_is_refused() {
    for test in databases().await {
        let actor = test.owner("Acme").await.actor(None);
        let id = create_smtp(&test, &actor, form()).await.unwrap().public_id;
        let edits = (0..4).map(|n| {
            let (domain, actor, id) = (test.domain.clone(), actor.clone(), id.clone());
            let form = SmtpForm {
                name: format!("Relay {n}"),
                ..keep()
            };
            tokio::spawn(async move { update_smtp(&domain, &actor, &id, form, 1).await })
        });
        let results: Vec<_> = futures::future::join_all(edits)
            .await
            .into_iter()
            .map(|joined| joined.unwrap())
            .collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Ok(_) | Err(Error::Conflict(_))))
        );
        assert_eq!(get(&test, actor.team_id, &id).await.unwrap().version, 2);
    }
}

#[tokio::test]
async fn another_teams_provider_is_not_there() {
    for test in databases().await {
        let (acme, other) = (test.owner("Acme").await, test.owner("Other").await);
        let id = create_smtp(&test, &acme.actor(None), form()).await.unwrap().public_id;
        let actor = other.actor(None);
        let missing = |result: Result<()>| matches!(result, Err(Error::NotFound(_)));
        assert!(missing(get(&test, other.team.id, &id).await.map(drop)));
        assert!(missing(update_smtp(&test, &actor, &id, form(), 1).await.map(drop)));
        assert!(missing(set_active(&test, &actor, &id, false).await.map(drop)));
        assert!(missing(super::test(&test, &actor, &id).await.map(drop)));
        assert!(missing(unblock(&test, &actor, &id).await));
        assert!(missing(delete(&test, &actor, &id).await));
        assert_eq!(list(&test, other.team.id).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn those_who_only_look_on_change_nothing() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let id = create_smtp(&test, &session.actor(None), form())
            .await
            .unwrap()
            .public_id;
        let actor = Actor {
            role: Role::Member,
            ..session.actor(None)
        };
        let forbidden = |result: Result<()>| matches!(result, Err(Error::Forbidden(_)));
        assert!(forbidden(create_smtp(&test, &actor, form()).await.map(drop)));
        assert!(forbidden(update_smtp(&test, &actor, &id, form(), 1).await.map(drop)));
        assert!(forbidden(set_active(&test, &actor, &id, false).await.map(drop)));
        assert!(forbidden(super::test(&test, &actor, &id).await.map(drop)));
        assert!(forbidden(unblock(&test, &actor, &id).await));
        assert!(forbidden(delete(&test, &actor, &id).await));
    }
}

#[tokio::test]
async fn a_provider_is_switched_and_deleted() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let added = create_smtp(&test, &actor, form()).await.unwrap();
        let id = added.public_id.as_str();
        let scope = Scope::Providers(vec![id.to_owned()]);
        let new = NewKey {
            name: "k".to_owned(),
            mode: Mode::Live,
            permissions: vec![Permission::Send],
            scope,
        };
        keys::create(&test, &actor, new).await.unwrap();
        let tx = test.db.begin().await.unwrap();
        let member = group_members::ActiveModel {
            group_id: Set(1),
            provider_id: Set(added.id),
            weight: Set(None),
        };
        group_members::Entity::insert(member)
            .exec_without_returning(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();

        assert_eq!(
            set_active(&test, &actor, id, false).await.unwrap().status,
            ProviderStatus::Inactive
        );
        assert_eq!(
            set_active(&test, &actor, id, false).await.unwrap().version,
            2,
            "nothing changed"
        );
        assert_eq!(
            set_active(&test, &actor, id, true).await.unwrap().status,
            ProviderStatus::Active
        );

        delete(&test, &actor, id).await.unwrap();
        assert!(matches!(get(&test, actor.team_id, id).await, Err(Error::NotFound(_))));
        assert!(matches!(connection(&test, added.id).await, Err(Error::NotFound(_))));
        assert!(matches!(delete(&test, &actor, id).await, Err(Error::NotFound(_))));
        let row = providers::Entity::find_by_id(added.id)
            .one(test.db.read())
            .await
            .unwrap()
            .unwrap();
        assert_eq!((row.secret, row.name.as_str()), (None, "Relay"));
        assert_eq!(group_members::Entity::find().all(test.db.read()).await.unwrap(), []);
        assert_eq!(
            keys::list(&test, actor.team_id).await.unwrap()[0].scope,
            Scope::Providers(Vec::new())
        );
    }
}

#[tokio::test]
async fn the_managed_route_can_be_switched_off_and_the_sandbox_stays() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let managed = of_kind(&test, &session, ProviderKind::ManagedSes).await.public_id;
        let sandbox = of_kind(&test, &session, ProviderKind::Sandbox).await.public_id;
        assert_eq!(
            set_active(&test, &actor, &managed, false).await.unwrap().status,
            ProviderStatus::Inactive
        );
        let conflict = |result: Result<()>| matches!(result, Err(Error::Conflict(_)));
        assert!(conflict(set_active(&test, &actor, &sandbox, false).await.map(drop)));
        for id in [&managed, &sandbox] {
            assert!(conflict(delete(&test, &actor, id).await));
            assert!(conflict(update_smtp(&test, &actor, id, form(), 2).await.map(drop)));
            assert!(super::test(&test, &actor, id).await.unwrap().ok);
        }
    }
}

#[tokio::test]
async fn a_view_shows_blocks_and_pauses_while_they_last() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let added = create_smtp(&test, &session.actor(None), form()).await.unwrap();
        let hour = Duration::from_secs(3_600);
        pull(
            &test,
            added.id,
            BlockKind::Connection,
            Some(START.plus(hour).as_millis()),
        )
        .await;
        let view = get(&test, session.team.id, &added.public_id).await.unwrap();
        assert_eq!(view.block.unwrap().kind, BlockKind::Connection);
        assert_eq!(view.paused_until, Some(START.plus(Duration::from_secs(30))));
        test.clock.advance(hour);
        let view = get(&test, session.team.id, &added.public_id).await.unwrap();
        assert_eq!((view.block, view.paused_until), (None, None));

        // State that cannot be read does not hide the provider.
        let tx = test.db.begin().await.unwrap();
        provider_runtime::Entity::update_many()
            .col_expr(provider_runtime::Column::Health, sea_orm::sea_query::Expr::value("?"))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(list(&test, session.team.id).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn a_passed_test_is_kept_and_ends_a_block() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let added = create_smtp(&test, &actor, form()).await.unwrap();
        assert!(matches!(
            super::test(&test, &actor, &added.public_id).await,
            Err(Error::Unavailable(_))
        ));
        test.set_tester(Arc::new(Answer(passed())));
        pull(&test, added.id, BlockKind::Auth, None).await;
        let generation = *test.signals.watch_config().borrow();

        assert_eq!(super::test(&test, &actor, &added.public_id).await.unwrap(), passed());
        let view = get(&test, session.team.id, &added.public_id).await.unwrap();
        assert_eq!((view.block, view.paused_until), (None, None));
        assert_eq!(
            view.last_test,
            Some(LastTest {
                at: START,
                version: 1,
                result: passed()
            })
        );
        assert!(
            *test.signals.watch_config().borrow() > generation,
            "what waited for it may go"
        );

        // About a quota it says nothing.
        pull(&test, added.id, BlockKind::Quota, Some(i64::MAX)).await;
        super::test(&test, &actor, &added.public_id).await.unwrap();
        let view = get(&test, session.team.id, &added.public_id).await.unwrap();
        assert_eq!(view.block.unwrap().kind, BlockKind::Quota);
        unblock(&test, &actor, &added.public_id).await.unwrap();
        assert_eq!(get(&test, session.team.id, &added.public_id).await.unwrap().block, None);
        let told = events::Entity::find().all(test.db.read()).await.unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|event| (event.team_id, event.kind.as_str(), event.provider_id))
            .collect();
        assert_eq!(told, [(session.team.id, "provider.recovered", Some(added.id)); 2]);
    }
}

#[tokio::test]
async fn a_failed_test_blocks_only_for_credentials_and_settings() {
    for (class, block) in [
        (Class::Connection, None),
        (Class::Deferred, None),
        (Class::Auth, Some(BlockKind::Auth)),
    ] {
        for test in databases().await {
            let session = test.owner("Acme").await;
            let actor = session.actor(None);
            let added = create_smtp(&test, &actor, form()).await.unwrap();
            test.set_tester(Arc::new(Answer(failed(class))));
            assert_eq!(
                super::test(&test, &actor, &added.public_id).await.unwrap(),
                failed(class)
            );
            let view = get(&test, session.team.id, &added.public_id).await.unwrap();
            assert_eq!(view.block.as_ref().map(|block| block.kind), block, "{class}");
            if let Some(block) = view.block {
                assert_eq!(block.cause, "connection test, auth: 535 5.7.8 wrong");
            }
            assert_eq!(view.last_test.unwrap().result, failed(class));
        }
    }
}

/// Changes the settings while the test is under way.
#[derive(Debug)]
struct Meanwhile(Domain, Actor);

#[async_trait]
impl ConnectionTester for Meanwhile {
    async fn test(&self, provider: &ProviderConnection) -> TestResult {
        update_smtp(&self.0, &self.1, &provider.public_id, keep(), provider.version)
            .await
            .unwrap();
        failed(Class::Auth)
    }
}

#[tokio::test]
async fn a_test_of_older_settings_says_nothing_about_the_new_ones() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let added = create_smtp(&test, &actor, form()).await.unwrap();
        let elsewhere = test.second_node().await;
        test.set_tester(Arc::new(Meanwhile(elsewhere, actor.clone())));
        super::test(&test, &actor, &added.public_id).await.unwrap();
        let view = get(&test, session.team.id, &added.public_id).await.unwrap();
        assert_eq!((view.version, view.block, view.last_test), (2, None, None));
    }
}

#[tokio::test]
async fn private_hosts_are_refused_where_the_operator_says_so() {
    for test in databases_with(Settings {
        allow_private_hosts: false,
        ..Settings::default()
    })
    .await
    {
        let actor = test.owner("Acme").await.actor(None);
        let inside = SmtpForm {
            host: "127.0.0.1".to_owned(),
            port: "6379".to_owned(),
            ..form()
        };
        let Err(Error::Invalid(errors)) = create_smtp(&test, &actor, inside).await else {
            panic!("was taken")
        };
        assert_eq!((errors[0].field.as_str(), errors[0].code), ("host", "private"));
        assert_eq!((errors[1].field.as_str(), errors[1].code), ("port", "not_allowed"));
    }
}
