use super::*;
use crate::groups;
use crate::keys::{self, Scope};
use crate::providers::{self, CapsForm};
use crate::routing::tests::{key, of_kind, pulled, relay, submit, with_runtime};
use crate::runtime;
use crate::testing::{START, databases};
use sendmux_rules::BlockKind;
use sendmux_rules::caps::charge;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn it_says_where_a_message_would_go_and_why() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let mut relays = Vec::new();
        for name in ["one", "two", "three", "four"] {
            relays.push(relay(&test, &session, name).await);
        }
        let weights = [Some(60), Some(30), Some(10), Some(0)];
        let members = relays
            .iter()
            .zip(weights)
            .map(|(relay, weight)| (relay.public_id.clone(), weight))
            .collect();
        let group = groups::create(&test, &actor, "bulk", members).await.unwrap().public_id;
        let created = key(&test, &session, "k", Scope::Groups(vec![group])).await;
        let ask = async || {
            dry_run(&test, session.team.id, &created.key.public_id, 1_000, 1, "Example.com")
                .await
                .unwrap()
        };
        let percents =
            |run: &DryRun| -> Vec<(f64, f64)> { run.candidates.iter().map(|one| (one.share, one.chance)).collect() };

        let run = ask().await;
        assert_eq!(percents(&run), [(60.0, 60.0), (30.0, 30.0), (10.0, 10.0), (0.0, 0.0)]);
        assert_eq!(run.candidates[3].left_out, Some(LeftOut::ZeroWeight));
        assert_eq!((run.waiting, run.refusal), (None, None));

        let until = START.plus(HOUR);
        with_runtime(&test, relays[0].id, |state| {
            state.health = pulled(BlockKind::Connection, Some(until));
        })
        .await;
        let tx = test.db.begin().await.unwrap();
        runtime::refuse_sender(&tx, relays[2].id, "example.com", START, until, "verify it")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let run = ask().await;
        assert_eq!(percents(&run), [(60.0, 0.0), (30.0, 100.0), (10.0, 0.0), (0.0, 0.0)]);
        let why: Vec<_> = run.candidates.iter().map(|one| (one.left_out, one.opens_at)).collect();
        assert_eq!(
            why,
            [
                (Some(LeftOut::Blocked), Some(until)),
                (None, None),
                (Some(LeftOut::SenderRefused), None),
                (Some(LeftOut::ZeroWeight), None)
            ]
        );

        let form = CapsForm {
            minute: Some(1),
            ..CapsForm::default()
        };
        providers::set_caps(&test, &actor, &relays[1].public_id, form)
            .await
            .unwrap();
        with_runtime(&test, relays[1].id, |state| {
            charge(&mut state.usage, START, 1);
        })
        .await;
        let run = ask().await;
        let waiting = run.waiting.unwrap();
        assert_eq!(
            (waiting.reason, waiting.opens_at),
            (WaitReason::Cap, Some(START.plus(Duration::from_secs(60))))
        );
        assert_eq!(run.refusal, None, "what only waits is not refused");

        // The dry run of an accepted message uses its own size, sender and attempts.
        let id = submit(&test, &created.secret).await.unwrap();
        let run = of_message(&test, session.team.id, &id).await.unwrap().unwrap();
        assert_eq!(run.waiting, Some(waiting));
        let other = test.owner("Other").await;
        assert!(of_message(&test, other.team.id, &id).await.is_err());
    }
}

#[tokio::test]
async fn it_says_what_would_be_refused() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let managed = of_kind(&test, &session, ProviderKind::ManagedSes).await;
        let all = key(&test, &session, "k", Scope::All).await;
        let ask = async |size, recipients| {
            dry_run(&test, session.team.id, &all.key.public_id, size, recipients, "")
                .await
                .unwrap()
        };
        let run = ask(1_000, 1).await;
        assert_eq!((run.candidates.len(), run.candidates[0].chance), (1, 100.0));
        let refusal = ask(50_000_000, 1).await.refusal.unwrap();
        assert!(refusal.contains("50000000 bytes"), "{refusal}");
        assert!(ask(1_000, 51).await.refusal.unwrap().contains("51 recipients"));

        providers::set_active(&test, &actor, &managed.public_id, false)
            .await
            .unwrap();
        assert!(ask(1_000, 1).await.refusal.unwrap().contains("no active provider"));

        keys::revoke(&test, &actor, &all.key.public_id).await.unwrap();
        let revoked = dry_run(&test, session.team.id, &all.key.public_id, 1, 1, "").await;
        assert!(matches!(revoked, Err(Error::Conflict(_))));
        let other = test.owner("Other").await;
        let foreign = dry_run(&test, other.team.id, &all.key.public_id, 1, 1, "").await;
        assert!(matches!(foreign, Err(Error::NotFound(_))));
    }
}
