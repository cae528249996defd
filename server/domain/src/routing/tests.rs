//! Scopes, pools and waiting messages, on every database. The helpers are also used by the tests of groups and dry
//! runs.

use super::*;
use crate::accounts::Session;
use crate::entities::queue;
use crate::groups;
use crate::keys::{self, CreatedKey, NewKey, Permission, Scope};
use crate::messages::{self, NewRecipient, Origin, RecipientField, Source, Submission};
use crate::providers::{self, CapsForm, ProviderView};
use crate::runtime;
pub(crate) use crate::testing::smtp_provider as relay;
use crate::testing::{START, TestDomain, databases};
use bytes::Bytes;
use sea_orm::sea_query::Expr;
use sendmux_rules::health::Block;
use sendmux_rules::{BlockKind, Health, WaitReason, caps};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) async fn of_kind(test: &TestDomain, session: &Session, kind: ProviderKind) -> ProviderView {
    let all = providers::list(test, session.team.id).await.unwrap();
    all.into_iter().find(|provider| provider.kind == kind).unwrap()
}

pub(crate) async fn key(test: &TestDomain, session: &Session, name: &str, scope: Scope) -> CreatedKey {
    let new = NewKey {
        name: name.to_owned(),
        mode: Mode::Live,
        permissions: vec![Permission::Send],
        scope,
    };
    keys::create(test, &session.actor(None), new).await.unwrap()
}

/// Names and weights of the providers that a key's messages can go through.
pub(crate) async fn pool_of(domain: &Domain, secret: &str) -> Vec<(String, u32)> {
    let context = keys::authenticate(domain, secret).await.unwrap().unwrap();
    let pool = domain.routes.pool(domain, context.lane_id).await.unwrap();
    pool.members
        .iter()
        .map(|member| (member.name.clone(), member.weight))
        .collect()
}

pub(crate) async fn submit(domain: &Domain, secret: &str) -> Result<String> {
    let public_id = messages::new_message_id();
    let submission = Submission {
        header_message_id: format!("<{public_id}@localhost>"),
        public_id,
        key: keys::authenticate(domain, secret).await.unwrap().unwrap(),
        source: Source::Http,
        origin: Origin::default(),
        subject: "Hello".to_owned(),
        from_email: "sender@example.com".to_owned(),
        from_name: String::new(),
        return_path: Some("sender@example.com".to_owned()),
        recipients: vec![NewRecipient {
            field: RecipientField::To,
            address: "a@example.com".to_owned(),
            name: String::new(),
        }],
        content: Bytes::from_static(b"Subject: Hello\r\n\r\nHi.\r\n"),
        smtputf8: false,
    };
    messages::submit(domain, submission)
        .await
        .map(|accepted| accepted.message_id)
}

/// Changes a provider's state as the engine would.
pub(crate) async fn with_runtime(test: &TestDomain, id: i64, change: impl FnOnce(&mut runtime::Runtime)) {
    let tx = test.db.begin().await.unwrap();
    let mut states = runtime::lock(&tx, test.db.backend(), [id]).await.unwrap();
    let mut state = states.remove(&id).unwrap();
    change(&mut state);
    runtime::save(&tx, &state).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) fn pulled(kind: BlockKind, until: Option<Timestamp>) -> Health {
    Health {
        block: Some(Block {
            kind,
            since: START,
            until,
            cause: "535 5.7.8 no".to_owned(),
        }),
        out_since: Some(START),
        ..Health::default()
    }
}

pub(crate) fn wrong_fields(error: Error) -> Vec<(String, &'static str)> {
    let Error::Invalid(errors) = error else {
        panic!("{error}")
    };
    errors.into_iter().map(|error| (error.field, error.code)).collect()
}

#[tokio::test]
async fn a_change_of_a_group_counts_here_at_once_and_elsewhere_within_two_seconds() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let (one, two) = (relay(&test, &session, "one").await, relay(&test, &session, "two").await);
        let group = groups::create(&test, &actor, "bulk", vec![(one.public_id.clone(), None)])
            .await
            .unwrap();
        let created = key(&test, &session, "k", Scope::Groups(vec![group.public_id.clone()])).await;
        let elsewhere = test.second_node().await;
        assert_eq!(pool_of(&test, &created.secret).await, [("one".to_owned(), 100)]);
        assert_eq!(pool_of(&elsewhere, &created.secret).await, [("one".to_owned(), 100)]);

        let members = vec![(one.public_id, Some(0)), (two.public_id, Some(7))];
        groups::set_members(&test, &actor, &group.public_id, members)
            .await
            .unwrap();
        let changed = [("one".to_owned(), 0), ("two".to_owned(), 7)];
        assert_eq!(pool_of(&test, &created.secret).await, changed);
        test.clock.advance(2 * SECOND);
        assert_eq!(pool_of(&elsewhere, &created.secret).await, changed);
    }
}

#[tokio::test]
async fn several_groups_are_one_pool() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let mut ids = Vec::new();
        for name in ["one", "two", "three"] {
            ids.push(relay(&test, &session, name).await.public_id);
        }
        let first = vec![(ids[0].clone(), Some(30)), (ids[1].clone(), Some(70))];
        let second = vec![(ids[1].clone(), None), (ids[2].clone(), None)];
        let first = groups::create(&test, &actor, "first", first).await.unwrap().public_id;
        let second = groups::create(&test, &actor, "second", second).await.unwrap().public_id;
        let created = key(&test, &session, "k", Scope::Groups(vec![first, second])).await;
        let pool = pool_of(&test, &created.secret).await;
        assert_eq!(
            pool,
            [
                ("one".to_owned(), 30),
                ("two".to_owned(), 170),
                ("three".to_owned(), 100)
            ]
        );
    }
}

