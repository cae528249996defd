//! Classification of a provider's reply.
//!
//! Names and codes alone are not enough: SES says `ThrottlingException` for its rate and for its daily quota, and not
//! every 5xx is a bad recipient. Every rule is a row of data whose conditions are the stage of the dialogue, the code,
//! the enhanced code and words of the text; the first row that matches decides. The order of the rows is: a provider's
//! own wording, replies about a recipient, wording that many servers share, enhanced codes, basic codes. Each row names
//! its source and has replies as examples, which are its tests.

mod api_common;
mod api_gmail;
mod api_graph;
mod api_ses;
mod delay;
mod effect;
mod io;
mod rule;
mod smtp_amazon;
mod smtp_basic;
mod smtp_enhanced;
mod smtp_google;
mod smtp_microsoft;
mod smtp_recipient;
mod smtp_text;

use std::time::Duration;

pub use delay::{asked_delay, asked_until};
pub use effect::{MessageEffect, ProviderEffect, effect_on_message, effect_on_provider};
pub use io::{classify_io, classify_io_in_test};

use crate::kind::ProviderKind;
use crate::outcome::{Class, Hint, IoFault, Outcome, Reply, Stage};
use rule::{ApiRule, SmtpRule};

/// Rules for SMTP replies, in the order in which they are tried.
const SMTP: &[&[SmtpRule]] = &[
    smtp_google::RULES,
    smtp_amazon::RULES,
    smtp_microsoft::RULES,
    smtp_recipient::RULES,
    smtp_text::RULES,
    smtp_enhanced::RULES,
    smtp_basic::RULES,
];

/// Rules for the answers of HTTP APIs.
const API: &[&[ApiRule]] = &[api_gmail::RULES, api_graph::RULES, api_ses::RULES, api_common::RULES];

/// Class of a reply or fault, and the rule that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// Class of the reply or fault.
    pub class: Class,
    /// Time for which the provider asked for no further attempts.
    pub retry_after: Option<Duration>,
    /// True if the same request would be refused again: SMTP 5xx, HTTP 4xx.
    pub permanent: bool,
    /// Detail that the rule knows beyond the class.
    pub hint: Option<Hint>,
    /// Name of the rule; `other` when none matched.
    pub rule: &'static str,
    /// The RFC section or the provider's document that the rule follows.
    pub source: &'static str,
}

impl Classified {
    fn other(permanent: bool) -> Self {
        Self {
            class: Class::Other,
            retry_after: None,
            permanent,
            hint: None,
            rule: "other",
            source: "",
        }
    }

    fn into_outcome(self, stage: Stage, reply: Option<Reply>, fault: Option<IoFault>) -> Outcome {
        Outcome {
            class: self.class,
            stage,
            reply,
            fault,
            retry_after: self.retry_after,
            permanent: self.permanent,
            hint: self.hint,
            confirmed: false,
            rule: self.rule,
        }
    }
}

/// Classifies an SMTP reply at this stage of the dialogue.
///
/// The class of a reply to RCPT is that recipient's; a 2yz there means an accepted recipient, not an accepted message.
pub fn classify_smtp(stage: Stage, reply: &Reply) -> Classified {
    let permanent = (500..600).contains(&reply.code);
    // Positive replies are classified by stage and code alone, whatever their text.
    let tables = if reply.code < 400 {
        &SMTP[SMTP.len() - 1..]
    } else {
        SMTP
    };
    let text = reply.text.to_ascii_lowercase();
    let asked = asked_delay(&text);
    let mut rules = tables.iter().copied().flatten();
    let Some(rule) = rules.find(|rule| rule.matches(stage, reply, &text, asked.is_some())) else {
        return Classified::other(permanent);
    };
    Classified {
        class: rule.class,
        retry_after: asked.filter(|_| rule.class == Class::Throttled),
        permanent,
        hint: rule.hint,
        rule: rule.name,
        source: rule.source,
    }
}

/// Classifies the answer of an HTTP API by its status, the error's code (Gmail's `reason`, Graph's `code`, the name of
/// an SES exception; empty when there is none), its message and the Retry-After header.
///
/// A 401 is final here: refresh the token once before classifying.
pub fn classify_api(
    kind: ProviderKind,
    status: u16,
    code: &str,
    message: &str,
    retry_after: Option<Duration>,
) -> Classified {
    let tables = API.iter().copied().flatten();
    classify_http(tables, kind, status, code, message, retry_after)
}

/// Classifies the refusal of an OAuth token endpoint. Nothing was sent, so it is never [`Class::Unknown`].
pub fn classify_token(
    kind: ProviderKind,
    status: u16,
    code: &str,
    message: &str,
    retry_after: Option<Duration>,
) -> Classified {
    classify_http(api_common::TOKEN_RULES.iter(), kind, status, code, message, retry_after)
}

fn classify_http(
    mut rules: impl Iterator<Item = &'static ApiRule>,
    kind: ProviderKind,
    status: u16,
    code: &str,
    message: &str,
    retry_after: Option<Duration>,
) -> Classified {
    let permanent = (400..500).contains(&status);
    let text = crate::outcome::truncate(message).to_ascii_lowercase();
    let asked = retry_after.or_else(|| asked_delay(&text));
    let Some(rule) = rules.find(|rule| rule.matches(kind, status, code, &text, asked.is_some())) else {
        return Classified::other(permanent);
    };
    Classified {
        class: rule.class,
        retry_after: asked.filter(|_| rule.class == Class::Throttled),
        permanent,
        hint: rule.hint,
        rule: rule.name,
        source: rule.source,
    }
}

impl Outcome {
    /// Outcome of an SMTP reply.
    pub fn from_smtp(stage: Stage, reply: Reply) -> Self {
        classify_smtp(stage, &reply).into_outcome(stage, Some(reply), None)
    }

    /// Outcome of a fault below the dialogue.
    pub fn from_io(stage: Stage, fault: IoFault) -> Self {
        classify_io(stage, fault).into_outcome(stage, None, Some(fault))
    }

    /// Outcome of an HTTP API's answer, see [`classify_api`].
    pub fn from_api(kind: ProviderKind, status: u16, code: &str, message: &str, retry_after: Option<Duration>) -> Self {
        let classified = classify_api(kind, status, code, message, retry_after);
        classified.into_outcome(Stage::Response, Some(api_reply(status, code, message)), None)
    }

    /// Outcome of an OAuth token endpoint's refusal, see [`classify_token`].
    pub fn from_token(
        kind: ProviderKind,
        status: u16,
        code: &str,
        message: &str,
        retry_after: Option<Duration>,
    ) -> Self {
        let classified = classify_token(kind, status, code, message, retry_after);
        classified.into_outcome(Stage::Auth, Some(api_reply(status, code, message)), None)
    }
}

fn api_reply(status: u16, code: &str, message: &str) -> Reply {
    match (code, message) {
        ("", text) | (text, "") => Reply::new(status, text),
        (code, message) => Reply::new(status, &format!("{code}: {message}")),
    }
}

#[cfg(test)]
mod tests;
