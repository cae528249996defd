use super::*;
use crate::accounts::{
    Role, Session, SignUp, create_team, forget_old_failures, forgot_password, invitations, invite, sign_up,
    take_back_invitation,
};
use crate::entities::memberships;
use crate::settings::Settings;
use crate::system_mail::{self, Mail};
use crate::testing::{PASSWORD, TestDomain, databases, databases_with};
use sea_orm::EntityTrait;

const HERE: &str = "192.0.2.7";
const THERE: &str = "2001:db8::7";

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn form(email: &str) -> SignUp {
    SignUp {
        name: "Ada".to_owned(),
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        team_name: "Ada".to_owned(),
        ..SignUp::default()
    }
}

/// The text of a refusal.
fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Conflict(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

async fn pass_a_day(test: &TestDomain) {
    test.clock.advance(Duration::from_secs(24 * 3_600));
    forget_old_failures(test).await.unwrap();
}

#[tokio::test]
async fn sign_ups_are_counted_by_network_and_in_all() {
    let settings = Settings {
        sign_ups_per_day: 24,
        ..Settings::default()
    };
    for test in databases_with(settings).await {
        sign_up(&test, form("ada@example.com"), address(HERE)).await.unwrap();
        // Addresses that have an account are not tried out one after the other.
        for _ in 1..SIGN_UPS_OF_NETWORK {
            let taken = sign_up(&test, form("ada@example.com"), address(HERE)).await;
            assert!(matches!(taken, Err(Error::Invalid(_))));
        }
        for email in ["new@example.com", "ada@example.com"] {
            let refused = refusal(sign_up(&test, form(email), address(HERE)).await);
            assert_eq!(
                refused,
                "too many accounts were made from your network: try again in 24 hours"
            );
        }
        // What is wrong in the form is said all the same, and the counts last longer than those of sign-ins.
        let wrong = sign_up(&test, form("nonsense"), address(HERE)).await;
        assert!(matches!(wrong, Err(Error::Invalid(_))));
        test.clock.advance(Duration::from_secs(3_600));
        forget_old_failures(&test).await.unwrap();
        let refused = refusal(sign_up(&test, form("new@example.com"), address(HERE)).await);
        assert!(refused.ends_with("in 23 hours"), "{refused}");

        for n in 0..4 {
            sign_up(&test, form(&format!("other{n}@example.com")), address(THERE))
                .await
                .unwrap();
        }
        let refused = refusal(sign_up(&test, form("new@example.com"), address("198.51.100.1")).await);
        assert!(refused.contains("takes no more new accounts today"), "{refused}");
        pass_a_day(&test).await;
        sign_up(&test, form("new@example.com"), address(HERE)).await.unwrap();
    }
}

#[tokio::test]
async fn sign_ups_at_the_same_moment_are_all_counted() {
    for test in databases().await {
        let at_once = (0..SIGN_UPS_OF_NETWORK + 5).map(|_| count_sign_up(&test, address(HERE)));
        let results = futures::future::join_all(at_once).await;
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 5);
    }
}

#[tokio::test]
async fn teams_that_are_handed_over_count_as_made() {
    for test in databases().await {
        let ada = test.owner("Ada").await;
        for n in 0..TEAMS_OF_PERSON {
            let team = create_team(&test, &ada, &format!("Team {n}"), None).await.unwrap();
            let tx = test.db.begin().await.unwrap();
            memberships::Entity::delete_by_id((team.id, ada.user.id))
                .exec(&tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        let refused = refusal(create_team(&test, &ada, "One more", None).await);
        assert_eq!(refused, "you made many teams within a day: try again in 24 hours");
        let bo = test.owner("Bo").await;
        create_team(&test, &bo, "Another", None).await.unwrap();
        pass_a_day(&test).await;
        create_team(&test, &ada, "One more", None).await.unwrap();
    }
}

#[tokio::test]
async fn mails_with_links_have_a_budget_and_alerts_have_none() {
    let settings = Settings {
        system_mails_per_day: 2,
        ..Settings::default()
    };
    for test in databases_with(settings).await {
        let (ada, bo) = (test.owner("Ada").await, test.owner("Bo").await);
        forgot_password(&test, &ada.user.email, None).await.unwrap();
        invite(&test, &ada.actor(None), "new@example.com", "member")
            .await
            .unwrap();
        assert_eq!(mails_with_links(&test).await.unwrap(), 2);
        let late = invite(&test, &ada.actor(None), "late@example.com", "member").await;
        assert!(refusal(late).contains("as many mails as it may within a day: try again in 24 hours"));
        refusal(forgot_password(&test, &bo.user.email, None).await);
        let waiting = invitations(&test, ada.team.id).await.unwrap();
        assert_eq!(waiting.len(), 1, "nothing is left of the refused one");

        let letter = Mail::AccountBlocked { cause: "Denied" }.letter(&test.settings).unwrap();
        let tx = test.db.begin().await.unwrap();
        let sent = system_mail::to_operators(&tx, &test, &letter).await.unwrap();
        tx.commit().await.unwrap();
        sent.wake(&test);
        test.clock.advance(Duration::from_secs(24 * 3_600));
        assert_eq!(mails_with_links(&test).await.unwrap(), 0);
        forgot_password(&test, &bo.user.email, None).await.unwrap();
    }
}

#[tokio::test]
async fn invitations_that_are_taken_back_count_as_sent() {
    for test in databases().await {
        let (ada, bo) = (test.owner("Ada").await, test.owner("Bo").await);
        let invited = async |who: &Session, email: &str| invite(&test, &who.actor(None), email, "member").await;
        for _ in 0..INVITATIONS_TO_ADDRESS {
            invited(&ada, "victim@example.com").await.unwrap();
            take_back_invitation(&test, &ada.actor(None), "victim@example.com")
                .await
                .unwrap();
        }
        for (who, email) in [(&ada, "victim@example.com"), (&bo, "Victim@example.com")] {
            let refused = refusal(invited(who, email).await);
            assert_eq!(refused, "this address was invited too often: try again in 24 hours");
        }
        invited(&ada, "other@example.com").await.unwrap();
        pass_a_day(&test).await;
        invited(&bo, "victim@example.com").await.unwrap();
    }
}

#[tokio::test]
async fn invitations_are_counted_by_person_team_and_network() {
    let actor = |team_id: i64, remote: &str| Actor {
        team_id,
        user_id: Some(1),
        label: "ada@example.com".to_owned(),
        remote: address(remote),
        role: Role::Owner,
    };
    for test in databases().await {
        let count = async |team: i64, person: i64, network: &str, to: i64| {
            let tx = test.db.begin().await.unwrap();
            let email = format!("{to}@example.com");
            let counted = count_invitation(&tx, &test, &actor(team, network), person, &email).await;
            if counted.is_ok() {
                tx.commit().await.unwrap();
            }
            counted
        };
        for n in 0..50 {
            count(n, 1, &format!("192.0.2.{n}"), n).await.unwrap();
        }
        assert!(refusal(count(50, 1, "192.0.2.50", 50).await).starts_with("you invited too many people"));
        for n in 100..200 {
            count(1000, n, &format!("192.0.2.{n}"), n).await.unwrap();
        }
        assert!(refusal(count(1000, 200, "192.0.2.200", 200).await).starts_with("too many people were invited"));
        for n in 200..300 {
            count(n, n, "198.51.100.1", n).await.unwrap();
        }
        assert!(refusal(count(300, 300, "198.51.100.1", 300).await).contains("from your network"));
        count(300, 300, "198.51.100.2", 300).await.unwrap();
    }
}
