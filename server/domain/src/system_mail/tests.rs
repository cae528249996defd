use super::*;
use crate::clock::Clock;
use crate::messages::query;
use crate::settings::{MailServer, MailSettings, Settings};
use crate::testing::{TestDomain, databases, databases_with};
use crate::{providers, sandbox};

async fn send(test: &TestDomain, email: &str, letter: &Letter) -> String {
    prepare(test).await.unwrap();
    let tx = test.db.begin().await.unwrap();
    let mails = to_address(&tx, test, email, letter).await.unwrap();
    tx.commit().await.unwrap();
    mails.wake(test);
    let page = query::list(test, known_team(test).unwrap(), &query::MessageFilter::default())
        .await
        .unwrap();
    page.rows[0].public_id.clone()
}

#[tokio::test]
async fn a_mail_is_a_message_of_a_team_that_nobody_belongs_to() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let letter = Mail::SuspensionLifted { team: "Fish & <Chips>" }
            .letter(&test.settings)
            .unwrap();
        let id = send(&test, &session.user.email, &letter).await;
        let team_id = known_team(&test).unwrap();
        assert!(
            query::get(&test, session.team.id, &id).await.is_err(),
            "no other team has it"
        );
        let detail = query::get(&test, team_id, &id).await.unwrap();
        assert_eq!(detail.row.source, Source::System);
        assert_eq!(detail.row.from_email, "noreply@sendmux.localhost");
        let raw = query::raw(&test, team_id, &id).await.unwrap();
        let view = sendmux_mime::read(&raw);
        assert!(view.html.unwrap().contains("Fish &amp; &lt;Chips&gt;"));
        let text = view.text.unwrap();
        assert!(
            text.contains("Fish & <Chips>") && text.contains("http://localhost:3000/providers"),
            "{text}"
        );
        let raw = String::from_utf8_lossy(&raw).into_owned();
        assert!(raw.contains("Auto-Submitted: auto-generated\r\n"), "{raw}");
        assert!(
            sandbox::list(&test, team_id, None, 10).await.unwrap().rows.is_empty(),
            "it waits for the engine"
        );
    }
}

#[tokio::test]
async fn every_node_finds_the_same_team() {
    for test in databases().await {
        let other = test.second_node().await;
        let (one, two) = tokio::join!(prepare(&test), prepare(&other));
        one.unwrap();
        two.unwrap();
        assert_eq!(known_team(&test), known_team(&other));
        let owner = test.owner("noreply").await;
        assert_ne!(owner.team.slug, "noreply", "nobody else has its address");
    }
}

#[tokio::test]
async fn the_configured_server_is_its_provider_and_follows_the_configuration() {
    let server = |host: &str, password: &str| MailServer {
        host: host.to_owned(),
        port: 587,
        security: sendmux_rules::SmtpSecurity::StartTls,
        credentials: Some(("mailer".to_owned(), password.to_owned().into())),
    };
    let settings = |server| Settings {
        mail: MailSettings {
            from: Some("mail@example.com".to_owned()),
            server,
        },
        ..Settings::default()
    };
    for test in databases_with(settings(Some(server("mx1.example.com", "one")))).await {
        let session = test.owner("Acme").await;
        let letter = Mail::SuspensionLifted { team: "Acme" }.letter(&test.settings).unwrap();
        let id = send(&test, &session.user.email, &letter).await;
        let team_id = known_team(&test).unwrap();
        let detail = query::get(&test, team_id, &id).await.unwrap();
        assert_eq!(detail.row.from_email, "mail@example.com");
        let lane = test.system_team.get().unwrap().lane_id;
        let pool = test.routes.pool(&test, lane).await.unwrap();
        let kinds: Vec<_> = pool.members.iter().map(|member| member.kind).collect();
        assert_eq!(
            kinds,
            [sendmux_rules::ProviderKind::Smtp],
            "the managed route only stands in"
        );
        let id = pool.members[0].provider_id;
        let version = pool.members[0].version;

        // A restart with the same configuration changes nothing; another password makes another version.
        for (next, expected) in [
            (Some(server("mx1.example.com", "one")), Some(version)),
            (Some(server("mx1.example.com", "two")), Some(version + 1)),
            (None, None),
        ] {
            let tx = test.db.begin().await.unwrap();
            let now = test.clock.now();
            providers::set_system_server(&tx, &test, team_id, next.as_ref(), now)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            let connection = providers::connection(&test, id).await.ok();
            assert_eq!(connection.map(|connection| connection.version), expected);
        }
    }
}
