use super::*;
use crate::accounts::Session;
use crate::clock::Clock;
use crate::entities::audit_log;
use crate::messages::query;
use crate::operator::Operator;
use crate::routing::caps_of;
use crate::stats::{self, HourlyCounts};
use crate::system_mail;
use crate::testing::{TestDomain, databases};
use crate::{Actor, Role};
use sendmux_rules::{Block, BlockKind, caps};
use std::collections::HashMap;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Charges the route as a claim for this many recipients does.
async fn charge(test: &TestDomain, session: &Session, recipients: u32) {
    let tx = test.db.begin().await.unwrap();
    let row = provider_of(&tx, session.team.id).await.unwrap();
    let caps = caps_of(ProviderKind::ManagedSes, [None, None, None, row.cap_day]);
    let mut state = runtime::lock(&tx, test.db.backend(), [row.id])
        .await
        .unwrap()
        .remove(&row.id)
        .unwrap();
    for _ in 0..recipients {
        caps::charge_under(&caps, &mut state.usage, test.clock.now(), 1);
    }
    runtime::save(&tx, &state).await.unwrap();
    tx.commit().await.unwrap();
}

/// The operator, and a team of somebody else.
async fn two(test: &TestDomain) -> (Operator, Session) {
    let first = test.owner("Operators").await;
    (Operator::of(&first.user, None).unwrap(), test.owner("Acme").await)
}

/// Subjects of the system's mails, the oldest first.
async fn mails(test: &TestDomain) -> Vec<(String, String)> {
    system_mail::prepare(test).await.unwrap();
    let team_id = system_mail::known_team(test).unwrap();
    let page = query::list(test, team_id, &query::MessageFilter::default())
        .await
        .unwrap();
    let mut mails = Vec::new();
    for row in page.rows.into_iter().rev() {
        let detail = query::get(test, team_id, &row.public_id).await.unwrap();
        mails.push((detail.recipients[0].address.clone(), row.subject));
    }
    mails
}

async fn audited(test: &TestDomain, team_id: i64) -> Vec<String> {
    let rows = audit_log::Entity::find()
        .filter(audit_log::Column::TeamId.eq(team_id))
        .all(test.db.read())
        .await
        .unwrap();
    let mut actions: Vec<String> = rows.into_iter().map(|row| row.action).collect();
    actions.retain(|action| action.starts_with("managed."));
    actions
}

#[tokio::test]
async fn an_increase_is_offered_from_the_fortieth_recipient_on_and_for_a_week_of_utc_days() {
    for test in databases().await {
        let (_, acme) = two(&test).await;
        let offered = async || route(&test, acme.team.id).await.unwrap().can_request;
        // 23:00 UTC.
        test.clock.advance(Duration::from_secs(23 * 3_600));
        charge(&test, &acme, 39).await;
        assert!(!offered().await);
        let refused = request_increase(&test, &acme.actor(None)).await.unwrap_err();
        assert!(refused.to_string().contains("40 of 50 recipients"), "{refused}");

        // After midnight the count starts anew, so one more is the first of the next day.
        test.clock.advance(Duration::from_secs(3_600));
        let next_day = route(&test, acme.team.id).await.unwrap();
        assert_eq!((next_day.used, next_day.cap), (0, 50));
        assert_eq!(next_day.resets_at, test.clock.now().plus(DAY));
        charge(&test, &acme, 1).await;
        assert!(!offered().await);
        charge(&test, &acme, 39).await;
        assert!(offered().await);

        // The end of that day, and the end of the seventh day after it.
        test.clock.advance(DAY - Duration::from_millis(1));
        assert!(offered().await);
        test.clock.advance(Duration::from_millis(1));
        assert_eq!(route(&test, acme.team.id).await.unwrap().used, 0);
        assert!(offered().await);
        test.clock.advance(DAY * 7 - Duration::from_millis(1));
        assert!(offered().await);
        test.clock.advance(Duration::from_millis(1));
        assert!(!offered().await);
    }
}