/// For messages that wait for a drained provider, time counts from its draining, wherever its weight was set.
#[tokio::test]
async fn a_member_was_configured_when_it_or_a_group_of_the_scope_was_changed() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let (one, two) = (relay(&test, &session, "one").await, relay(&test, &session, "two").await);
        let of = |weight| {
            vec![
                (one.public_id.clone(), Some(weight)),
                (two.public_id.clone(), Some(100)),
            ]
        };
        let group = groups::create(&test, &actor, "group", of(100)).await.unwrap();
        let grouped = key(&test, &session, "grouped", Scope::Groups(vec![group.public_id.clone()])).await;
        let named = key(&test, &session, "named", Scope::Providers(vec![one.public_id.clone()])).await;
        let since = async |secret: &str| {
            let context = keys::authenticate(&test, secret).await.unwrap().unwrap();
            let pool = test.routes.pool(&test, context.lane_id).await.unwrap();
            pool.members.first().unwrap().configured_at
        };
        assert_eq!(
            (since(&grouped.secret).await, since(&named.secret).await),
            (START, START)
        );
        test.clock.advance(HOUR);
        groups::set_members(&test, &actor, &group.public_id, of(0))
            .await
            .unwrap();
        let now = START.plus(HOUR);
        assert_eq!((since(&grouped.secret).await, since(&named.secret).await), (now, START));
        test.clock.advance(HOUR);
        providers::set_active(&test, &actor, &one.public_id, false)
            .await
            .unwrap();
        let now = now.plus(HOUR);
        assert_eq!((since(&grouped.secret).await, since(&named.secret).await), (now, now));
    }
}

async fn waiting(test: &TestDomain, session: &Session) -> Vec<(u64, Option<WaitReason>, Option<Timestamp>)> {
    let lanes = waiting_by_reason(test, session.team.id).await.unwrap();
    lanes
        .into_iter()
        .map(|lane| (lane.messages, lane.reason, lane.opens_at))
        .collect()
}

#[tokio::test]
async fn what_waits_is_told_with_the_reason_that_holds_now() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let one = relay(&test, &session, "one").await;
        let all = key(&test, &session, "k", Scope::All).await;
        let ids = [
            submit(&test, &all.secret).await.unwrap(),
            submit(&test, &all.secret).await.unwrap(),
            submit(&test, &all.secret).await.unwrap(),
        ];
        assert_eq!(waiting(&test, &session).await, [(3, None, None)]);

        let reason_of = async |id: &str| {
            let detail = messages::query::get(&test, session.team.id, id).await.unwrap();
            let waits = detail.waiting.unwrap();
            (waits.reason, waits.expected_at, waits.by_hand)
        };
        // A used-up cap.
        let form = CapsForm {
            hour: Some(1),
            ..CapsForm::default()
        };
        providers::set_caps(&test, &session.actor(None), &one.public_id, form)
            .await
            .unwrap();
        with_runtime(&test, one.id, |state| {
            caps::charge(&mut state.usage, START, 1);
        })
        .await;
        let opens_at = START.plus(HOUR);
        assert_eq!(
            waiting(&test, &session).await,
            [(3, Some(WaitReason::Cap), Some(opens_at))]
        );
        assert_eq!(reason_of(&ids[0]).await, (Some(WaitReason::Cap), opens_at, false));

        // A block that is cleared by hand lasts longer.
        with_runtime(&test, one.id, |state| state.health = pulled(BlockKind::Auth, None)).await;
        assert_eq!(waiting(&test, &session).await, [(3, Some(WaitReason::Blocked), None)]);
        assert_eq!(
            reason_of(&ids[0]).await,
            (Some(WaitReason::Blocked), test.domain.clock.now(), true)
        );

        // One of them waits for its next round, which comes whatever the state of the providers.
        let retry_at = START.plus(Duration::from_secs(300));
        let tx = test.db.begin().await.unwrap();
        let row = messages_row(&test, &ids[1]).await;
        queue::Entity::update_many()
            .col_expr(queue::Column::DueAt, Expr::value(retry_at))
            .col_expr(queue::Column::WaitReason, Expr::value(WaitReason::Retry))
            .filter(queue::Column::MessageId.eq(row))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            waiting(&test, &session).await,
            [
                (2, Some(WaitReason::Blocked), None),
                (1, Some(WaitReason::Retry), Some(retry_at))
            ]
        );
        assert_eq!(reason_of(&ids[1]).await, (Some(WaitReason::Retry), retry_at, false));

        // Another team sees nothing of it.
        let other = test.owner("Other").await;
        assert_eq!(waiting(&test, &other).await, []);
    }
}

async fn messages_row(test: &TestDomain, public_id: &str) -> i64 {
    crate::entities::messages::Entity::find()
        .filter(crate::entities::messages::Column::PublicId.eq(public_id))
        .one(test.db.read())
        .await
        .unwrap()
        .unwrap()
        .id
}

#[tokio::test]
async fn a_lane_that_waits_is_named_by_its_scope() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let one = relay(&test, &session, "one").await;
        let group = groups::create(&test, &session.actor(None), "bulk", vec![(one.public_id, None)])
            .await
            .unwrap();
        let created = key(&test, &session, "k", Scope::Groups(vec![group.public_id])).await;
        submit(&test, &created.secret).await.unwrap();
        let lanes = waiting_by_reason(&test, session.team.id).await.unwrap();
        assert_eq!(lanes.len(), 1);
        assert_eq!((lanes[0].mode, lanes[0].scope), (Mode::Live, ScopeKind::Groups));
        assert_eq!(lanes[0].targets, ["bulk"]);
    }
}
