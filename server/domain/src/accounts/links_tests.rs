use super::*;
use crate::actor::Actor;
use crate::error::Error;
use crate::keys::Scope;
use crate::messages::{content, query};
use crate::routing::tests::submit;
use crate::settings::{MailServer, MailSettings, Settings};
use crate::testing::{PASSWORD, TestDomain, databases, databases_with, smtp_provider};
use crate::{managed, system_mail};
use bytes::Bytes;
use sendmux_rules::{Mode, ProviderStatus};
use std::time::Duration;

/// An installation that can send mail.
fn with_mail() -> Settings {
    Settings {
        mail: MailSettings {
            from: Some("mail@example.com".to_owned()),
            server: Some(MailServer {
                host: "mx.example.com".to_owned(),
                port: 25,
                security: sendmux_rules::SmtpSecurity::None,
                credentials: None,
            }),
        },
        ..Settings::default()
    }
}

/// The newest mail to an address: its subject, and the secret of its link.
async fn mail(test: &TestDomain, email: &str) -> Option<(String, String)> {
    system_mail::prepare(test).await.unwrap();
    let team_id = system_mail::known_team(test).unwrap();
    let page = query::list(test, team_id, &query::MessageFilter::default())
        .await
        .unwrap();
    let row = page.rows.into_iter().find(|row| row.first_recipient == email)?;
    let raw = content_of(test, team_id, &row.public_id).await;
    let text = sendmux_mime::read(&raw).text.unwrap();
    let token = text.split_once("token=").map_or("", |(_, rest)| rest);
    let token = token.chars().take_while(char::is_ascii_alphanumeric).collect();
    Some((row.subject, token))
}

/// The content of a mail as it is sent.
async fn content_of(test: &TestDomain, team_id: i64, id: &str) -> Bytes {
    let message = query::find(test, team_id, id).await.unwrap();
    content::load(test, &message).await.unwrap()
}

async fn status(test: &TestDomain, session: &Session) -> ProviderStatus {
    managed::route(test, session.team.id).await.unwrap().status
}

#[tokio::test]
async fn the_managed_route_of_a_new_team_opens_with_its_owners_address() {
    for test in databases_with(with_mail()).await {
        let ada = test.owner("Ada").await;
        assert_eq!(status(&test, &ada).await, ProviderStatus::Pending);
        let route = managed::route(&test, ada.team.id).await.unwrap();
        let refused = crate::providers::set_active(&test, &ada.actor(None), &route.provider_id, true).await;
        assert!(refused.unwrap_err().to_string().contains("verified"));
        let (subject, token) = mail(&test, &ada.user.email).await.unwrap();
        assert_eq!(subject, "Verify your email address");

        // A second mail invalidates the first link.
        send_verification_again(&test, ada.user.id).await.unwrap();
        assert!(verify_email(&test, &token, None).await.is_err());
        let (_, token) = mail(&test, &ada.user.email).await.unwrap();
        for wrong in ["", "x", &"A".repeat(43)] {
            assert!(
                matches!(verify_email(&test, wrong, None).await, Err(Error::NotFound(_))),
                "{wrong}"
            );
        }
        assert_eq!(verify_email(&test, &token, None).await.unwrap(), ada.user.email);
        assert_eq!(status(&test, &ada).await, ProviderStatus::Active);
        assert!(verify_email(&test, &token, None).await.is_err(), "it works once");
        assert!(is_verified(&test, ada.user.id).await.unwrap());
        assert!(send_verification_again(&test, ada.user.id).await.is_err());

        let bo = test.owner("Bo").await;
        let (_, token) = mail(&test, &bo.user.email).await.unwrap();
        test.clock.advance(Duration::from_secs(7 * 24 * 3_600));
        assert!(verify_email(&test, &token, None).await.is_err(), "it has expired");
        assert_eq!(forget_old_links(&test).await.unwrap(), 3);
        for n in 0..6 {
            let sent = send_verification_again(&test, bo.user.id).await;
            assert_eq!(sent.is_ok(), n < 5, "{n}");
        }
    }
}

