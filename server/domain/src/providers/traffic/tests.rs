use super::*;
use crate::keys::{self, Scope};
use crate::providers::{Left, delete, list, set_active};
use crate::routing::tests::{key, of_kind, pulled, relay, with_runtime, wrong_fields};
use crate::testing::{START, databases};
use sendmux_rules::caps::{Caps, charge};
use sendmux_rules::{BlockKind, LeftOut};
use std::time::Duration;

#[tokio::test]
async fn a_weight_shares_the_traffic_of_all() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let (one, two) = (relay(&test, &session, "one").await, relay(&test, &session, "two").await);
        assert_eq!((one.weight, one.share, two.share), (None, 100.0, 50.0));
        let one = set_weight(&test, &actor, &one.public_id, Some(300)).await.unwrap();
        assert_eq!((one.weight, one.share, one.version), (Some(300), 75.0, 2));
        let two = set_weight(&test, &actor, &two.public_id, Some(0)).await.unwrap();
        assert_eq!(
            (two.share, two.hold.map(|hold| hold.reason)),
            (0.0, Some(LeftOut::ZeroWeight))
        );
        let managed = of_kind(&test, &session, ProviderKind::ManagedSes).await;
        assert_eq!(managed.share, 0.0, "it stands in only while there is no other");
        set_weight(&test, &actor, &one.public_id, None).await.unwrap();
        assert_eq!(
            super::get(&test, session.team.id, &one.public_id).await.unwrap().weight,
            None
        );
    }
}

#[tokio::test]
async fn a_blocked_provider_leaves_its_share_to_the_others_for_now() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let (one, two) = (relay(&test, &session, "one").await, relay(&test, &session, "two").await);
        with_runtime(&test, one.id, |state| state.health = pulled(BlockKind::Auth, None)).await;
        let shares = async |id: &str| {
            let view = super::get(&test, session.team.id, id).await.unwrap();
            (view.share, view.share_now)
        };
        assert_eq!(shares(&one.public_id).await, (50.0, 0.0));
        assert_eq!(shares(&two.public_id).await, (50.0, 100.0));
        let managed = of_kind(&test, &session, ProviderKind::ManagedSes).await;
        assert_eq!(managed.share_now, 0.0, "a block does not bring the managed route in");
    }
}

#[tokio::test]
async fn weights_that_send_nothing_are_refused_with_those_who_have_them() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let (one, two) = (relay(&test, &session, "one").await, relay(&test, &session, "two").await);
        let refused = async |id: &str, weight: i64| {
            let error = set_weight(&test, &actor, id, Some(weight)).await.unwrap_err();
            let text = error.to_string();
            (wrong_fields(error)[0].1, text)
        };
        assert_eq!(refused(&one.public_id, -1).await.0, "negative");
        assert_eq!(refused(&one.public_id, MAX_WEIGHT + 1).await.0, "too_large");
        set_weight(&test, &actor, &one.public_id, Some(0)).await.unwrap();
        let (code, text) = refused(&two.public_id, 0).await;
        assert_eq!(code, "all_zero");
        assert!(text.contains("\"one\", \"two\""), "{text}");

        // Nor by deleting the one that has a weight. Switching it off is always possible.
        let Err(Error::Conflict(why)) = delete(&test, &actor, &two.public_id).await else {
            panic!("deleted")
        };
        assert!(why.contains("one"), "{why}");
        set_active(&test, &actor, &one.public_id, false).await.unwrap();
        set_active(&test, &actor, &two.public_id, false).await.unwrap();
        let on = set_active(&test, &actor, &one.public_id, true).await;
        assert!(
            matches!(on, Err(Error::Conflict(_))),
            "it would take over from the managed route and send nothing"
        );
        set_active(&test, &actor, &two.public_id, true).await.unwrap();
        set_active(&test, &actor, &one.public_id, true).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_that_names_providers_keeps_one_that_sends() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let (one, _) = (relay(&test, &session, "one").await, relay(&test, &session, "two").await);
        let created = key(
            &test,
            &session,
            "backend",
            Scope::Providers(vec![one.public_id.clone()]),
        )
        .await;
        let error = set_weight(&test, &actor, &one.public_id, Some(0)).await.unwrap_err();
        assert!(error.to_string().contains("backend"), "{error}");
        keys::revoke(&test, &actor, &created.key.public_id).await.unwrap();
        set_weight(&test, &actor, &one.public_id, Some(0)).await.unwrap();
        let all = keys::set_scope(&test, &actor, &created.key.public_id, Scope::All).await;
        assert!(matches!(all, Err(Error::Conflict(_))), "it was revoked");
        let other = key(&test, &session, "other", Scope::All).await;
        let scope = Scope::Providers(vec![one.public_id]);
        let error = keys::set_scope(&test, &actor, &other.key.public_id, scope)
            .await
            .unwrap_err();
        assert_eq!(wrong_fields(error), [("scope.providers".to_owned(), "all_zero")]);
    }
}

#[tokio::test]
async fn caps_are_checked_shown_with_the_room_they_leave_and_taken_away() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let one = relay(&test, &session, "one").await;
        assert_eq!(
            (one.caps, one.left),
            (Caps::NONE, Left::default()),
            "an SMTP server has no caps of its own"
        );
        let bad = CapsForm {
            second: Some(0),
            minute: Some(-1),
            hour: Some(MAX_CAP + 1),
            day: Some(1),
        };
        let error = set_routing(&test, &actor, &one.public_id, Some(-5), bad, None)
            .await
            .unwrap_err();
        let fields: Vec<String> = wrong_fields(error).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["weight", "caps.second", "caps.minute", "caps.hour"]);

        let caps = CapsForm {
            minute: Some(2),
            day: Some(10),
            ..CapsForm::default()
        };
        set_routing(&test, &actor, &one.public_id, Some(50), caps, Some(one.version))
            .await
            .unwrap();
        let stale = set_routing(&test, &actor, &one.public_id, None, caps, Some(one.version)).await;
        assert!(matches!(stale, Err(Error::Conflict(_))));
        with_runtime(&test, one.id, |state| {
            charge(&mut state.usage, START, 2);
        })
        .await;
        let view = super::get(&test, session.team.id, &one.public_id).await.unwrap();
        assert_eq!(
            (view.left.minute, view.left.day, view.left.second),
            (Some(0), Some(8), None)
        );
        let hold = view.hold.unwrap();
        assert_eq!(
            (hold.reason, hold.opens_at),
            (LeftOut::Cap, Some(START.plus(Duration::from_secs(60))))
        );
        let view = set_caps(&test, &actor, &one.public_id, CapsForm::default())
            .await
            .unwrap();
        assert_eq!((view.caps, view.hold, view.weight), (Caps::NONE, None, Some(50)));
    }
}

#[tokio::test]
async fn the_managed_route_and_the_sandbox_are_not_the_teams_to_weigh() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        for view in list(&test, session.team.id).await.unwrap() {
            let weighed = set_weight(&test, &session.actor(None), &view.public_id, Some(1)).await;
            assert!(matches!(weighed, Err(Error::Conflict(_))), "{}", view.name);
        }
        let other = test.owner("Other").await;
        let one = relay(&test, &session, "one").await;
        let foreign = set_caps(&test, &other.actor(None), &one.public_id, CapsForm::default()).await;
        assert!(matches!(foreign, Err(Error::NotFound(_))));
    }
}
