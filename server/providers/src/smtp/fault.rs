//! Faults of an SMTP dialogue, and the outcomes that they become.

use std::io;

use rustls::CertificateError;
use sendmux_rules::{Class, Hint, IoFault, Outcome, Reply, Stage};

use crate::net;

/// Failure of a step of the dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The step.
    pub stage: Stage,
    /// Cause of the failure.
    pub cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// The server said no.
    Reply(Reply),
    /// The server said nothing, or nothing that is SMTP.
    Io {
        fault: IoFault,
        detail: String,
        /// Advice, where it is known here.
        advice: Option<&'static str>,
    },
    /// It was decided on this side that the attempt cannot go on.
    Here(Box<Refusal>),
}

/// A decision of this side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub class: Class,
    pub permanent: bool,
    pub hint: Option<Hint>,
    /// The name that the rule has in the timeline.
    pub rule: &'static str,
    /// For what concerns message or recipient: the reply that a server would have given, for the timeline.
    pub reply: Option<Reply>,
    /// The reason in plain language.
    pub detail: String,
}

/// Failure of the connection below the dialogue, before its stage is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConnectionFailure {
    pub fault: IoFault,
    pub detail: String,
    /// Advice, where it is known here.
    pub advice: Option<&'static str>,
}

impl ConnectionFailure {
    pub fn new(fault: IoFault, detail: impl Into<String>) -> Self {
        Self {
            fault,
            detail: detail.into(),
            advice: None,
        }
    }

    /// The certificate of a server that was reached as `host` is not acceptable.
    pub fn certificate(host: &net::Host, wrong: &CertificateError) -> Self {
        Self {
            fault: net::certificate_fault(wrong),
            detail: net::certificate_text(host, wrong),
            advice: Some(net::certificate_advice(wrong)),
        }
    }

    pub fn closed() -> Self {
        Self::new(IoFault::Reset, "the server closed the connection")
    }

    pub fn at(self, stage: Stage) -> Fault {
        Fault {
            stage,
            cause: Cause::Io {
                fault: self.fault,
                detail: self.detail,
                advice: self.advice,
            },
        }
    }
}

impl From<io::Error> for ConnectionFailure {
    fn from(error: io::Error) -> Self {
        Self::new(net::fault_of(&error), error.to_string())
    }
}

impl Fault {
    pub fn reply(stage: Stage, reply: Reply) -> Self {
        Self {
            stage,
            cause: Cause::Reply(reply),
        }
    }

    /// The settings, as they are, cannot work with this server.
    pub fn config(stage: Stage, rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            stage,
            cause: Cause::Here(Box::new(Refusal {
                class: Class::Config,
                permanent: true,
                hint: None,
                rule,
                reply: None,
                detail: detail.into(),
            })),
        }
    }

    /// The message, or one of its recipients, cannot be handed to this server. The reply is what a server would have
    /// answered (RFC 3463 names the codes); a hint for which [`Hint::is_lacking`] says that another provider
    /// may take it.
    pub fn refused_here(
        stage: Stage,
        class: Class,
        hint: Option<Hint>,
        rule: &'static str,
        (code, enhanced, text): (u16, (u8, u16, u16), &str),
    ) -> Self {
        let reply = Reply {
            enhanced: Some(enhanced),
            ..Reply::new(code, text)
        };
        Self {
            stage,
            cause: Cause::Here(Box::new(Refusal {
                class,
                permanent: true,
                hint,
                rule,
                detail: reply.to_string(),
                reply: Some(reply),
            })),
        }
    }

    /// 421: the server closes the connection (RFC 5321 section 3.8).
    pub fn is_421(&self) -> bool {
        matches!(&self.cause, Cause::Reply(reply) if reply.code == 421)
    }

    /// Outcome for the message and for the provider.
    pub fn outcome(&self) -> Outcome {
        match &self.cause {
            Cause::Reply(reply) => Outcome::from_smtp(self.stage, reply.clone()),
            Cause::Io { fault, .. } => Outcome::from_io(self.stage, *fault),
            Cause::Here(refusal) => Outcome {
                class: refusal.class,
                stage: self.stage,
                reply: refusal.reply.clone(),
                fault: None,
                retry_after: None,
                permanent: refusal.permanent,
                hint: refusal.hint,
                confirmed: false,
                rule: refusal.rule,
            },
        }
    }

    /// In plain language: the server's words, or what happened instead.
    pub fn detail(&self) -> String {
        match &self.cause {
            Cause::Reply(reply) => reply.to_string(),
            Cause::Io { detail, .. } => detail.clone(),
            Cause::Here(refusal) => refusal.detail.clone(),
        }
    }
}
