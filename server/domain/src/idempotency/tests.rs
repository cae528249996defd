use super::*;
use crate::keys::Scope;
use crate::messages::query::{self, MessageFilter};
use crate::messages::{Committed, Intake, NewRecipient, Origin, RecipientField, Source, Submission, new_message_id};
use crate::testing::databases;
use std::sync::Arc;

fn submission(key: &Arc<KeyContext>) -> Submission {
    let public_id = new_message_id();
    Submission {
        header_message_id: format!("<{public_id}@example.com>"),
        public_id,
        key: key.clone(),
        source: Source::Http,
        origin: Origin::default(),
        subject: "Hello".to_owned(),
        from_email: "shop@example.com".to_owned(),
        from_name: String::new(),
        return_path: None,
        recipients: vec![NewRecipient {
            field: RecipientField::To,
            address: "ana@example.org".to_owned(),
            name: String::new(),
        }],
        content: "Subject: Hello\r\n\r\nHi\r\n".into(),
        smtputf8: false,
    }
}

fn answer(text: &str) -> Answer {
    Answer {
        status: 202,
        body: text.to_owned(),
    }
}

async fn messages(domain: &Domain, team_id: i64) -> usize {
    query::list(domain, team_id, &MessageFilter::default())
        .await
        .unwrap()
        .rows
        .len()
}

/// Carries out a request with the answer `text`.
async fn carry_out(domain: &Domain, key: &Arc<KeyContext>, guard: &InFlightGuard<'_>, text: &str) -> Committed {
    let mut intake = Intake::new(domain);
    intake.add(submission(key)).await.unwrap();
    intake.commit(Some(guard.record(&answer(text)))).await.unwrap()
}

#[tokio::test]
async fn an_answer_is_replayed_for_a_day_and_only_to_the_same_request() {
    for test in databases().await {
        let owner = test.owner("Acme").await;
        let key = test.sender(&owner, Mode::Live, Scope::All).await;
        let request = |operation, body: &str| Request::new(&key, "k1", operation, body.as_bytes());
        let first = request(Operation::Send, "{}");
        {
            let Admission::Fresh(guard) = begin(&test, first).await.unwrap() else {
                panic!("it is new")
            };
            assert!(matches!(begin(&test, first).await.unwrap(), Admission::InFlight));
            assert_eq!(carry_out(&test, &key, &guard, "one").await, Committed::Stored);
        }
        let replay = begin(&test, first).await.unwrap();
        assert!(matches!(replay, Admission::Replay(stored) if stored == answer("one")));
        for other in [request(Operation::Send, "{ }"), request(Operation::SendBatch, "{}")] {
            assert!(matches!(begin(&test, other).await.unwrap(), Admission::Conflict));
        }
        // Another key of the client, another mode, another team.
        let rival = test.owner("Rival").await;
        for (key, name) in [
            (key.clone(), "k2"),
            (test.sender(&owner, Mode::Test, Scope::All).await, "k1"),
            (test.sender(&rival, Mode::Live, Scope::All).await, "k1"),
        ] {
            let request = Request::new(&key, name, Operation::Send, b"{}");
            assert!(matches!(begin(&test, request).await.unwrap(), Admission::Fresh(_)));
        }

        test.clock.advance(KEPT - Duration::from_millis(1));
        assert!(matches!(begin(&test, first).await.unwrap(), Admission::Replay(_)));
        assert_eq!(sweep(&test).await.unwrap(), 0);
        test.clock.advance(Duration::from_millis(1));
        // Used again before it was swept.
        let again = request(Operation::SendBatch, "{ }");
        {
            let Admission::Fresh(guard) = begin(&test, again).await.unwrap() else {
                panic!("expired")
            };
            assert_eq!(carry_out(&test, &key, &guard, "two").await, Committed::Stored);
        }
        assert_eq!(sweep(&test).await.unwrap(), 0);
        assert!(matches!(begin(&test, again).await.unwrap(), Admission::Replay(stored) if stored == answer("two")));
        test.clock.advance(KEPT);
        assert_eq!(sweep(&test).await.unwrap(), 1);
        assert_eq!(messages(&test, owner.team.id).await, 2);
    }
}

#[tokio::test]
async fn a_request_that_came_to_nothing_may_come_again() {
    for test in databases().await {
        let owner = test.owner("Acme").await;
        let key = test.sender(&owner, Mode::Live, Scope::All).await;
        let request = Request::new(&key, "k", Operation::Send, b"wrong");
        drop(begin(&test, request).await.unwrap());
        let corrected = Request::new(&key, "k", Operation::Send, b"right");
        assert!(matches!(begin(&test, corrected).await.unwrap(), Admission::Fresh(_)));
    }
}

#[tokio::test]
async fn of_two_nodes_one_stores_and_the_other_replays() {
    for test in databases().await {
        let owner = test.owner("Acme").await;
        let key = test.sender(&owner, Mode::Live, Scope::All).await;
        let node = test.second_node().await;
        let request = Request::new(&key, "k", Operation::Send, b"{}");
        let other = Request::new(&key, "k", Operation::Send, b"{other}");
        let (Admission::Fresh(one), Admission::Fresh(two)) = (
            begin(&test, request).await.unwrap(),
            begin(&node, request).await.unwrap(),
        ) else {
            panic!("neither knows of the other")
        };
        let (first, second) = tokio::join!(carry_out(&test, &key, &one, "one"), carry_out(&node, &key, &two, "two"));
        assert_ne!(first, second, "exactly one of them is stored");
        let (loser, stored) = if first == Committed::Stored {
            (&two, "one")
        } else {
            (&one, "two")
        };
        assert!(matches!(loser.overtaken().await.unwrap(), Admission::Replay(kept) if kept == answer(stored)));
        assert_eq!(messages(&test, owner.team.id).await, 1);
        drop((one, two));
        assert!(matches!(begin(&node, other).await.unwrap(), Admission::Conflict));
    }
}

#[tokio::test]
async fn a_lost_race_takes_nothing_from_those_who_share_the_commit() {
    for test in databases().await {
        let owner = test.owner("Acme").await;
        let key = test.sender(&owner, Mode::Live, Scope::All).await;
        let node = test.second_node().await;
        let request = Request::new(&key, "k", Operation::Send, b"{}");
        let (Admission::Fresh(one), Admission::Fresh(two)) = (
            begin(&test, request).await.unwrap(),
            begin(&node, request).await.unwrap(),
        ) else {
            panic!("neither knows of the other")
        };
        assert_eq!(carry_out(&test, &key, &one, "one").await, Committed::Stored);
        let plain = (0..20).map(|_| crate::messages::submit(&node, submission(&key)));
        let (lost, plain) = tokio::join!(carry_out(&node, &key, &two, "two"), futures::future::join_all(plain));
        assert_eq!(lost, Committed::KeyTaken);
        assert!(plain.iter().all(Result::is_ok));
        assert_eq!(messages(&test, owner.team.id).await, 21);
    }
}
