//! The kinds that are reached over HTTP, and OAuth, against a server that does what the providers' documents say, and
//! what networks do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod gmail;
mod graph;
mod oauth;
mod requests;
mod secrets;
mod server;
mod ses;
mod ses_faults;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use sendmux_providers::oauth::{AccessToken, TokenSource};
use sendmux_providers::{ApiFault, Http, HttpSettings, JobRecipient, MailboxIdentity, SendJob, SendReport};
use sendmux_rules::{Class, Stage};

/// A client that reaches this machine.
fn http() -> Http {
    http_within(Duration::from_secs(20))
}

/// The same, with little patience.
fn http_within(answer_timeout: Duration) -> Http {
    Http::new(HttpSettings {
        answer_timeout,
        allow_private_hosts: true,
        ..HttpSettings::default()
    })
    .unwrap()
}

fn mailbox() -> MailboxIdentity {
    MailboxIdentity {
        address: "box@example.com".to_owned(),
        aliases: vec!["alias@example.com".to_owned()],
    }
}

/// A message from `box@example.com` to these, all in To.
fn job(recipients: &[&str]) -> SendJob {
    let to = recipients.join(",\r\n ");
    let content = format!("From: Me <box@example.com>\r\nTo: {to}\r\nSubject: hello\r\n\r\nHow are you?\r\n");
    job_with(recipients, content)
}

fn job_with(recipients: &[&str], content: impl Into<Bytes>) -> SendJob {
    SendJob {
        message_id: "eml_test".to_owned(),
        return_path: Some("box@example.com".to_owned()),
        recipients: recipients
            .iter()
            .zip(0..)
            .map(|(address, position)| JobRecipient {
                position,
                address: (*address).to_owned(),
            })
            .collect(),
        content: content.into(),
        smtputf8: false,
        from: "box@example.com".to_owned(),
        headers_cover_recipients: true,
    }
}

/// Gives `token-1`, then `token-2` and so on.
#[derive(Default)]
struct Tokens {
    refused: Mutex<Vec<String>>,
    /// End of a renewal, when not with a token.
    fault: Option<ApiFault>,
}

impl Tokens {
    fn refused(&self) -> Vec<String> {
        self.refused.lock().clone()
    }
}

#[async_trait]
impl TokenSource for Tokens {
    async fn access_token(&self) -> Result<AccessToken, ApiFault> {
        Ok(format!("token-{}", self.refused.lock().len() + 1).into())
    }

    async fn renew(&self, rejected: &AccessToken) -> Result<AccessToken, ApiFault> {
        self.refused.lock().push(rejected.expose().to_owned());
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => self.access_token().await,
        }
    }
}

fn tokens() -> Arc<Tokens> {
    Arc::new(Tokens::default())
}

fn overall(report: &SendReport) -> (Class, Stage) {
    (report.overall.class, report.overall.stage)
}

/// Class and the rule that decided.
fn ruled(report: &SendReport) -> (Class, &'static str) {
    (report.overall.class, report.overall.rule)
}
