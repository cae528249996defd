//! One-time links at rest.

use super::*;
use crate::accounts::{can_reset, forgot_password};
use crate::entities::{content_chunks, queue as queue_rows, sandbox_messages};
use crate::messages::{content, query};
use crate::queue;
use crate::sandbox::{self, Capture};
use crate::settings::{MailServer, MailSettings, Settings};
use crate::testing::databases_with;
use bytes::Bytes;

const LINK: &str = "/reset-password?token=";

fn settings(server: Option<MailServer>) -> Settings {
    Settings {
        mail: MailSettings {
            from: Some("mail@example.com".to_owned()),
            server,
        },
        ..Settings::default()
    }
}

fn server() -> MailServer {
    MailServer {
        host: "mx.example.com".to_owned(),
        port: 25,
        security: sendmux_rules::SmtpSecurity::None,
        credentials: None,
    }
}

/// True if anything readable of a mail stands in these octets, in whatever encoding of lines.
fn shows_a_mail(stored: &[u8]) -> bool {
    let text = String::from_utf8_lossy(stored).replace("=\r\n", "");
    text.contains("token") || text.contains("Subject") || text.contains("password")
}

#[tokio::test]
async fn a_link_is_sealed_where_it_is_stored_and_shown_only_where_no_mail_leaves() {
    for (leaves, settings) in [(true, settings(Some(server()))), (false, settings(None))] {
        for test in databases_with(settings).await {
            let ada = test.owner("Acme").await;
            forgot_password(&test, &ada.user.email, None).await.unwrap();
            let team_id = known_team(&test).unwrap();
            let page = query::list(&test, team_id, &query::MessageFilter::default())
                .await
                .unwrap();
            let id = page.rows[0].public_id.clone();
            assert_eq!(page.rows[0].subject, "Choose a new password");
            let message = query::find(&test, team_id, &id).await.unwrap();
            let chunks = content_chunks::Entity::find().all(test.db.read()).await.unwrap();
            assert!(!chunks.is_empty() && chunks.iter().all(|chunk| !shows_a_mail(&chunk.data)));

            // The recipient gets a link that works, whether the content is loaded with others or alone.
            let rows = queue_rows::Entity::find()
                .filter(queue_rows::Column::MessageId.eq(message.id))
                .all(test.db.read())
                .await
                .unwrap();
            let works = queue::load(&test, rows).await.unwrap();
            let sent = works[0].content.clone().unwrap();
            assert_eq!(content::load(&test, &message).await.unwrap(), sent);
            let text = sendmux_mime::read(&sent).text.unwrap();
            let (_, token) = text.split_once(LINK).unwrap();
            assert!(can_reset(&test, token.lines().next().unwrap()).await.unwrap());

            let shown = query::raw(&test, team_id, &id).await;
            if leaves {
                assert!(matches!(shown, Err(Error::Gone(_))), "{shown:?}");
            } else {
                assert_eq!(shown.unwrap(), sent, "the operator hands it over");
            }

            // So it is in the sandbox, where it may stand changed.
            let captured = Bytes::from_static(b"Subject: token\r\n\r\npassword\r\n");
            let capture = Capture {
                message_id: message.id,
                team_id,
                provider_id: 1,
                return_path: None,
                recipients: vec![ada.user.email.clone()],
                raw: Some(captured.clone()),
            };
            sandbox::capture(&test, vec![capture]).await.unwrap();
            let copies = sandbox_messages::Entity::find().all(test.db.read()).await.unwrap();
            assert!(copies.iter().all(|copy| !shows_a_mail(copy.raw.as_deref().unwrap())));
            let shown = sandbox::get(&test, team_id, &id).await;
            if leaves {
                assert!(matches!(shown, Err(Error::Gone(_))), "{shown:?}");
            } else {
                assert_eq!(shown.unwrap().raw, captured);
            }
        }
    }
}

#[tokio::test]
async fn a_mail_without_a_link_is_shown() {
    for test in databases_with(settings(Some(server()))).await {
        prepare(&test).await.unwrap();
        let letter = Mail::SuspensionLifted { team: "Acme" }.letter(&test.settings).unwrap();
        let tx = test.db.begin().await.unwrap();
        let mails = to_address(&tx, &test, "ada@example.com", &letter).await.unwrap();
        tx.commit().await.unwrap();
        mails.wake(&test);
        let team_id = known_team(&test).unwrap();
        let page = query::list(&test, team_id, &query::MessageFilter::default())
            .await
            .unwrap();
        let raw = query::raw(&test, team_id, &page.rows[0].public_id).await.unwrap();
        assert!(shows_a_mail(&raw));
    }
}
