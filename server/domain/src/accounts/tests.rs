use super::*;
use crate::testing::databases;
use sea_orm::ActiveValue::Set;

#[tokio::test]
async fn a_session_falls_back_to_a_team_of_the_users_own() {
    for test in databases().await {
        let (ada, bob) = (test.owner("Ada").await, test.owner("Bob").await);
        let foreign = session_user(&test, &ada.user.public_id, Some(&bob.team.public_id))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((foreign.team.id, foreign.role), (ada.team.id, Role::Owner));

        let tx = test.db.begin().await.unwrap();
        let joins = memberships::ActiveModel {
            team_id: Set(bob.team.id),
            user_id: Set(ada.user.id),
            role: Set("developer".to_owned()),
            created_at: Set(test.domain.clock.now().as_millis() + 1),
        };
        memberships::Entity::insert(joins)
            .exec_without_returning(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let joined = session_user(&test, &ada.user.public_id, Some(&bob.team.public_id))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((joined.team.id, joined.role), (bob.team.id, Role::Developer));
        let teams = teams_of(&test, ada.user.id).await.unwrap();
        assert_eq!(
            teams.iter().map(|(team, _)| team.id).collect::<Vec<_>>(),
            [ada.team.id, bob.team.id]
        );
    }
}

#[tokio::test]
async fn a_disabled_account_has_no_session() {
    for test in databases().await {
        let ada = test.owner("Ada").await;
        let tx = test.db.begin().await.unwrap();
        users::Entity::update_many()
            .col_expr(users::Column::DisabledAt, Expr::value(Some(1_i64)))
            .filter(users::Column::Id.eq(ada.user.id))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(session_user(&test, &ada.user.public_id, None).await.unwrap(), None);
        assert_eq!(session_user(&test, "usr_nobody", None).await.unwrap(), None);
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

#[test]
fn names_have_bounds() {
    assert_eq!(check_name("name", "your name", " Zoë ").unwrap(), "Zoë");
    let code = |name: &str| check_name("name", "your name", name).unwrap_err().code;
    assert_eq!(code(" "), "required");
    assert_eq!(code(&"é".repeat(101)), "too_long");
    assert!(check_name("name", "your name", &"é".repeat(100)).is_ok());
    assert_eq!(code("a\r\nBcc: x"), "invalid");
}
