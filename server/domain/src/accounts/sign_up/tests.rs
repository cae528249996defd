use super::*;
use crate::accounts::session_user;
use crate::entities::{audit_log, lanes, provider_runtime, providers, teams};
use crate::settings::Settings;
use crate::testing::{TestDomain, databases, databases_with};
use sea_orm::{PaginatorTrait, QueryOrder};

fn form(email: &str) -> SignUp {
    SignUp {
        name: "Ada Lovelace".to_owned(),
        email: email.to_owned(),
        password: "tiny horse staple".to_owned(),
        team_name: "Analytical Engines".to_owned(),
        ..SignUp::default()
    }
}

fn wrong_fields(error: Error) -> Vec<(String, &'static str)> {
    let Error::Invalid(errors) = error else {
        panic!("{error}")
    };
    errors.into_iter().map(|error| (error.field, error.code)).collect()
}

async fn operators(test: &TestDomain) -> u64 {
    users::Entity::find()
        .filter(users::Column::IsOperator.eq(true))
        .count(test.db.read())
        .await
        .unwrap()
}

#[tokio::test]
async fn signing_up_makes_a_team_that_can_send() {
    for test in databases().await {
        let SignedIn { user, team, mark } = sign_up(&test, form(" Ada@Example.com "), None).await.unwrap();
        assert_eq!((user.email.as_str(), user.is_operator), ("Ada@example.com", true));
        assert_eq!(team.slug, "analytical-engines");
        let session = session_user(&test, &user.public_id, &mark, None)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (session.user, session.team, session.role),
            (user, team.clone(), Role::Owner)
        );

        let db = test.db.read();
        let providers = providers::Entity::find()
            .order_by_asc(providers::Column::Id)
            .all(db)
            .await
            .unwrap();
        let shown: Vec<_> = providers
            .iter()
            .map(|row| {
                (
                    row.team_id,
                    row.kind.as_str(),
                    row.name.as_str(),
                    row.status.as_str(),
                    row.cap_day,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (team.id, "managed_ses", "Managed route", "active", Some(50)),
                (team.id, "sandbox", "Sandbox", "active", None),
            ]
        );
        // One more for the account that all managed routes share.
        assert_eq!(provider_runtime::Entity::find().count(db).await.unwrap(), 3);
        let runtime = crate::runtime::read(db, providers.iter().map(|row| row.id))
            .await
            .unwrap();
        assert_eq!(runtime.len(), 2, "the engine can read what it starts from");
        let lanes = lanes::Entity::find()
            .order_by_asc(lanes::Column::Id)
            .all(db)
            .await
            .unwrap();
        let modes: Vec<_> = lanes
            .iter()
            .map(|lane| (lane.mode.as_str(), lane.scope.as_str()))
            .collect();
        assert_eq!(modes, [("live", "all"), ("test", "all")]);
        let log = audit_log::Entity::find()
            .order_by_asc(audit_log::Column::Id)
            .all(db)
            .await
            .unwrap();
        let actions: Vec<_> = log
            .iter()
            .map(|entry| (entry.actor.as_str(), entry.action.as_str()))
            .collect();
        assert_eq!(
            actions,
            [
                ("Ada@example.com", "user.signed_up"),
                ("Ada@example.com", "team.created")
            ]
        );
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    for test in databases().await {
        sign_up(&test, form("ada@example.com"), None).await.unwrap();
        let empty = sign_up(&test, SignUp::default(), None).await.unwrap_err();
        assert_eq!(
            wrong_fields(empty),
            ["name", "email", "password", "team_name"].map(|field| (field.to_owned(), "required"))
        );
        let wrong = SignUp {
            email: "ADA@example.com".to_owned(),
            password: "short".to_owned(),
            ..form("")
        };
        assert_eq!(
            wrong_fields(sign_up(&test, wrong, None).await.unwrap_err()),
            [("email".to_owned(), "taken"), ("password".to_owned(), "too_short")]
        );
        let invalid = sign_up(&test, form("ada@example"), None).await.unwrap_err();
        assert_eq!(wrong_fields(invalid), [("email".to_owned(), "invalid")]);
    }
}

#[tokio::test]
async fn exactly_one_account_becomes_operator() {
    for test in databases().await {
        let at_once = (0..4).map(|n| {
            let domain = test.domain.clone();
            tokio::spawn(async move {
                sign_up(&domain, form(&format!("user{n}@example.com")), None)
                    .await
                    .unwrap()
            })
        });
        let signed_up: Vec<_> = futures::future::join_all(at_once)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(signed_up.iter().filter(|one| one.user.is_operator).count(), 1);
        assert_eq!(operators(&test).await, 1);
        let mut slugs: Vec<_> = signed_up.into_iter().map(|one| one.team.slug).collect();
        slugs.sort_unstable();
        assert_eq!(
            slugs,
            [
                "analytical-engines",
                "analytical-engines-2",
                "analytical-engines-3",
                "analytical-engines-4"
            ]
        );
    }
}

#[tokio::test]
async fn the_first_account_takes_the_setup_token_where_others_reach_the_page() {
    let settings = Settings {
        needs_setup_token: true,
        ..Settings::default()
    };
    for test in databases_with(settings).await {
        assert!(sign_up_state(&test).await.unwrap().needs_setup_token);
        let token = test.domain.sealer.setup_token().unwrap().expose().to_owned();
        let with = |token: &str, email: &str| SignUp {
            setup_token: token.to_owned(),
            ..form(email)
        };
        for (wrong, code) in [
            ("", "required"),
            (" ", "required"),
            (&token[1..], "invalid"),
            ("x", "invalid"),
        ] {
            let refused = sign_up(&test, with(wrong, "eve@example.com"), None).await.unwrap_err();
            assert_eq!(wrong_fields(refused), [("setup_token".to_owned(), code)], "{wrong}");
        }
        assert_eq!(operators(&test).await, 0);
        let other_node = test.second_node().await;
        let ada = sign_up(&other_node, with(&format!(" {token}\n"), "ada@example.com"), None)
            .await
            .unwrap();
        assert!(ada.user.is_operator);
        assert!(!sign_up_state(&test).await.unwrap().needs_setup_token);
        let bo = sign_up(&test, form("bo@example.com"), None).await.unwrap();
        assert!(!bo.user.is_operator, "the token makes the first account alone");
    }
}

#[tokio::test]
async fn an_address_has_one_account_however_many_ask_at_once() {
    for test in databases().await {
        let at_once = (0..3).map(|_| sign_up(&test, form("ada@example.com"), None));
        let results = futures::future::join_all(at_once).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        for refused in results.into_iter().filter_map(Result::err) {
            assert_eq!(wrong_fields(refused), [("email".to_owned(), "taken")]);
        }
        assert_eq!(
            teams::Entity::find().count(test.db.read()).await.unwrap(),
            1,
            "nothing of the others is left"
        );
    }
}

#[tokio::test]
async fn where_signing_up_is_closed_only_the_first_account_is_made() {
    for test in databases_with(Settings {
        sign_up: SignUpPolicy::Closed,
        ..Settings::default()
    })
    .await
    {
        assert_eq!(
            sign_up_state(&test).await.unwrap(),
            SignUpState {
                open: true,
                first_account: true,
                needs_setup_token: false
            }
        );
        let at_once = (0..3).map(|n| {
            let domain = test.domain.clone();
            async move { sign_up(&domain, form(&format!("user{n}@example.com")), None).await }
        });
        let results = futures::future::join_all(at_once).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Ok(_) | Err(Error::Forbidden(_))))
        );
        assert_eq!(
            sign_up_state(&test).await.unwrap(),
            SignUpState {
                open: false,
                first_account: false,
                needs_setup_token: false
            }
        );
        assert!(matches!(
            sign_up(&test, form("late@example.com"), None).await,
            Err(Error::Forbidden(_))
        ));

        // The command line may still make accounts.
        let new = NewUser {
            email: "grace@example.com".to_owned(),
            password: "tiny horse staple".to_owned(),
            ..NewUser::default()
        };
        let grace = create_user(&test, new.clone()).await.unwrap();
        assert_eq!((grace.name.as_str(), grace.is_operator), ("grace", false));
        let operator = NewUser {
            email: "second@example.com".to_owned(),
            operator: true,
            ..new
        };
        assert!(create_user(&test, operator).await.unwrap().is_operator);
        assert_eq!(operators(&test).await, 2);
    }
}

#[test]
fn passwords_do_not_show_in_debug_output() {
    let new = NewUser {
        password: "hunter2".to_owned(),
        ..NewUser::default()
    };
    let form = SignUp {
        password: "hunter2".to_owned(),
        ..SignUp::default()
    };
    assert!(!format!("{new:?} {form:?}").contains("hunter2"));
}
