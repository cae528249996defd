use crate::error::Error;
use crate::groups::{self, Members};
use crate::keys::{self, NewKey, Permission, Scope};
use crate::providers::{self, Form, SmtpForm};
use crate::settings::Settings;
use crate::testing::{databases_with, smtp_provider};
use sendmux_rules::{Mode, ProviderKind};
use std::time::Duration;

fn new_key() -> NewKey {
    NewKey {
        name: "Shop".to_owned(),
        mode: Mode::Live,
        permissions: vec![Permission::Send],
        scope: Scope::All,
    }
}

/// The text of the refusal, which names the limit.
fn refused<T>(result: crate::error::Result<T>) -> String {
    match result {
        Err(Error::Conflict(message)) => message,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[tokio::test]
async fn a_team_has_a_limited_number_of_keys_in_force() {
    for test in databases_with(Settings {
        max_keys_per_team: 2,
        ..Settings::default()
    })
    .await
    {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let first = keys::create(&test, &actor, new_key()).await.unwrap();
        // A key that was replaced ends by itself.
        keys::rotate(&test, &actor, &first.key.public_id, Duration::from_secs(3_600))
            .await
            .unwrap();
        let second = keys::create(&test, &actor, new_key()).await.unwrap();
        let message = refused(keys::create(&test, &actor, new_key()).await);
        assert!(message.contains("limit of API keys (2)"), "{message}");
        keys::revoke(&test, &actor, &second.key.public_id).await.unwrap();
        keys::create(&test, &actor, new_key()).await.unwrap();

        let others = test.owner("Globex").await.actor(None);
        keys::create(&test, &others, new_key()).await.unwrap();
    }
}

#[tokio::test]
async fn keys_that_are_made_at_once_do_not_exceed_the_limit() {
    for test in databases_with(Settings {
        max_keys_per_team: 3,
        ..Settings::default()
    })
    .await
    {
        let actor = test.owner("Acme").await.actor(None);
        let all = (0..8).map(|_| keys::create(&test, &actor, new_key()));
        let made = futures::future::join_all(all).await;
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 3);
    }
}

#[tokio::test]
async fn a_team_has_a_limited_number_of_providers_beside_its_first() {
    for test in databases_with(Settings {
        max_providers_per_team: 1,
        ..Settings::default()
    })
    .await
    {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let first = smtp_provider(&test, &session, "one").await;
        let form = || {
            Form::Smtp(SmtpForm {
                name: "two".to_owned(),
                host: "smtp.example.com".to_owned(),
                port: "587".to_owned(),
                security: "starttls".to_owned(),
                ..SmtpForm::default()
            })
        };
        let message = refused(providers::create(&test, &actor, ProviderKind::Smtp, form()).await);
        assert!(message.contains("limit of providers (1)"), "{message}");
        providers::delete(&test, &actor, &first.public_id).await.unwrap();
        providers::create(&test, &actor, ProviderKind::Smtp, form())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_team_has_a_limited_number_of_groups() {
    for test in databases_with(Settings {
        max_groups_per_team: 1,
        ..Settings::default()
    })
    .await
    {
        let actor = test.owner("Acme").await.actor(None);
        let first = groups::create(&test, &actor, "Bulk", Members::new()).await.unwrap();
        let message = refused(groups::create(&test, &actor, "Alerts", Members::new()).await);
        assert!(message.contains("limit of groups (1)"), "{message}");
        groups::delete(&test, &actor, &first.public_id).await.unwrap();
        groups::create(&test, &actor, "Alerts", Members::new()).await.unwrap();
    }
}