#[tokio::test]
async fn a_team_sends_nothing_live_before_its_owners_address_is_verified() {
    for test in databases_with(with_mail()).await {
        let ada = test.owner("Ada").await;
        let provider = smtp_provider(&test, &ada, "Own").await;
        let scope = Scope::Providers(vec![provider.public_id]);
        let live = [
            test.key(&ada, Mode::Live, Scope::All).await.secret,
            test.key(&ada, Mode::Live, scope).await.secret,
        ];
        for key in &live {
            let refused = submit(&test, key).await.unwrap_err();
            assert!(
                matches!(refused, Error::Forbidden(text) if text.starts_with("verify the email address")),
                "{refused}"
            );
        }
        let in_test = test.key(&ada, Mode::Test, Scope::All).await.secret;
        submit(&test, &in_test).await.unwrap();
        let another = create_team(&test, &ada, "Another", None).await.unwrap();
        assert!(awaits_verification(&test, another.id).await.unwrap());

        let (_, token) = mail(&test, &ada.user.email).await.unwrap();
        verify_email(&test, &token, None).await.unwrap();
        for key in &live {
            submit(&test, key).await.unwrap();
        }
        assert!(!awaits_verification(&test, another.id).await.unwrap());
        // Whoever uses the command line vouches for the address.
        let new = NewUser {
            email: "grace@example.com".to_owned(),
            password: PASSWORD.to_owned(),
            ..NewUser::default()
        };
        let grace = create_user(&test, new).await.unwrap();
        assert!(is_verified(&test, grace.id).await.unwrap());
        let (team, _) = teams_of(&test, grace.id).await.unwrap().remove(0);
        assert!(!awaits_verification(&test, team.id).await.unwrap());
    }
}

