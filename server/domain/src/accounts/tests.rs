use super::*;
use crate::actor::{Actor, Role};
use crate::entities::memberships;
use crate::error::Error;
use crate::settings::{Settings, SignUpPolicy};
use crate::testing::{PASSWORD, TestDomain, databases, databases_with};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::time::Duration;

const NEW: &str = "another horse battery";

async fn signed_in(test: &TestDomain, session: &Session) -> SignedIn {
    sign_in(test, &session.user.email, PASSWORD, None).await.unwrap()
}

/// The browser session of a sign-in, as it is now.
async fn kept(test: &TestDomain, begun: &SignedIn, team: Option<&str>) -> Option<Session> {
    session_user(test, &begun.user.public_id, &begun.mark, team)
        .await
        .unwrap()
}

/// Makes somebody a member, a moment after everything done so far.
async fn join(test: &TestDomain, team: &Team, user: &User, role: Role) {
    let tx = test.db.begin().await.unwrap();
    let joins = memberships::ActiveModel {
        team_id: Set(team.id),
        user_id: Set(user.id),
        role: Set(role),
        created_at: Set(test.domain.clock.now().plus(Duration::from_millis(1))),
    };
    memberships::Entity::insert(joins)
        .exec_without_returning(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_session_falls_back_to_a_team_of_the_users_own() {
    for test in databases().await {
        let (ada, bob) = (test.owner("Ada").await, test.owner("Bob").await);
        let begun = signed_in(&test, &ada).await;
        let bobs = Some(bob.team.public_id.as_str());
        let foreign = kept(&test, &begun, bobs).await.unwrap();
        assert_eq!((foreign.team.id, foreign.role), (ada.team.id, Role::Owner));
        let chosen = own_team(&test, ada.user.id, &bob.team.public_id).await;
        assert!(matches!(chosen, Err(Error::NotFound("team"))), "{chosen:?}");

        join(&test, &bob.team, &ada.user, Role::Developer).await;
        let joined = kept(&test, &begun, bobs).await.unwrap();
        assert_eq!((joined.team.id, joined.role), (bob.team.id, Role::Developer));
        let chosen = own_team(&test, ada.user.id, &bob.team.public_id).await.unwrap();
        assert_eq!(chosen, bob.team);
        let teams = teams_of(&test, ada.user.id).await.unwrap();
        assert_eq!(
            teams.iter().map(|(team, _)| team.id).collect::<Vec<_>>(),
            [ada.team.id, bob.team.id]
        );

        remove_member(&test, &joined.actor(None), &ada.user.public_id)
            .await
            .unwrap();
        assert_eq!(
            kept(&test, &begun, bobs).await.unwrap().team.id,
            ada.team.id,
            "she left"
        );
    }
}

#[tokio::test]
async fn a_disabled_account_has_no_session() {
    for test in databases().await {
        let ada = test.owner("Ada").await;
        let begun = signed_in(&test, &ada).await;
        let tx = test.db.begin().await.unwrap();
        users::Entity::update_many()
            .col_expr(users::Column::DisabledAt, Expr::value(Some(1_i64)))
            .filter(users::Column::Id.eq(ada.user.id))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(kept(&test, &begun, None).await, None);
        assert_eq!(
            session_user(&test, "usr_nobody", &begun.mark, None).await.unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn another_password_ends_every_other_session() {
    for test in databases().await {
        let (ada, bob) = (test.owner("Ada").await, test.owner("Bob").await);
        let (here, there) = (signed_in(&test, &ada).await, signed_in(&test, &ada).await);
        let bobs = signed_in(&test, &bob).await;

        let change = |current: &'static str, new: &'static str| {
            let (test, ada) = (&test, &ada);
            async move { change_password(test, ada, current, new.to_owned(), None).await }
        };
        for (current, new, field) in [("wrong", NEW, "current_password"), (PASSWORD, "short", "password")] {
            let refused = change(current, new).await.unwrap_err();
            assert!(
                matches!(&refused, Error::Invalid(fields) if fields[0].field == field),
                "{refused}"
            );
        }
        assert!(kept(&test, &there, None).await.is_some());

        let changed = change(PASSWORD, NEW).await.unwrap();
        assert_eq!((&changed.user, &changed.team), (&ada.user, &ada.team));
        assert!(kept(&test, &changed, None).await.is_some());
        for ended in [&here, &there] {
            assert_eq!(kept(&test, ended, None).await, None);
        }
        for forged in ["", "AAAA"] {
            let session = session_user(&test, &ada.user.public_id, forged, None).await.unwrap();
            assert_eq!(session, None);
        }
        assert!(kept(&test, &bobs, None).await.is_some(), "another account's goes on");

        // The same password again is another change.
        let again = change(NEW, NEW).await.unwrap();
        assert_eq!(kept(&test, &changed, None).await, None);
        assert!(kept(&test, &again, None).await.is_some());
        sign_in(&test, &ada.user.email, NEW, None).await.unwrap();
        sign_in(&test, &ada.user.email, PASSWORD, None).await.unwrap_err();
    }
}

#[tokio::test]
async fn the_current_password_is_not_guessed_in_the_settings() {
    for test in databases().await {
        let ada = test.owner("Ada").await;
        let guess = || change_password(&test, &ada, "a guess", NEW.to_owned(), None);
        for _ in 0..super::throttle::ACCOUNT_FAILURES {
            assert!(matches!(guess().await, Err(Error::Invalid(_))));
        }
        assert!(matches!(guess().await, Err(Error::Conflict(_))));
        let refused = sign_in(&test, &ada.user.email, PASSWORD, None).await.unwrap_err();
        assert!(matches!(refused, SignInError::Throttled { .. }));
    }
}

#[tokio::test]
async fn another_team_is_made_where_people_sign_up_by_themselves() {
    for test in databases().await {
        // The first account is the operator's.
        let (_, ada) = (test.owner("First").await, test.owner("Ada").await);
        test.clock.advance(std::time::Duration::from_secs(1));
        let second = create_team(&test, &ada, " Ada ", None).await.unwrap();
        assert_eq!((second.name.as_str(), second.slug.as_str()), ("Ada", "ada-2"));
        let session = kept(&test, &signed_in(&test, &ada).await, Some(&second.public_id)).await;
        assert_eq!(
            session.map(|session| (session.team.id, session.role)),
            Some((second.id, Role::Owner))
        );
        // It can send like the first one.
        let of = async |team: &Team| {
            let providers = crate::providers::list(&test, team.id).await.unwrap();
            providers
                .into_iter()
                .map(|provider| (provider.kind, provider.status))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&second).await, of(&ada.team).await);

        assert!(matches!(
            create_team(&test, &ada, " ", None).await,
            Err(Error::Invalid(_))
        ));
        for n in 2..10 {
            create_team(&test, &ada, &format!("Team {n}"), None).await.unwrap();
        }
        let refused = create_team(&test, &ada, "One more", None).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    let closed = Settings {
        sign_up: SignUpPolicy::Closed,
        ..Settings::default()
    };
    for test in databases_with(closed).await {
        let operator = test.owner("Operator").await;
        create_team(&test, &operator, "Second", None).await.unwrap();
        let ada = Session {
            user: User {
                is_operator: false,
                ..operator.user.clone()
            },
            ..operator
        };
        assert!(!may_create_team(&test, &ada.user).await.unwrap());
        let refused = create_team(&test, &ada, "Mine", None).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_team_is_renamed_by_those_who_manage_it() {
    for test in databases().await {
        let ada = test.owner("Ada").await;
        let actor = ada.actor(None);
        rename_team(&test, &actor, "  Ada & Co  ").await.unwrap();
        let renamed = find_team(&test, &ada.team.public_id).await.unwrap().unwrap();
        assert_eq!((renamed.name.as_str(), &renamed.slug), ("Ada & Co", &ada.team.slug));
        assert_eq!(find_team(&test, &ada.team.slug).await.unwrap(), Some(renamed));
        let address = managed_address(&test, ada.team.id).await.unwrap();
        assert_eq!(address, "ada@sendmux.localhost");

        assert!(matches!(
            rename_team(&test, &actor, "\u{7}").await,
            Err(Error::Invalid(_))
        ));
        let developer = Actor {
            role: Role::Developer,
            ..actor
        };
        assert!(matches!(
            rename_team(&test, &developer, "Mine").await,
            Err(Error::Forbidden(_))
        ));
    }
}
