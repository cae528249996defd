use super::*;
use crate::accounts::Purpose;
use crate::actor::Role;
use crate::entities::{api_keys, lanes, messages, provider_runtime, providers, queue, settings};
use crate::events::EventKind;
use crate::idempotency::Operation;
use crate::keys::{Permission, Scope};
use crate::lanes::ScopeKind;
use crate::managed::RequestStatus;
use crate::messages::{Choice, Origin, RecipientField, RecordedCandidate, Source};
use crate::queue::{Progress, StoredProgress};
use crate::routing::tests::{key, relay, submit};
use crate::runtime;
use crate::testing::{TestDomain, databases};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Nullable};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, TryGetable, Value};
use sendmux_rules::managed::SuspensionReason;
use sendmux_rules::retry::Round;
use sendmux_rules::{
    BlockKind, Class, LeftOut, MessageStatus, Mode, ProviderKind, ProviderStatus, RecipientStatus, Stage, Timestamp,
    WaitReason,
};
use std::collections::BTreeMap;

/// Stores each value and reads it back, as itself and as text.
async fn round_trip<T>(test: &TestDomain, values: &[T])
where
    T: Copy + fmt::Debug + fmt::Display + PartialEq + TryGetable + Into<Value> + Nullable + Send + Sync,
{
    use settings::{Column, Entity};
    assert!(!values.is_empty());
    let tx = test.db.begin().await.unwrap();
    for value in values {
        let row = settings::ActiveModel {
            name: Set("value".to_owned()),
            value: Set(String::new()),
            updated_at: Set(Timestamp::default()),
        };
        Entity::insert(row).exec_without_returning(&tx).await.unwrap();
        Entity::update_many()
            .col_expr(Column::Value, Expr::value(Some(*value)))
            .exec(&tx)
            .await
            .unwrap();
        let find = || Entity::find().filter(Column::Value.eq(*value)).select_only();
        let twice = || find().column(Column::Value).column_as(Column::Value, "text");
        let (read, text): (T, String) = twice().into_tuple().one(&tx).await.unwrap().unwrap();
        assert_eq!((read, text), (*value, value.to_string()));
        Entity::delete_many().exec(&tx).await.unwrap();
    }
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn every_enum_is_stored_by_its_name_and_read_back() {
    for test in databases().await {
        round_trip(&test, BlockKind::ALL).await;
        round_trip(&test, Class::ALL).await;
        round_trip(&test, EventKind::ALL).await;
        round_trip(&test, MessageStatus::ALL).await;
        round_trip(&test, Mode::ALL).await;
        round_trip(&test, Operation::ALL).await;
        round_trip(&test, Permission::ALL).await;
        round_trip(&test, ProviderKind::ALL).await;
        round_trip(&test, ProviderStatus::ALL).await;
        round_trip(&test, Purpose::ALL).await;
        round_trip(&test, RecipientField::ALL).await;
        round_trip(&test, RecipientStatus::ALL).await;
        round_trip(&test, RequestStatus::ALL).await;
        round_trip(&test, Role::ALL).await;
        round_trip(&test, ScopeKind::ALL).await;
        round_trip(&test, Source::ALL).await;
        round_trip(&test, Stage::ALL).await;
        round_trip(&test, SuspensionReason::ALL).await;
        round_trip(&test, WaitReason::ALL).await;
    }
}

/// Overwrites a column of all rows.
async fn write<E: EntityTrait>(test: &TestDomain, column: E::Column, value: impl Into<Value>) {
    let tx = test.db.begin().await.unwrap();
    E::update_many()
        .col_expr(column, Expr::value(value))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// The error that reading all rows ends in.
async fn unread<E: EntityTrait>(test: &TestDomain) -> String {
    let error = E::find().all(test.db.read()).await.err().unwrap();
    Error::from(error).to_string()
}

#[tokio::test]
async fn what_a_type_cannot_read_is_an_error_that_names_table_column_and_value() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let provider = relay(&test, &session, "relay").await;
        let secret = key(&test, &session, "all", Scope::All).await.secret;
        submit(&test, &secret).await.unwrap();

        write::<messages::Entity>(&test, messages::Column::Status, "gone").await;
        let error = unread::<messages::Entity>(&test).await;
        assert!(
            error.contains(r#"messages.status holds "gone", which cannot be read"#),
            "{error}"
        );
        assert!(error.contains("MessageStatus"), "{error}");

        write::<queue::Entity>(&test, queue::Column::WaitReason, Some("tide")).await;
        let error = unread::<queue::Entity>(&test).await;
        assert!(error.contains(r#"queue.wait_reason holds "tide""#), "{error}");
        write::<queue::Entity>(&test, queue::Column::WaitReason, Option::<WaitReason>::None).await;

        let long = format!("{{{}", "x".repeat(1_000));
        write::<queue::Entity>(&test, queue::Column::Progress, long).await;
        let error = unread::<queue::Entity>(&test).await;
        assert!(
            error.contains(r#"queue.progress holds "{xxx"#) && error.len() < 300,
            "{error}"
        );

        write::<provider_runtime::Entity>(&test, provider_runtime::Column::Health, "?").await;
        let error = runtime::read(test.db.read(), [provider.id])
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(r#"provider_runtime.health holds "?""#), "{error}");

        // Columns of a few tables alone do not tell which it is.
        write::<api_keys::Entity>(&test, api_keys::Column::Permissions, "send,fly").await;
        let some: Result<Vec<(i64, Joined<Permission>)>, _> = api_keys::Entity::find()
            .select_only()
            .columns([api_keys::Column::Id, api_keys::Column::Permissions])
            .into_tuple()
            .all(test.db.read())
            .await;
        let error = Error::from(some.unwrap_err()).to_string();
        assert!(error.contains(r#"api_keys.permissions holds "send,fly""#), "{error}");
        assert!(error.contains(r#""fly" is not a Permission"#), "{error}");

        write::<lanes::Entity>(&test, lanes::Column::Targets, "1,x").await;
        let error = unread::<lanes::Entity>(&test).await;
        assert!(error.contains(r#"lanes.targets holds "1,x""#), "{error}");
    }
}

#[tokio::test]
async fn what_a_type_cannot_read_is_left_out_where_other_rows_must_be_found() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let known = relay(&test, &session, "known").await;
        let newer = relay(&test, &session, "newer").await;
        let tx = test.db.begin().await.unwrap();
        providers::Entity::update_many()
            .col_expr(providers::Column::Kind, Expr::value("pigeon"))
            .filter(providers::Column::Id.eq(newer.id))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let find = providers::Entity::find().filter(providers::Column::Id.is_in([known.id, newer.id]));
        let found = readable(test.db.read(), find).await.unwrap();
        assert_eq!(found.iter().map(|row| row.id).collect::<Vec<_>>(), [known.id]);
    }
}

#[test]
fn json_is_written_as_it_always_was() {
    let choice = Choice {
        candidates: vec![RecordedCandidate {
            left_out: Some(LeftOut::Cap),
            opens_at: Some(Timestamp::from_millis(1_000)),
            provider: "prv_a".to_owned(),
            weight: 3,
        }],
    };
    let written = r#"{"candidates":[{"left_out":"cap","opens_at":1000,"provider":"prv_a","weight":3}]}"#;
    assert_eq!(Json(choice).to_string(), written);
    assert_eq!(Json(Choice::default()).to_string(), "{}");
    assert_eq!(Json(Origin::default()).to_string(), "{}");
    assert_eq!(Json(vec!["a@example.com"]).to_string(), r#"["a@example.com"]"#);
    assert_eq!(StoredProgress::default().to_string(), "");
    let progress = Progress {
        round: Round::first(),
        tried: vec![7],
        lacking: BTreeMap::new(),
        ready_since: Timestamp::from_millis(5),
        sent: 0,
        failed: 1,
        takeovers: 0,
    };
    let written = concat!(
        r#"{"round":{"number":1,"failed":0,"closed":false,"retry_at":null,"refusal":null},"#,
        r#""tried":[7],"ready_since":5,"sent":0,"failed":1}"#
    );
    let stored = StoredProgress::from(&progress);
    assert_eq!(stored.to_string(), written);
    assert_eq!(written.parse::<StoredProgress>().unwrap(), stored);
}

#[test]
fn fields_of_a_later_version_are_passed_over() {
    let Json(origin): Json<Origin> = r#"{"tls":"TLSv1.3","country":"IS"}"#.parse().unwrap();
    assert_eq!(origin.tls.as_deref(), Some("TLSv1.3"));
}

#[test]
fn a_list_is_joined_by_commas() {
    for (list, text) in [(vec![], ""), (vec![7], "7"), (vec![7, 8, 90], "7,8,90")] {
        assert_eq!(Joined(list.clone()).to_string(), text);
        assert_eq!(text.parse(), Ok(Joined(list)));
    }
    assert!("7,eight".parse::<Joined<i64>>().is_err());
}
