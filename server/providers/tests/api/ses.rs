//! Amazon SES through the real SDK.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sendmux_providers::ses::{AssumedRole, AwsKeys, MESSAGE_TAG, SendAs};
use sendmux_providers::{Connector, SendJob, SesConnector, SesSettings};
use sendmux_rules::{Class, Stage};

use crate::server::{Act, Server, answer};
use crate::{http, job, job_with, overall, ruled};

pub fn settings(server: &Server) -> SesSettings {
    SesSettings {
        endpoint: Some(server.url.clone()),
        sts_endpoint: Some(server.url.clone()),
        ..SesSettings::new(
            "eu-west-1",
            AwsKeys {
                access_key_id: "AKIAEXAMPLE".to_owned(),
                secret_access_key: "planted-secret-key".to_owned(),
            },
        )
    }
}

fn connector(server: &Server) -> SesConnector {
    SesConnector::new(settings(server), http())
}

fn taken(id: &str) -> Act {
    answer(200, format!(r#"{{"MessageId":"{id}"}}"#)).into()
}

/// A message to that many, who stand in no header.
fn to_many(count: usize) -> SendJob {
    let addresses: Vec<_> = (0..count).map(|n| format!("r{n}@example.com")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    job_with(
        &addresses,
        "From: box@example.com\r\nSubject: hello\r\n\r\nHow are you?\r\n",
    )
}

#[tokio::test]
async fn sends_the_message_as_it_is() {
    let server = Server::plays([taken("0102-1")]).await;
    let connector = SesConnector::new(
        SesSettings {
            configuration_set: Some("events".to_owned()),
            ..settings(&server)
        },
        http(),
    );
    let mut job = job(&["a@example.com", "b@example.com"]);
    job.return_path = Some("bounces@example.com".to_owned());
    let report = connector.send(&job).await;
    assert_eq!(overall(&report), (Class::Accepted, Stage::Response));
    assert_eq!(report.provider_message_id.as_deref(), Some("0102-1"));
    let seen = server.only();
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/v2/email/outbound-emails")
    );
    let signed = &seen.headers["authorization"];
    assert!(signed.contains("Credential=AKIAEXAMPLE/") && signed.contains("/eu-west-1/ses/aws4_request"));
    let body = seen.json();
    let raw = STANDARD
        .decode(body["Content"]["Raw"]["Data"].as_str().unwrap())
        .unwrap();
    assert_eq!(raw, job.content);
    assert_eq!(
        body["Destination"],
        serde_json::json!({"ToAddresses": ["a@example.com", "b@example.com"]})
    );
    assert_eq!(body["ConfigurationSetName"], "events");
    assert_eq!(body["FeedbackForwardingEmailAddress"], "bounces@example.com");
    assert_eq!(
        body["EmailTags"],
        serde_json::json!([{"Name": MESSAGE_TAG, "Value": "eml_test"}])
    );
}

#[tokio::test]
async fn recipients_are_split_into_calls_of_fifty() {
    let server = Server::plays((1..=5).map(|n| taken(&n.to_string()))).await;
    let asked = AtomicUsize::new(0);
    let may_commit = || {
        asked.fetch_add(1, Ordering::Relaxed);
        true
    };
    let report = connector(&server).send_if(&to_many(201), &may_commit).await;
    assert_eq!(report.provider_message_id.as_deref(), Some("1, 2, 3, 4, 5"));
    assert!(report.outcomes.iter().all(|one| one.outcome.class == Class::Accepted));
    let positions: Vec<_> = report.outcomes.iter().map(|one| one.position).collect();
    assert_eq!(positions, (0..201).collect::<Vec<_>>());
    let sizes: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| seen.json()["Destination"]["ToAddresses"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [50, 50, 50, 50, 1]);
    assert_eq!(asked.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn what_was_accepted_stays_accepted_when_a_later_call_fails() {
    let throttled = answer(429, r#"{"message":"Maximum sending rate exceeded."}"#)
        .header("x-amzn-errortype", "TooManyRequestsException");
    let server = Server::plays([taken("1"), throttled.into()]).await;
    let report = connector(&server).send(&to_many(150)).await;
    let classes: Vec<_> = report.outcomes.iter().map(|one| one.outcome.class).collect();
    assert!(classes[..50].iter().all(|class| *class == Class::Accepted));
    assert!(classes[50..].iter().all(|class| *class == Class::Throttled));
    assert_eq!(report.overall.class, Class::Throttled);
    assert_eq!(report.provider_message_id.as_deref(), Some("1"));
    // The third call is not made.
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_unknown_call_leaves_those_after_it_known() {
    let server = Server::plays([taken("1"), Act::CutAfterBody]).await;
    let report = connector(&server).send(&to_many(150)).await;
    let classes: Vec<_> = report.outcomes.iter().map(|one| one.outcome.class).collect();
    assert!(classes[..50].iter().all(|class| *class == Class::Accepted));
    assert!(classes[50..100].iter().all(|class| *class == Class::Unknown));
    assert!(classes[100..].iter().all(|class| *class == Class::Connection));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn without_leave_nothing_is_sent() {
    let server = Server::plays([taken("1")]).await;
    let report = connector(&server).send_if(&to_many(60), &|| false).await;
    assert_eq!(ruled(&report), (Class::Deferred, "local.abandoned"));
    assert!(server.seen().iter().all(|seen| !seen.complete));
}

#[tokio::test]
async fn addresses_beyond_ascii_are_for_others() {
    let server = Server::plays([taken("1")]).await;
    let report = connector(&server)
        .send(&job(&["jörg@example.com", "a@example.com"]))
        .await;
    assert_eq!(report.outcomes[0].outcome.rule, "local.smtputf8_not_offered");
    assert_eq!(report.outcomes[1].outcome.class, Class::Accepted);
    assert_eq!(report.overall.class, Class::Accepted);
}

#[tokio::test]
async fn the_managed_route_sends_as_its_own_address() {
    let server = Server::plays([taken("1")]).await;
    let managed = SesSettings {
        send_as: Some(SendAs {
            address: "team@mail.sendmux.example".to_owned(),
            return_path: Some("bounces@mail.sendmux.example".to_owned()),
        }),
        ..settings(&server)
    };
    let content = "X-SES-CONFIGURATION-SET: theirs\r\nFrom: Anna <anna@example.com>\r\nTo: a@example.com\r\n\
                   x-ses-source-arn: arn:aws:ses:eu-west-1:1:identity/x\r\n\r\nhi\r\n";
    let report = SesConnector::new(managed, http())
        .send(&job_with(&["a@example.com"], content))
        .await;
    assert_eq!(report.overall.class, Class::Accepted);
    let body = server.only().json();
    let raw = STANDARD
        .decode(body["Content"]["Raw"]["Data"].as_str().unwrap())
        .unwrap();
    assert_eq!(
        String::from_utf8(raw).unwrap(),
        "From: Anna <team@mail.sendmux.example>\r\nReply-To: Anna <anna@example.com>\r\nTo: a@example.com\r\n\r\nhi\r\n"
    );
    assert_eq!(body["FeedbackForwardingEmailAddress"], "bounces@mail.sendmux.example");
}

const ASSUMED: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
    <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>planted-role-secret</SecretAccessKey>\
    <SessionToken>planted-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
    </AssumeRoleResult></AssumeRoleResponse>";

fn with_role(server: &Server) -> SesConnector {
    SesConnector::new(
        SesSettings {
            role: Some(AssumedRole {
                arn: "arn:aws:iam::123456789012:role/sendmux".to_owned(),
                external_id: Some("ext-42".to_owned()),
            }),
            ..settings(server)
        },
        http(),
    )
}

#[tokio::test]
async fn a_role_is_assumed_once_for_many_messages() {
    let server = Server::plays([answer(200, ASSUMED).into(), taken("1"), taken("2")]).await;
    let connector = with_role(&server);
    for _ in 0..2 {
        let report = connector.send(&job(&["a@example.com"])).await;
        assert_eq!(report.overall.class, Class::Accepted, "{report:?}");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    let form = seen[0].form();
    assert_eq!(form["Action"], "AssumeRole");
    assert_eq!(form["RoleArn"], "arn:aws:iam::123456789012:role/sendmux");
    assert_eq!(form["ExternalId"], "ext-42");
    assert!(seen[1].headers["authorization"].contains("Credential=ASIAROLE/"));
    assert_eq!(seen[1].headers["x-amz-security-token"], "planted-session");
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_a_fault_of_the_credentials() {
    let denied = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
        <Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/app is not authorized to perform: sts:AssumeRole on \
        resource: arn:aws:iam::123456789012:role/sendmux</Message></Error></ErrorResponse>";
    let server = Server::plays([answer(403, denied)]).await;
    let connector = with_role(&server);
    let report = connector.send(&job(&["a@example.com"])).await;
    assert_eq!(ruled(&report), (Class::Auth, "ses_api_credentials"));
    assert!(report.overall.confirmed);
    let test = connector.test().await;
    assert_eq!((test.ok, test.class), (false, Some(Class::Auth)));
    assert!(test.advice.unwrap().contains("trust policy"));
    // STS out of reach is no fault of the credentials.
    let server = Server::plays([Act::CutAfterBody]).await;
    let report = with_role(&server).send(&job(&["a@example.com"])).await;
    assert_eq!(report.overall.class, Class::Connection, "{report:?}");
}

fn account(sending: bool, production: bool) -> Act {
    let body = serde_json::json!({
        "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 12.0},
        "SendingEnabled": sending, "ProductionAccessEnabled": production, "EnforcementStatus": "HEALTHY",
    });
    answer(200, body.to_string()).into()
}

#[tokio::test]
async fn the_quota_is_read() {
    let server = Server::plays([account(true, true)]).await;
    let quota = connector(&server).quota().await.unwrap();
    assert_eq!(
        (quota.max_24h, quota.max_rate, quota.sent_24h),
        (Some(50000.0), 14.0, 12.0)
    );
    assert!(quota.sending_enabled && quota.production_access);
    assert_eq!(server.only().path, "/v2/email/account");
}

#[tokio::test]
async fn the_connection_test_looks_at_the_account() {
    let report = |act: Act| async move {
        let server = Server::plays([act]).await;
        connector(&server).test().await
    };
    let healthy = report(account(true, true)).await;
    assert_eq!((healthy.ok, healthy.advice), (true, None));
    let sandboxed = report(account(true, false)).await;
    assert!(sandboxed.ok && sandboxed.advice.unwrap().contains("production access"));
    let stopped = report(account(false, true)).await;
    assert_eq!((stopped.ok, stopped.class), (false, Some(Class::Config)));

    let denied = |action: &str| {
        let text = format!("User: arn:aws:iam::1:user/app is not authorized to perform: {action}");
        answer(403, format!(r#"{{"message":"{text}"}}"#)).header("x-amzn-errortype", "AccessDeniedException")
    };
    let send_only = report(denied("ses:GetAccount").into()).await;
    assert!(send_only.ok && send_only.advice.unwrap().contains("ses:GetAccount"));
    let unknown_key = answer(
        403,
        r#"{"message":"The security token included in the request is invalid."}"#,
    )
    .header("x-amzn-errortype", "UnrecognizedClientException");
    let refused = report(unknown_key.into()).await;
    assert_eq!((refused.ok, refused.class), (false, Some(Class::Auth)));
    let down = report(Act::CutAfterBody).await;
    assert_eq!((down.ok, down.class), (false, Some(Class::Connection)));
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named() {
    let server = Server::plays([taken("1")]).await;
    let bad = SesSettings {
        region: "evil.example/".to_owned(),
        configuration_set: Some("a b".to_owned()),
        role: Some(AssumedRole {
            arn: "role".to_owned(),
            external_id: None,
        }),
        ..settings(&server)
    };
    let fields: Vec<_> = bad.validate().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["region", "role_arn", "configuration_set"]);
    let connector = SesConnector::new(bad, http());
    assert_eq!(
        ruled(&connector.send(&job(&["a@example.com"])).await),
        (Class::Config, "local.bad_settings")
    );
    assert!(!connector.test().await.ok);
    assert!(server.seen().is_empty());
}
