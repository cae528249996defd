use super::*;
use crate::Settings;
use crate::accounts::Session;
use crate::keys::{KeyContext, Scope};
use crate::messages::content::CHUNK_BYTES;
use crate::messages::{
    NewRecipient, Origin, RecipientField, Source, Submission, cancel, new_message_id, query, resend, submit,
};
use crate::sandbox::{self, Capture};
use crate::testing::{TestDomain, databases_with};
use sea_orm::PaginatorTrait;
use sendmux_rules::Mode;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn tests(kept: Option<Duration>) -> Vec<TestDomain> {
    databases_with(Settings {
        content_retention: kept,
        ..Settings::default()
    })
    .await
}

/// A team and a key of it.
async fn sender(test: &TestDomain) -> (Session, Arc<KeyContext>) {
    let session = test.owner("Acme").await;
    let key = test.sender(&session, Mode::Live, Scope::All).await;
    (session, key)
}

/// Accepts a message of this size.
async fn accepted(test: &TestDomain, key: &Arc<KeyContext>, size: usize) -> String {
    let submission = Submission {
        public_id: new_message_id(),
        key: key.clone(),
        source: Source::Http,
        origin: Origin::default(),
        subject: "Hello".to_owned(),
        from_email: "sender@example.com".to_owned(),
        from_name: String::new(),
        return_path: None,
        header_message_id: "<1@example.com>".to_owned(),
        recipients: vec![NewRecipient {
            field: RecipientField::To,
            address: "a@example.com".to_owned(),
            name: String::new(),
        }],
        content: vec![b'x'; size].into(),
        smtputf8: false,
    };
    submit(test, submission).await.unwrap().message_id
}

/// Accepts a message of this size and ends it.
async fn ended(test: &TestDomain, session: &Session, key: &Arc<KeyContext>, size: usize) -> String {
    let id = accepted(test, key, size).await;
    cancel(test, &session.actor(None), &id).await.unwrap();
    id
}

async fn chunks(test: &TestDomain) -> u64 {
    content_chunks::Entity::find().count(test.db.read()).await.unwrap()
}

#[tokio::test]
async fn content_goes_so_long_after_the_end_of_its_message_and_what_became_of_it_stays() {
    for test in tests(Some(30 * DAY)).await {
        let (session, key) = sender(&test).await;
        let team_id = session.team.id;
        let over = ended(&test, &session, &key, 2 * CHUNK_BYTES + 1).await;
        let waits = accepted(&test, &key, 1_000).await;
        test.clock.advance(30 * DAY - Duration::from_millis(1));
        assert_eq!(remove_some(&test).await.unwrap(), 0);
        assert!(query::raw(&test, team_id, &over).await.is_ok());

        test.clock.advance(Duration::from_millis(1));
        assert_eq!(remove_some(&test).await.unwrap(), 1);
        assert_eq!(remove_some(&test).await.unwrap(), 0);
        assert_eq!(chunks(&test).await, 1, "what waits has its content, however long");
        assert!(query::raw(&test, team_id, &waits).await.is_ok());
        let detail = query::get(&test, team_id, &over).await.unwrap();
        assert_eq!(detail.content_removed_at, Some(test.domain.clock.now()));
        assert_eq!((detail.row.subject.as_str(), detail.recipients.len()), ("Hello", 1));
        let raw = query::raw(&test, team_id, &over).await.unwrap_err();
        assert!(matches!(raw, Error::Gone(_)), "{raw}");
        let again = resend(&test, team_id, &over, None, Origin::default())
            .await
            .unwrap_err();
        assert!(matches!(again, Error::Conflict(_)), "{again}");
        assert!(again.to_string().contains("no longer kept"), "{again}");
    }
}

#[tokio::test]
async fn what_the_sandbox_holds_goes_with_it() {
    for test in tests(Some(Duration::ZERO)).await {
        let (session, key) = sender(&test).await;
        let team_id = session.team.id;
        let id = ended(&test, &session, &key, 1_000).await;
        let message = query::find(&test, team_id, &id).await.unwrap();
        let capture = Capture {
            message_id: message.id,
            team_id,
            provider_id: 1,
            return_path: None,
            recipients: vec!["a@example.com".to_owned()],
            raw: Some("as the managed route would have sent it".into()),
        };
        sandbox::capture(&test, vec![capture]).await.unwrap();
        assert!(sandbox::get(&test, team_id, &id).await.is_ok());
        assert_eq!(remove_some(&test).await.unwrap(), 1);
        let gone = sandbox::get(&test, team_id, &id).await.unwrap_err();
        assert!(matches!(gone, Error::Gone(_)), "{gone}");
        assert!(!sandbox::has(&test, team_id, &id).await.unwrap());
        let listed = sandbox::list(&test, team_id, None, 10).await.unwrap();
        assert_eq!(listed.rows, []);
    }
}

#[tokio::test]
async fn nothing_goes_where_content_is_kept_for_ever() {
    for test in tests(None).await {
        let (session, key) = sender(&test).await;
        ended(&test, &session, &key, 10).await;
        test.clock.advance(10_000 * DAY);
        assert_eq!(remove_some(&test).await.unwrap(), 0);
        assert_eq!(chunks(&test).await, 1);
    }
}

#[tokio::test]
async fn large_contents_go_few_at_a_time() {
    for test in tests(Some(DAY)).await {
        let (session, key) = sender(&test).await;
        // One larger than a page, and then several that share pages.
        let sizes = [PAGE_BYTES as usize + 1, 3 << 20, 3 << 20, 3 << 20];
        for size in sizes {
            ended(&test, &session, &key, size).await;
            test.clock.advance(Duration::from_secs(1));
        }
        test.clock.advance(DAY);
        let mut pages = Vec::new();
        loop {
            let removed = remove_some(&test).await.unwrap();
            if removed == 0 {
                break;
            }
            pages.push(removed);
        }
        assert_eq!(pages, [1, 2, 1]);
        assert_eq!(chunks(&test).await, 0);
    }
}

#[tokio::test]
async fn several_nodes_may_do_it_at_once() {
    const MESSAGES: u64 = PAGE_MESSAGES + 100;
    for test in tests(Some(DAY)).await {
        let (session, key) = sender(&test).await;
        for _ in 0..MESSAGES / 100 {
            let some = (0..100).map(|_| ended(&test, &session, &key, 10));
            futures::future::join_all(some).await;
        }
        test.clock.advance(2 * DAY);
        let elsewhere = test.second_node().await;
        let (mut removed, mut rounds) = (0, 0);
        while rounds == 0 || chunks(&test).await > 0 {
            let (here, there) = tokio::join!(remove_some(&test), remove_some(&elsewhere));
            removed += here.unwrap() + there.unwrap();
            rounds += 1;
        }
        assert_eq!(removed, MESSAGES, "each counted once");
        assert!(rounds <= 2);
    }
}