#[tokio::test]
async fn a_request_is_approved_with_a_new_cap_at_once_and_the_requester_is_told() {
    for test in databases().await {
        let (operator, acme) = two(&test).await;
        let actor = acme.actor(None);
        charge(&test, &acme, 40).await;
        let request = request_increase(&test, &actor).await.unwrap();
        assert_eq!((request.status, request.current_cap), (RequestStatus::Pending, 50));
        let again = request_increase(&test, &actor).await.unwrap_err();
        assert!(again.to_string().contains("already"), "{again}");
        assert_eq!(
            route(&test, acme.team.id).await.unwrap().pending.as_ref(),
            Some(&request)
        );

        let reviews = pending_reviews(&test, &operator).await.unwrap();
        assert_eq!(reviews.len(), 1);
        assert_eq!(
            (reviews[0].team.as_str(), reviews[0].used, reviews[0].cap),
            ("Acme", 40, 50)
        );
        assert_eq!(reviews[0].requested_by, acme.user.email);

        for cap in [50, 0, -1, i64::MAX] {
            let refused = decide(&test, &operator, &request.public_id, Decision::Approve(cap), "").await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{cap}");
        }
        let id = &request.public_id;
        let decided = decide(&test, &operator, id, Decision::Approve(200), " Welcome.\n")
            .await
            .unwrap();
        assert_eq!(
            (decided.status, decided.granted_cap),
            (RequestStatus::Approved, Some(200))
        );
        assert_eq!(decided.note.as_deref(), Some("Welcome."));
        let again = decide(&test, &operator, id, Decision::Deny, "no").await.unwrap_err();
        assert!(matches!(again, Error::Conflict(_)), "{again}");

        let now = route(&test, acme.team.id).await.unwrap();
        assert_eq!((now.cap, now.used, now.can_request), (200, 40, false));
        assert_eq!(now.decided.as_ref(), Some(&decided));
        assert_eq!(
            audited(&test, acme.team.id).await,
            ["managed.increase_requested", "managed.increase_approved"]
        );
        let mails = mails(&test).await;
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[0].1, "Acme asks for more on the managed route");
        assert_eq!(
            mails[1],
            (
                acme.user.email.clone(),
                "Your managed route now has 200 recipients a day".to_owned()
            )
        );
        assert!(pending_reviews(&test, &operator).await.unwrap().is_empty());
        assert_eq!(recent(&test, &operator).await.unwrap().len(), 1);

        // 80% of the new cap count from now on.
        charge(&test, &acme, 119).await;
        assert!(!route(&test, acme.team.id).await.unwrap().can_request);
        charge(&test, &acme, 1).await;
        assert!(route(&test, acme.team.id).await.unwrap().can_request);
    }
}

#[tokio::test]
async fn a_denial_needs_a_note_and_leaves_the_cap() {
    for test in databases().await {
        let (operator, acme) = two(&test).await;
        charge(&test, &acme, 45).await;
        let request = request_increase(&test, &acme.actor(None)).await.unwrap();
        let id = &request.public_id;
        let refused = decide(&test, &operator, id, Decision::Deny, "  ").await.unwrap_err();
        assert!(
            matches!(&refused, Error::Invalid(fields) if fields[0].field == "note"),
            "{refused}"
        );
        let note = "Please warm up\nfirst.";
        decide(&test, &operator, id, Decision::Deny, note).await.unwrap();
        let now = route(&test, acme.team.id).await.unwrap();
        assert_eq!((now.cap, now.pending), (50, None));
        assert!(now.can_request, "it can be asked for again");
        assert_eq!(now.decided.unwrap().note.as_deref(), Some(note));
        assert_eq!(mails(&test).await[1].1, "Your request for a higher cap was denied");
    }
}

