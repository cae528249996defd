//! The connection test: all that a send does, up to and without MAIL.

use std::time::Duration;

use sendmux_rules::classify::classify_io_in_test;
use sendmux_rules::{Class, SmtpSecurity, Stage};

use super::advice;
use super::auth::{FirstMechanism, SignedIn};
use super::capabilities::Capabilities;
use super::fault::{Cause, Fault};
use super::session::{Passed, Session, Target};
use super::settings::SmtpSettings;
use crate::connector::{TestReport, TestStep};

/// Somebody waits at a screen: a server that takes longer for a step than this is as good as down.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// Tests on a connection of its own, beside those that are in use.
pub(super) async fn probe(target: &Target) -> TestReport {
    let mut settings = target.settings.clone();
    settings.timeouts = settings.timeouts.at_most(STEP_TIMEOUT);
    let target = Target {
        settings,
        host: target.host.clone(),
        tls: target.tls.clone(),
        first_mechanism: FirstMechanism::default(),
    };
    let mut steps = Vec::new();
    let mut opened = Session::open(&target, &mut |passed| steps.push(step(&target, &passed))).await;
    if opened.is_err() && target.first_mechanism.get().is_some() {
        // The server hung up before it heard the second mechanism. A send would begin with that one now.
        steps.clear();
        opened = Session::open(&target, &mut |passed| steps.push(step(&target, &passed))).await;
    }
    let result = match opened {
        Ok(mut session) => {
            let noop = session.noop().await;
            session.quit().await;
            noop.map_err(|fault| ("noop", fault))
        }
        Err(fault) => Err((step_name(fault.stage), fault)),
    };
    match result {
        Ok(_) => {
            steps.push(TestStep {
                name: "noop",
                ok: true,
                detail: "The server is ready to take mail.".to_owned(),
            });
            TestReport {
                ok: true,
                steps,
                class: None,
                advice: caution(&target.settings),
            }
        }
        Err((name, fault)) => {
            steps.push(TestStep {
                name,
                ok: false,
                detail: advice::what_happened(&fault, &target.settings),
            });
            TestReport {
                ok: false,
                steps,
                class: Some(class_in_test(&fault)),
                advice: Some(advice::what_to_do(&fault, &target.settings)),
            }
        }
    }
}

/// The report of a test that settings do not even allow to begin.
pub(super) fn bad_settings(fault: &Fault) -> TestReport {
    TestReport {
        ok: false,
        steps: vec![TestStep {
            name: step_name(fault.stage),
            ok: false,
            detail: fault.detail(),
        }],
        class: Some(fault.outcome().class),
        advice: Some("Correct the settings and test again.".to_owned()),
    }
}

fn class_in_test(fault: &Fault) -> Class {
    match fault.cause {
        Cause::Io { fault: io, .. } => classify_io_in_test(fault.stage, io).class,
        _ => fault.outcome().class,
    }
}

fn step_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "connect",
        Stage::Tls | Stage::StartTls => "tls",
        Stage::Auth => "auth",
        _ => "ehlo",
    }
}

fn step(target: &Target, passed: &Passed<'_>) -> TestStep {
    let (name, detail) = match passed {
        Passed::Connected(address) => ("connect", format!("Connected to {address}.")),
        Passed::Tls(facts) => {
            let mut detail = facts.protocol.clone();
            if let Some(certificate) = &facts.certificate {
                detail = format!("{detail}, {certificate}");
            }
            if target.settings.accept_invalid_certs {
                detail.push_str("; the certificate was not checked");
            }
            ("tls", format!("{detail}."))
        }
        Passed::Ehlo(offered) => ("ehlo", describe(offered)),
        Passed::SignedIn(SignedIn { mechanism, refused }) => (
            "auth",
            match refused {
                Some((other, reply)) => {
                    format!(
                        "Signed in with {mechanism}, after {other} was refused ({}).",
                        advice::bounded(&reply.to_string())
                    )
                }
                None => format!("Signed in with {mechanism}."),
            },
        ),
    };
    TestStep { name, ok: true, detail }
}

fn describe(offered: &Capabilities) -> String {
    let size = match offered.max_size() {
        Some(limit) => format!("takes messages of up to {:.1} MB", limit as f64 / 1_000_000.0),
        None => "names no limit on the size of messages".to_owned(),
    };
    let sign_in = match offered.auth.as_deref() {
        Some(names) if !names.is_empty() => format!("offers signing in with {}", advice::bounded(&names.join(", "))),
        _ => "does not offer signing in".to_owned(),
    };
    let extensions: Vec<_> = [
        (offered.pipelining, "PIPELINING"),
        (offered.eight_bit_mime, "8BITMIME"),
        (offered.smtputf8, "SMTPUTF8"),
        (offered.starttls, "STARTTLS"),
    ]
    .into_iter()
    .filter_map(|(has, name)| has.then_some(name))
    .collect();
    let extensions = match extensions.is_empty() {
        true => String::new(),
        false => format!(", and has {}", extensions.join(", ")),
    };
    format!("The server {size}, {sign_in}{extensions}.")
}

/// Caution in spite of a passed test.
fn caution(settings: &SmtpSettings) -> Option<String> {
    let mut cautions = Vec::new();
    if settings.security == SmtpSecurity::None && settings.credentials.is_some() {
        cautions
            .push("The password and all mail cross the network unencrypted. Use STARTTLS or TLS if the server has it.");
    }
    if settings.security != SmtpSecurity::None && settings.accept_invalid_certs {
        cautions
            .push("Certificates are not checked, so that somebody in between could read the password and all mail.");
    }
    if settings.helo_name.is_none() {
        cautions.push(advice::NAMELESS);
    }
    (!cautions.is_empty()).then(|| cautions.join(" "))
}
