use super::*;
use crate::accounts::Session;
use crate::clock::Clock;
use crate::column::Json;
use crate::entities::{attempts, events, parked_notices, providers, split_messages};
use crate::keys::{self, Scope};
use crate::messages::{self, NewRecipient, RecipientField, Source, Submission};
use crate::operator::Operator;
use crate::stats::{self, HourlyCounts};
use crate::testing::{TestDomain, databases};
use crate::{Error, managed};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use sendmux_rules::managed::{Feedback, SuspensionReason};
use sendmux_rules::{Class, Mode, ProviderKind, ProviderStatus, Stage};
use std::collections::HashMap;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

/// A team and its managed route, through which messages were sent.
struct Sender<'t> {
    test: &'t TestDomain,
    session: Session,
    key: std::sync::Arc<keys::KeyContext>,
    route_id: i64,
    count: std::cell::Cell<u32>,
}

impl<'t> Sender<'t> {
    async fn new(test: &'t TestDomain, team: &str) -> Self {
        let session = test.owner(team).await;
        let key = test.sender(&session, Mode::Live, Scope::All).await;
        let route = providers::Entity::find()
            .filter(providers::Column::TeamId.eq(session.team.id))
            .filter(providers::Column::Kind.eq(ProviderKind::ManagedSes))
            .one(test.db.read())
            .await
            .unwrap()
            .unwrap();
        Self {
            test,
            session,
            key,
            route_id: route.id,
            count: std::cell::Cell::new(0),
        }
    }

    /// A message that SES took for one recipient: our id and SES's.
    async fn sent(&self) -> (String, String) {
        let test = self.test;
        let n = self.count.get();
        self.count.set(n + 1);
        let mut submission = message(self);
        submission.recipients[0].address = format!("User{n}@Example.com");
        let public_id = submission.public_id.clone();
        messages::submit(test, submission).await.unwrap();
        let ses_id = format!("0100-{}-{n}", self.session.team.id);
        self.taken(&public_id, &ses_id).await;
        (public_id, ses_id)
    }

    /// Records that SES took a message.
    async fn taken(&self, public_id: &str, ses_id: &str) {
        let test = self.test;
        let detail = messages::query::find(test, self.session.team.id, public_id)
            .await
            .unwrap();
        let now = test.clock.now();
        let tx = test.db.begin().await.unwrap();
        let attempt = attempts::ActiveModel {
            id: Set(test.row_ids.next(now)),
            public_id: Set(format!("try_{public_id}")),
            message_id: Set(detail.id),
            team_id: Set(detail.team_id),
            provider_id: Set(self.route_id),
            round: Set(1),
            class: Set(Class::Accepted),
            stage: Set(Stage::Response),
            code: Set(Some(200)),
            enhanced: Set(None),
            detail: Set(String::new()),
            provider_message_id: Set(Some(ses_id.to_owned())),
            duration_ms: Set(1),
            recipient_count: Set(1),
            accepted_count: Set(1),
            choice: Set(Json::default()),
            started_at: Set(now),
        };
        attempts::Entity::insert(attempt)
            .exec_without_returning(&tx)
            .await
            .unwrap();
        self.add_recipients(&tx, 1).await;
        tx.commit().await.unwrap();
    }

    /// Counts of this hour.
    async fn counted(&self) -> HourlyCounts {
        let hour = stats::hour_of(self.test.clock.now());
        let team_id = self.session.team.id;
        let end = Timestamp::from_millis(i64::MAX);
        let hours = stats::hours(self.test, team_id, None, hour, end).await.unwrap();
        hours.first().map(|hour| hour.counts).unwrap_or_default()
    }

    /// Metrics about notices.
    async fn metrics(&self) -> Vec<String> {
        let text = crate::metrics::render(self.test).await.unwrap();
        let told =
            |line: &&str| line.starts_with("sendmux_notices_total") || line.starts_with("sendmux_feedback_total");
        let mut lines: Vec<String> = text.lines().filter(told).map(str::to_owned).collect();
        lines.sort();
        lines
    }