#[tokio::test]
async fn without_a_way_to_send_mail_the_managed_route_is_open_at_once() {
    for test in databases().await {
        let ada = test.owner("Ada").await;
        assert_eq!(status(&test, &ada).await, ProviderStatus::Active);
        assert_eq!(mail(&test, &ada.user.email).await, None);
    }
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link_that_works_once() {
    const NEW: &str = "another horse battery";
    for test in databases().await {
        let ada = test.owner("Ada").await;
        let email = &ada.user.email;
        for unknown in ["nobody@example.com", "", "nonsense"] {
            forgot_password(&test, unknown, None).await.unwrap();
        }
        forgot_password(&test, &email.to_uppercase(), None).await.unwrap();
        let (subject, token) = mail(&test, email).await.unwrap();
        assert_eq!(subject, "Choose a new password");
        assert!(can_reset(&test, &token).await.unwrap());
        let weak = reset_password(&test, &token, "short".to_owned(), None).await;
        assert!(matches!(weak, Err(Error::Invalid(_))));
        let begun = sign_in(&test, email, PASSWORD, None).await.unwrap();
        let signed_in = reset_password(&test, &token, NEW.to_owned(), None)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((signed_in.user.id, signed_in.team.id), (ada.user.id, ada.team.id));
        let session = async |mark: &str| session_user(&test, &ada.user.public_id, mark, None).await.unwrap();
        assert_eq!(
            session(&begun.mark).await,
            None,
            "what was signed in before is not any more"
        );
        assert_eq!(session(&signed_in.mark).await.as_ref(), Some(&ada));
        assert!(is_verified(&test, ada.user.id).await.unwrap());
        assert!(!can_reset(&test, &token).await.unwrap());
        assert!(reset_password(&test, &token, PASSWORD.to_owned(), None).await.is_err());
        assert!(sign_in(&test, email, PASSWORD, None).await.is_err());
        sign_in(&test, email, NEW, None).await.unwrap();
        assert_eq!(mail(&test, email).await.unwrap().0, "Your password was changed");

        forgot_password(&test, email, None).await.unwrap();
        let (_, token) = mail(&test, email).await.unwrap();
        test.clock.advance(Duration::from_secs(3_600));
        assert!(!can_reset(&test, &token).await.unwrap(), "it has expired");
    }
}

#[tokio::test]
async fn few_links_are_sent_to_one_address() {
    for test in databases().await {
        let ada = test.owner("Ada").await;
        let mut tokens = Vec::new();
        for _ in 0..8 {
            forgot_password(&test, &ada.user.email, None).await.unwrap();
            tokens.push(mail(&test, &ada.user.email).await.unwrap().1);
        }
        tokens.dedup();
        assert_eq!(tokens.len(), 5);
    }
}

#[tokio::test]
async fn people_are_invited_join_and_leave() {
    for test in databases().await {
        let (ada, bo) = (test.owner("Ada").await, test.owner("Bo").await);
        let actor = ada.actor(None);
        for (email, role, field) in [
            ("", "member", "email"),
            ("x", "member", "email"),
            ("a@b.example", "king", "role"),
        ] {
            let refused = invite(&test, &actor, email, role).await.unwrap_err();
            assert!(
                matches!(&refused, Error::Invalid(fields) if fields[0].field == field),
                "{refused}"
            );
        }
        // Somebody with an account, and somebody without.
        invite(&test, &actor, &bo.user.email, "developer").await.unwrap();
        invite(&test, &actor, "New@example.com", "admin").await.unwrap();
        assert_eq!(invitations(&test, ada.team.id).await.unwrap().len(), 2);
        let (subject, token) = mail(&test, &bo.user.email).await.unwrap();
        assert_eq!(subject, "Join a team on Sendmux");
        let seen = invited(&test, &token).await.unwrap();
        assert_eq!(
            (seen.team.as_str(), seen.role, seen.has_account),
            ("Ada", Role::Developer, true)
        );
        let other = accept_invitation(&test, &ada, &token, None).await.unwrap_err();
        assert!(other.to_string().contains(&bo.user.email), "{other}");
        let joined = accept_invitation(&test, &bo, &token, None).await.unwrap();
        assert_eq!(joined.team.id, ada.team.id);
        assert!(
            matches!(invited(&test, &token).await, Err(Error::NotFound(_))),
            "it works once"
        );
        let again = invite(&test, &actor, &bo.user.email, "member").await.unwrap_err();
        assert!(again.to_string().contains("member of the team already"), "{again}");

        let (_, token) = mail(&test, "New@example.com").await.unwrap();
        let weak = accept_invitation_signed_out(&test, &token, "New".to_owned(), "x".to_owned(), None).await;
        assert!(matches!(weak, Err(Error::Invalid(_))));
        let joined = accept_invitation_signed_out(&test, &token, "New".to_owned(), PASSWORD.to_owned(), None).await;
        let joined = joined.unwrap();
        assert_eq!(joined.team.id, ada.team.id);
        assert!(!joined.user.is_operator && is_verified(&test, joined.user.id).await.unwrap());
        let list = members(&test, ada.team.id).await.unwrap();
        let roles: Vec<Role> = list.iter().map(|member| member.role).collect();
        assert_eq!(roles, [Role::Owner, Role::Developer, Role::Admin]);

        // An admin may manage members, but not owners.
        let admin = Actor {
            user_id: Some(joined.user.id),
            role: Role::Admin,
            ..actor.clone()
        };
        let bo_id = &bo.user.public_id;
        set_role(&test, &admin, bo_id, "member").await.unwrap();
        for (user, role) in [(bo_id, "owner"), (&ada.user.public_id, "member")] {
            assert!(
                matches!(set_role(&test, &admin, user, role).await, Err(Error::Forbidden(_))),
                "{role}"
            );
        }
        assert!(matches!(
            remove_member(&test, &admin, &ada.user.public_id).await,
            Err(Error::Forbidden(_))
        ));
        let last = set_role(&test, &actor, &ada.user.public_id, "admin").await.unwrap_err();
        assert!(last.to_string().contains("only owner"), "{last}");
        let developer = Actor {
            user_id: Some(bo.user.id),
            role: Role::Member,
            ..actor.clone()
        };
        assert!(matches!(
            invite(&test, &developer, "x@example.com", "member").await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(
            remove_member(&test, &developer, &joined.user.public_id).await,
            Err(Error::Forbidden(_))
        ));
        // Strangers are not found, and everybody may leave.
        let stranger = test.owner("Strangers").await;
        let nobody = remove_member(&test, &actor, &stranger.user.public_id).await;
        assert!(matches!(nobody, Err(Error::NotFound(_))));
        let foreign = remove_member(&test, &stranger.actor(None), bo_id).await;
        assert!(matches!(foreign, Err(Error::NotFound(_))));
        remove_member(&test, &developer, bo_id).await.unwrap();
        assert_eq!(members(&test, ada.team.id).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn only_verified_people_invite_and_no_text_of_theirs_goes_to_strangers() {
    for test in databases_with(with_mail()).await {
        let form = SignUp {
            name: "Cheap pills".to_owned(),
            email: "ada@example.com".to_owned(),
            password: PASSWORD.to_owned(),
            team_name: "Visit pills.example now".to_owned(),
            ..SignUp::default()
        };
        let made = sign_up(&test, form, None).await.unwrap();
        let ada = session_user(&test, &made.user.public_id, &made.mark, None)
            .await
            .unwrap()
            .unwrap();
        let actor = ada.actor(None);
        let refused = invite(&test, &actor, "victim@example.com", "member").await.unwrap_err();
        assert!(
            matches!(refused, Error::Forbidden(text) if text.starts_with("verify your own email address")),
            "{refused}"
        );
        assert_eq!(mail(&test, "victim@example.com").await, None);
        let (_, token) = mail(&test, "ada@example.com").await.unwrap();
        verify_email(&test, &token, None).await.unwrap();
        invite(&test, &actor, "victim@example.com", "member").await.unwrap();

        let team_id = system_mail::known_team(&test).unwrap();
        let all = query::list(&test, team_id, &query::MessageFilter::default())
            .await
            .unwrap();
        assert_eq!(all.rows.len(), 2);
        for row in all.rows {
            let raw = content_of(&test, team_id, &row.public_id).await;
            let view = sendmux_mime::read(&raw);
            let whole = format!(
                "{} {} {}",
                String::from_utf8_lossy(&raw),
                view.text.unwrap(),
                view.html.unwrap()
            );
            assert!(!whole.contains("pills"), "{whole}");
            assert!(
                whole.contains("ada@example.com"),
                "the inviter is named by a verified address"
            );
        }
    }
}

#[tokio::test]
async fn an_invitation_is_taken_back_and_expires() {
    for test in databases().await {
        let ada = test.owner("Ada").await;
        let actor = ada.actor(None);
        let email = "new@example.com";
        invite(&test, &actor, email, "member").await.unwrap();
        let (_, first) = mail(&test, email).await.unwrap();
        invite(&test, &actor, email, "member").await.unwrap();
        assert!(invited(&test, &first).await.is_err(), "the newer link counts");
        let (_, second) = mail(&test, email).await.unwrap();
        let stranger = test.owner("Strangers").await;
        assert!(take_back_invitation(&test, &stranger.actor(None), email).await.is_err());
        take_back_invitation(&test, &actor, email).await.unwrap();
        assert!(invited(&test, &second).await.is_err());
        invite(&test, &actor, email, "member").await.unwrap();
        let (_, third) = mail(&test, email).await.unwrap();
        test.clock.advance(Duration::from_secs(7 * 24 * 3_600));
        assert!(invited(&test, &third).await.is_err());
        assert!(invitations(&test, ada.team.id).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn who_belongs_to_no_team_comes_back_by_an_invitation() {
    const NEW: &str = "another horse battery";
    for test in databases().await {
        let ada = test.owner("Ada").await;
        let actor = ada.actor(None);
        invite(&test, &actor, "bo@example.com", "developer").await.unwrap();
        let (_, token) = mail(&test, "bo@example.com").await.unwrap();
        let name = || "Bo".to_owned();
        let bo = accept_invitation_signed_out(&test, &token, name(), PASSWORD.to_owned(), None)
            .await
            .unwrap();
        remove_member(&test, &actor, &bo.user.public_id).await.unwrap();
        assert!(sign_in(&test, "bo@example.com", PASSWORD, None).await.is_err());

        // A person without a team can still set a new password.
        forgot_password(&test, "bo@example.com", None).await.unwrap();
        let (_, link) = mail(&test, "bo@example.com").await.unwrap();
        let reset = reset_password(&test, &link, NEW.to_owned(), None).await.unwrap();
        assert_eq!(reset, None, "there is no team to look at");

        invite(&test, &actor, "bo@example.com", "member").await.unwrap();
        let (_, token) = mail(&test, "bo@example.com").await.unwrap();
        let wrong = accept_invitation_signed_out(&test, &token, name(), PASSWORD.to_owned(), None)
            .await
            .unwrap_err();
        assert!(
            matches!(&wrong, Error::Invalid(fields) if fields[0].field == "password"),
            "{wrong}"
        );
        let back = accept_invitation_signed_out(&test, &token, String::new(), NEW.to_owned(), None)
            .await
            .unwrap();
        assert_eq!((back.user.id, back.team.id), (bo.user.id, ada.team.id));
        sign_in(&test, "bo@example.com", NEW, None).await.unwrap();
    }
}