#[tokio::test]
async fn only_those_who_configure_ask_and_only_operators_decide() {
    for test in databases().await {
        let (operator, acme) = two(&test).await;
        charge(&test, &acme, 40).await;
        let looker = Actor {
            role: Role::Member,
            ..acme.actor(None)
        };
        assert!(matches!(
            request_increase(&test, &looker).await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(Operator::of(&acme.user, None), Err(Error::NotFound(_))));
        // A key has no user: the owner gets the outcome.
        let key = Actor {
            user_id: None,
            label: "smx_live_abcdef".to_owned(),
            ..acme.actor(None)
        };
        let request = request_increase(&test, &key).await.unwrap();
        assert_eq!(
            pending_reviews(&test, &operator).await.unwrap()[0].requested_by,
            acme.user.email
        );
        let stranger = test.owner("Strangers").await;
        let not_theirs = cancel_request(&test, &stranger.actor(None), &request.public_id).await;
        assert!(matches!(not_theirs, Err(Error::NotFound(_))));
        let taken_back = cancel_request(&test, &key, &request.public_id).await.unwrap();
        assert_eq!(taken_back.status, RequestStatus::Cancelled);
        let again = cancel_request(&test, &key, &request.public_id).await;
        assert!(matches!(again, Err(Error::Conflict(_))));
        request_increase(&test, &key).await.unwrap();
    }
}

#[tokio::test]
async fn of_two_requests_at_the_same_moment_one_is_pending() {
    for test in databases().await {
        let (operator, acme) = two(&test).await;
        charge(&test, &acme, 40).await;
        let actor = acme.actor(None);
        let asked = futures::future::join_all((0..4).map(|_| request_increase(&test, &actor))).await;
        assert_eq!(asked.iter().filter(|asked| asked.is_ok()).count(), 1);
        assert!(
            asked
                .iter()
                .all(|asked| matches!(asked, Ok(_) | Err(Error::Conflict(_))))
        );
        assert_eq!(pending_reviews(&test, &operator).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_operator_sees_every_team_but_that_of_the_systems_mail() {
    for test in databases().await {
        let (operator, acme) = two(&test).await;
        system_mail::prepare(&test).await.unwrap();
        charge(&test, &acme, 7).await;
        let page = teams(&test, &operator, "", None).await.unwrap();
        let names: Vec<_> = page.rows.iter().map(|line| (line.name.as_str(), line.used)).collect();
        assert_eq!(names, [("Acme", 7), ("Operators", 0)]);
        assert_eq!(page.rows[0].owners, std::slice::from_ref(&acme.user.email));
        let found = teams(&test, &operator, "ACM", None).await.unwrap();
        assert_eq!(found.rows.len(), 1);
        assert_eq!(overview(&test, &operator).await.unwrap(), Overview::default());
    }
}

#[tokio::test]
async fn what_is_read_of_many_routes_is_what_is_read_of_each() {
    for test in databases().await {
        let (operator, acme) = two(&test).await;
        let bolt = test.owner("Bolt").await;
        charge(&test, &acme, 3).await;
        charge(&test, &bolt, 5).await;
        for (session, recipients, bounced) in [(&acme, 100, 1), (&bolt, 200, 2)] {
            let tx = test.db.begin().await.unwrap();
            let row = provider_of(&tx, session.team.id).await.unwrap();
            let key = stats::CountsKey {
                team_id: session.team.id,
                hour_at: stats::hour_of(test.clock.now()),
                provider_id: row.id,
            };
            let counts = HourlyCounts {
                recipients,
                bounced,
                ..HourlyCounts::default()
            };
            stats::add(&tx, HashMap::from([(key, counts)])).await.unwrap();
            tx.commit().await.unwrap();
        }
        let lines = teams(&test, &operator, "", None).await.unwrap().rows;
        assert_eq!(lines.len(), 3);
        for (name, session) in [("Acme", &acme), ("Bolt", &bolt)] {
            let line = lines.iter().find(|line| line.name == name).unwrap();
            let alone = route(&test, session.team.id).await.unwrap();
            assert_eq!(
                (line.used, line.cap, line.feedback, line.status),
                (alone.used, alone.cap, alone.feedback, alone.status)
            );
            assert!(line.feedback.recipients > 0);
        }
    }
}

#[tokio::test]
async fn the_health_of_the_account_is_that_of_every_route() {
    for test in databases().await {
        let (operator, acme) = two(&test).await;
        let bolt = test.owner("Bolt").await;
        let mut ids = Vec::new();
        for session in [&acme, &bolt] {
            ids.push(provider_of(test.db.read(), session.team.id).await.unwrap().id);
        }
        charge(&test, &bolt, 2).await;
        let block = Block {
            kind: BlockKind::Auth,
            since: test.clock.now(),
            until: None,
            cause: "the key is refused".to_owned(),
        };
        let tx = test.db.begin().await.unwrap();
        let mut state = runtime::lock(&tx, test.db.backend(), [ids[0]])
            .await
            .unwrap()
            .remove(&ids[0])
            .unwrap();
        state.health.block = Some(block.clone());
        runtime::save(&tx, &state).await.unwrap();
        tx.commit().await.unwrap();

        let states = runtime::read(test.db.read(), ids.clone()).await.unwrap();
        assert!(states.values().all(|state| state.health.block.as_ref() == Some(&block)));
        // A charge to one changes neither the other's usage nor its health.
        charge(&test, &bolt, 3).await;
        assert_eq!(route(&test, acme.team.id).await.unwrap().used, 0);
        assert_eq!(route(&test, bolt.team.id).await.unwrap().used, 5);
        assert_eq!(account(&test, &operator).await.unwrap().block, Some(block));

        let own = crate::providers::list(&test, bolt.team.id).await.unwrap();
        let managed = own.iter().find(|view| view.kind == ProviderKind::ManagedSes).unwrap();
        assert!(managed.block.is_some());
        let refused = crate::providers::unblock(&test, &bolt.actor(None), &managed.public_id).await;
        assert!(matches!(refused, Err(Error::Conflict(_))));
        unblock(&test, &operator).await.unwrap();
        assert_eq!(account(&test, &operator).await.unwrap(), Account::default());
        let states = runtime::read(test.db.read(), ids).await.unwrap();
        assert!(states.values().all(|state| state.health.block.is_none()));
        let system = system_mail::known_team(&test).unwrap();
        assert_eq!(audited(&test, system).await, ["managed.unblocked"]);
    }
}
