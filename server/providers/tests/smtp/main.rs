//! The SMTP kind against a server that plays scripts, byte by byte.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod dialogue;
mod faults;
mod login;
mod pool;
mod probe;
mod script;
mod tls;

use bytes::Bytes;
use sendmux_providers::smtp::{Credentials, SmtpConnector, SmtpSettings};
use sendmux_providers::{JobRecipient, SendJob, SendReport};
use sendmux_rules::{Class, Outcome, SmtpSecurity, Stage};

use script::Server;

/// A short message.
const MESSAGE: &str = "Subject: hello\r\n\r\nHow are you?\r\n";

/// A message from `me@sender.example`.
fn job(recipients: &[&str], content: impl Into<Bytes>) -> SendJob {
    SendJob {
        message_id: "eml_test".to_owned(),
        return_path: Some("me@sender.example".to_owned()),
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
        from: "me@sender.example".to_owned(),
        headers_cover_recipients: true,
    }
}

/// Settings for a scripted server: no encryption, no sign-in.
fn settings(server: &Server) -> SmtpSettings {
    SmtpSettings {
        helo_name: Some("client.example".to_owned()),
        allow_private_hosts: true,
        ..SmtpSettings::new("127.0.0.1", server.port(), SmtpSecurity::None)
    }
}

fn connector(server: &Server) -> SmtpConnector {
    SmtpConnector::new(settings(server))
}

fn credentials() -> Option<Credentials> {
    Some(Credentials {
        username: "user@example.com".to_owned(),
        password: "hunter2!".to_owned(),
    })
}

/// Class and stage of the whole attempt.
fn overall(report: &SendReport) -> (Class, Stage) {
    (report.overall.class, report.overall.stage)
}

/// The classes of the recipients, in order.
fn classes(report: &SendReport) -> Vec<Class> {
    report
        .outcomes
        .iter()
        .map(|recipient| recipient.outcome.class)
        .collect()
}

fn text(outcome: &Outcome) -> String {
    outcome.reply.as_ref().map(ToString::to_string).unwrap_or_default()
}