    async fn add_recipients(&self, tx: &crate::db::Transaction, recipients: i32) {
        let key = stats::CountsKey {
            team_id: self.session.team.id,
            hour_at: stats::hour_of(self.test.clock.now()),
            provider_id: self.route_id,
        };
        let counts = HourlyCounts {
            recipients,
            ..HourlyCounts::default()
        };
        stats::add(tx, HashMap::from([(key, counts)])).await.unwrap();
    }

    async fn status(&self) -> ProviderStatus {
        managed::route(self.test, self.session.team.id).await.unwrap().status
    }

    async fn events(&self) -> Vec<(EventKind, serde_json::Value)> {
        let rows = events::Entity::find()
            .filter(events::Column::TeamId.eq(self.session.team.id))
            .all(self.test.db.read())
            .await
            .unwrap();
        rows.into_iter().map(|row| (row.kind, row.data.0)).collect()
    }
}

fn notice(kind: NoticeKind, ses_id: &str, address: &str) -> Notice {
    Notice {
        key: format!("{}/{ses_id}", kind.event()),
        kind,
        provider_message_id: ses_id.to_owned(),
        message_id: None,
        recipients: vec![NoticeRecipient {
            address: address.to_owned(),
            status: Some("5.1.1".to_owned()),
            diagnostic: Some("smtp; 550 5.1.1 no such user".to_owned()),
        }],
        at: None,
    }
}

fn hard() -> NoticeKind {
    NoticeKind::Bounced {
        bounce: Bounce::Hard,
        detail: "Permanent/General".to_owned(),
    }
}

async fn operator_and_endpoint(test: &TestDomain) -> (Operator, Endpoint) {
    let first = test.owner("Operators").await;
    let operator = Operator::of(&first.user, None).unwrap();
    let view = managed_endpoint(test, &operator).await.unwrap();
    let token = view.url.rsplit('/').next().unwrap().to_owned();
    assert_eq!(
        managed_endpoint(test, &operator).await.unwrap(),
        view,
        "it stays the same"
    );
    (operator, endpoint_by_token(test, &token).await.unwrap().unwrap())
}

#[tokio::test]
async fn each_notice_is_one_event_of_its_message() {
    for test in databases().await {
        let (_, endpoint) = operator_and_endpoint(&test).await;
        let sender = Sender::new(&test, "Acme").await;
        let (public_id, ses_id) = sender.sent().await;
        let kinds = [
            NoticeKind::Delivered { detail: None },
            hard(),
            NoticeKind::Bounced {
                bounce: Bounce::Soft,
                detail: "Transient/MailboxFull".to_owned(),
            },
            NoticeKind::Complained {
                detail: Some("abuse".to_owned()),
            },
            NoticeKind::Rejected { detail: None },
            NoticeKind::Delayed { detail: None },
        ];
        for (n, kind) in kinds.iter().enumerate() {
            let mut told = notice(kind.clone(), &ses_id, "Some One <user0@EXAMPLE.com>");
            told.key = format!("{n}");
            // By SES's id, or by ours if it is tagged.
            if n % 2 == 0 {
                told.message_id = Some(public_id.clone());
                told.provider_message_id = "another call of a split message".to_owned();
            }
            let sns_id = format!("sns-{n}");
            assert_eq!(record(&test, &endpoint, &sns_id, &told).await.unwrap(), Recorded::Event);
            assert_eq!(
                record(&test, &endpoint, &sns_id, &told).await.unwrap(),
                Recorded::Duplicate
            );
            let other_topic = record(&test, &endpoint, &format!("other-{n}"), &told).await.unwrap();
            assert_eq!(other_topic, Recorded::Duplicate);
        }
        let events = sender.events().await;
        let told: Vec<EventKind> = events.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(told, kinds.iter().map(NoticeKind::event).collect::<Vec<_>>());
        assert_eq!(events[1].1["bounce_type"], "hard");
        assert_eq!(events[2].1["bounce_type"], "soft");
        assert_eq!(events[1].1["recipients"][0]["email"], "User0@Example.com");
        let route = managed::route(&test, sender.session.team.id).await.unwrap();
        assert_eq!(
            route.feedback,
            Feedback {
                recipients: 1,
                hard_bounces: 1,
                complaints: 1
            }
        );
        let counted = sender.counted().await;
        let came_back = (
            counted.bounced,
            counted.soft_bounced,
            counted.complained,
            counted.rejected,
        );
        assert_eq!(came_back, (1, 1, 1, 1));
        let detail = messages::query::get(&test, sender.session.team.id, &public_id)
            .await
            .unwrap();
        assert_eq!(detail.recipients[0].delivery_status, Some(DeliveryStatus::Complained));
        assert_eq!(detail.feedback.len(), kinds.len());
        let mut unknown = notice(hard(), "0100-never", "user0@example.com");
        unknown.message_id = Some(messages::new_message_id());
        assert_eq!(
            record(&test, &endpoint, "sns-x", &unknown).await.unwrap(),
            Recorded::UnknownMessage
        );
        let metrics = sender.metrics().await;
        for line in [
            "sendmux_feedback_total{kind=\"managed_ses\",event=\"bounced\"} 1",
            "sendmux_feedback_total{kind=\"managed_ses\",event=\"soft_bounced\"} 1",
            "sendmux_notices_total{outcome=\"duplicate\"} 12",
            "sendmux_notices_total{outcome=\"event\"} 6",
            "sendmux_notices_total{outcome=\"unknown_message\"} 1",
        ] {
            assert!(metrics.iter().any(|known| known == line), "{line}: {metrics:?}");
        }
        test.clock.advance(HOUR * 24 * 25);
        assert_eq!(forget_old(&test).await.unwrap(), 19);
    }
}

#[tokio::test]
async fn what_is_told_before_its_send_is_written_is_kept_until_then() {
    const LOOK: Duration = Duration::from_secs(10);
    for test in databases().await {
        let (_, endpoint) = operator_and_endpoint(&test).await;
        let sender = Sender::new(&test, "Acme").await;
        for tagged in [false, true] {
            let submission = message(&sender);
            let public_id = submission.public_id.clone();
            messages::submit(&test, submission).await.unwrap();
            let ses_id = format!("0100-early-{tagged}");
            let mut early = notice(NoticeKind::Delivered { detail: None }, &ses_id, "a@example.com");
            early.message_id = tagged.then(|| public_id.clone());
            let recorded = record(&test, &endpoint, &ses_id, &early).await.unwrap();
            assert_eq!(recorded, Recorded::Parked);
            let again = record(&test, &endpoint, &ses_id, &early).await.unwrap();
            assert_eq!(
                again,
                Recorded::Duplicate,
                "SNS need not come again, and does not count twice"
            );
            assert_eq!(take_up_parked(&test).await.unwrap(), 0);
            test.clock.advance(LOOK);
            assert_eq!(take_up_parked(&test).await.unwrap(), 0, "it is not sent yet");

            sender.taken(&public_id, &ses_id).await;
            test.clock.advance(LOOK * 4);
            let nodes = tokio::join!(take_up_parked(&test), take_up_parked(&test));
            assert!(nodes.0.unwrap() + nodes.1.unwrap() >= 1);
            let detail = messages::query::get(&test, sender.session.team.id, &public_id)
                .await
                .unwrap();
            assert_eq!(detail.feedback.len(), 1, "once, by whichever node");
            assert_eq!(detail.recipients[0].delivery_status, Some(DeliveryStatus::Delivered));
            // The same notice through another topic.
            let other = record(&test, &endpoint, &format!("other-{tagged}"), &early)
                .await
                .unwrap();
            assert_eq!(other, Recorded::Duplicate);
        }
        assert_eq!(parked_notices::Entity::find().count(test.db.read()).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_others_sent_is_forgotten_after_a_quarter_of_an_hour() {
    for test in databases().await {
        let (_, endpoint) = operator_and_endpoint(&test).await;
        let sender = Sender::new(&test, "Acme").await;
        for n in 0..120 {
            let foreign = notice(hard(), &format!("0100-foreign-{n}"), "a@example.com");
            let recorded = record(&test, &endpoint, &format!("sns-{n}"), &foreign).await.unwrap();
            assert_eq!(recorded, Recorded::Parked);
        }
        let left = async || parked_notices::Entity::find().count(test.db.read()).await.unwrap();
        for _ in 0..89 {
            test.clock.advance(Duration::from_secs(10));
            assert_eq!(take_up_parked(&test).await.unwrap(), 0);
            assert_eq!(left().await, 120);
        }
        // Its last retry is when four times the previous age has passed.
        test.clock.advance(HOUR);
        assert_eq!(take_up_parked(&test).await.unwrap(), 0);
        assert_eq!(left().await, 0);
        assert!(sender.events().await.is_empty());
        let metrics = sender.metrics().await;
        assert!(
            metrics.contains(&"sendmux_notices_total{outcome=\"unknown_message\"} 120".to_owned()),
            "{metrics:?}"
        );
    }
}

#[tokio::test]
async fn each_id_of_a_message_that_went_out_in_several_calls_is_known() {
    for test in databases().await {
        let (_, endpoint) = operator_and_endpoint(&test).await;
        let sender = Sender::new(&test, "Acme").await;
        let (public_id, _) = sender.sent().await;
        let detail = messages::query::find(&test, sender.session.team.id, &public_id)
            .await
            .unwrap();
        let tx = test.db.begin().await.unwrap();
        for id in ["0100-part-1", "0100-part-2"] {
            split_messages::Entity::insert(split_messages::ActiveModel {
                provider_message_id: Set(id.to_owned()),
                provider_id: Set(sender.route_id),
                message_id: Set(detail.id),
            })
            .exec_without_returning(&tx)
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        for id in ["0100-part-1", "0100-part-2"] {
            let told = notice(hard(), id, "user0@example.com");
            assert_eq!(record(&test, &endpoint, id, &told).await.unwrap(), Recorded::Event);
        }
        assert_eq!(sender.counted().await.bounced, 2);
    }
}

#[tokio::test]
async fn an_endpoint_of_a_team_never_reaches_what_others_sent() {
    for test in databases().await {
        let (_, managed) = operator_and_endpoint(&test).await;
        let acme = Sender::new(&test, "Acme").await;
        let (public_id, ses_id) = acme.sent().await;
        let foreign = Endpoint {
            id: managed.id + 1,
            provider_id: Some(acme.route_id + 100),
            topic_arn: None,
        };
        let mut told = notice(hard(), &ses_id, "user0@example.com");
        assert_eq!(record(&test, &foreign, "1", &told).await.unwrap(), Recorded::Parked);
        told.message_id = Some(public_id);
        assert_eq!(record(&test, &foreign, "2", &told).await.unwrap(), Recorded::Parked);
        // The team's own route is not of the kind that has an endpoint of the team.
        let own = Endpoint {
            provider_id: Some(acme.route_id),
            ..foreign
        };
        assert_eq!(record(&test, &own, "3", &told).await.unwrap(), Recorded::Parked);
        test.clock.advance(HOUR);
        assert_eq!(take_up_parked(&test).await.unwrap(), 0);
        assert!(acme.events().await.is_empty());
        for token in ["", "x", &"a".repeat(40), &"A".repeat(40)] {
            assert_eq!(endpoint_by_token(&test, token).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn a_topic_is_pinned_by_its_first_confirmation() {
    for test in databases().await {
        let (operator, endpoint) = operator_and_endpoint(&test).await;
        assert!(
            confirm(&test, &endpoint, "arn:aws:sns:eu-central-1:1:one")
                .await
                .unwrap()
        );
        assert!(
            confirm(&test, &endpoint, "arn:aws:sns:eu-central-1:1:one")
                .await
                .unwrap()
        );
        assert!(
            !confirm(&test, &endpoint, "arn:aws:sns:eu-central-1:2:two")
                .await
                .unwrap()
        );
        let view = managed_endpoint(&test, &operator).await.unwrap();
        assert_eq!(view.topic_arn.as_deref(), Some("arn:aws:sns:eu-central-1:1:one"));
    }
}

#[tokio::test]
async fn bounces_suspend_until_the_operator_lifts_it_and_then_count_anew() {
    for test in databases().await {
        let (operator, endpoint) = operator_and_endpoint(&test).await;
        let sender = Sender::new(&test, "Acme").await;
        let tx = test.db.begin().await.unwrap();
        sender.add_recipients(&tx, 190).await;
        tx.commit().await.unwrap();
        for n in 0..10 {
            assert_eq!(sender.status().await, ProviderStatus::Active, "after {n}");
            let (_, ses_id) = sender.sent().await;
            let told = notice(hard(), &ses_id, &format!("user{n}@example.com"));
            record(&test, &endpoint, &ses_id, &told).await.unwrap();
        }
        // 10 of 200.
        let route = managed::route(&test, sender.session.team.id).await.unwrap();
        assert_eq!(route.status, ProviderStatus::Suspended);
        let suspension = route.suspension.unwrap();
        assert_eq!(
            (suspension.reason, suspension.feedback.hard_bounces),
            (SuspensionReason::Bounces, 10)
        );
        let refused = messages::submit(&test, message(&sender)).await.unwrap_err();
        assert!(matches!(refused, Error::NoActiveProviders), "{refused}");
        let actor = sender.session.actor(None);
        let refused = crate::providers::set_active(&test, &actor, &route.provider_id, true)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("only the operator"), "{refused}");
        let lines = managed::teams(&test, &operator, "Acme", None).await.unwrap().rows;
        assert!(lines[0].suspension.is_some());
        let overview = managed::overview(&test, &operator).await.unwrap();
        assert_eq!((overview.suspended, overview.feedback.hard_bounces), (1, 10));
        assert_eq!(overview.busiest[0].name, "Acme");

        managed::lift(&test, &operator, &sender.session.team.public_id)
            .await
            .unwrap();
        assert_eq!(sender.status().await, ProviderStatus::Active);
        let feedback = managed::route(&test, sender.session.team.id).await.unwrap().feedback;
        assert_eq!(feedback, Feedback::default(), "what came back before counts no more");
        messages::submit(&test, message(&sender)).await.unwrap();
        let again = managed::lift(&test, &operator, &sender.session.team.public_id).await;
        assert!(matches!(again, Err(Error::Conflict(_))));

        // Nine more of nine in the same hour are not enough. The tenth is.
        for n in 10..20 {
            assert_eq!(sender.status().await, ProviderStatus::Active, "after {n}");
            let (_, ses_id) = sender.sent().await;
            let told = notice(hard(), &ses_id, &format!("user{n}@example.com"));
            record(&test, &endpoint, &ses_id, &told).await.unwrap();
        }
        assert_eq!(sender.status().await, ProviderStatus::Suspended);
    }
}

#[tokio::test]
async fn complaints_suspend_and_old_ones_do_not_count() {
    for test in databases().await {
        let (_, endpoint) = operator_and_endpoint(&test).await;
        let sender = Sender::new(&test, "Acme").await;
        for n in 0..4 {
            assert_eq!(sender.status().await, ProviderStatus::Active, "after {n}");
            let (_, ses_id) = sender.sent().await;
            let told = notice(
                NoticeKind::Complained { detail: None },
                &ses_id,
                &format!("user{n}@example.com"),
            );
            record(&test, &endpoint, &ses_id, &told).await.unwrap();
            if n == 0 {
                // The first is more than 7 days old when the others come.
                test.clock.advance(HOUR * 24 * 8);
            }
        }
        let route = managed::route(&test, sender.session.team.id).await.unwrap();
        assert_eq!(route.status, ProviderStatus::Suspended);
        assert_eq!(route.suspension.unwrap().reason, SuspensionReason::Complaints);
        assert_eq!(route.feedback.complaints, 3);
    }
}

fn message(sender: &Sender<'_>) -> Submission {
    Submission {
        public_id: messages::new_message_id(),
        key: sender.key.clone(),
        source: Source::Http,
        origin: messages::Origin::default(),
        subject: "Hello".to_owned(),
        from_email: "sender@example.com".to_owned(),
        from_name: String::new(),
        return_path: None,
        header_message_id: "<2@example.com>".to_owned(),
        recipients: vec![NewRecipient {
            field: RecipientField::To,
            address: "a@example.com".to_owned(),
            name: String::new(),
        }],
        content: "Subject: Hello\r\n\r\nHi.\r\n".into(),
        smtputf8: false,
    }
}
