//! What can stop a request, and the outcome that it becomes.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use sendmux_rules::{Class, IoFault, Outcome, Stage};

use super::last_byte::{Abandoned, Progress};
use crate::fault::ApiFault;
use crate::net::{self, NetError, certificate_fault, certificate_text};

/// Why a request got no answer. Displays in plain language, without the address that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    stage: Stage,
    cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    Io {
        fault: IoFault,
        detail: String,
    },
    /// It was decided on this side.
    Here {
        class: Class,
        rule: &'static str,
        detail: String,
    },
}

impl Broken {
    fn io(stage: Stage, fault: IoFault, detail: impl Into<String>) -> Self {
        Self {
            stage,
            cause: Cause::Io {
                fault,
                detail: detail.into(),
            },
        }
    }

    /// No answer in time.
    pub(super) fn late(allowed: Duration) -> Self {
        let detail = format!("the server did not answer in {} s", allowed.as_secs_f32());
        Self::io(Stage::Request, IoFault::Timeout, detail)
    }

    /// The request cannot be made: the settings name an address that is none.
    pub(super) fn request(error: reqwest::Error) -> Self {
        Self::config("local.bad_settings", error.without_url().to_string())
    }

    fn config(rule: &'static str, detail: String) -> Self {
        Self {
            stage: Stage::Connect,
            cause: Cause::Here {
                class: Class::Config,
                rule,
                detail,
            },
        }
    }

    pub(super) fn net(error: &NetError) -> Self {
        match error {
            NetError::Io { fault, detail } => Self::io(Stage::Connect, *fault, detail.clone()),
            NetError::Internal { .. } => Self::config("local.private_host", error.to_string()),
        }
    }

    /// What is behind an error of the client.
    pub(super) fn of(error: &reqwest::Error, host: &str) -> Self {
        let mut deepest: &(dyn Error + 'static) = error;
        let mut next = error.source();
        while let Some(cause) = next {
            if let Some(found) = Self::known(cause, host) {
                return found;
            }
            deepest = cause;
            next = cause.source();
        }
        let (stage, fault) = match (error.is_connect(), error.is_timeout()) {
            (true, true) => (Stage::Connect, IoFault::Timeout),
            (true, false) => (Stage::Connect, IoFault::Refused),
            (false, true) => (Stage::Request, IoFault::Timeout),
            (false, false) => (Stage::Request, IoFault::Reset),
        };
        let detail = match fault {
            IoFault::Timeout if stage == Stage::Connect => format!("{host} did not answer in time"),
            _ if std::ptr::eq(deepest, error as &(dyn Error + 'static)) => "the connection failed".to_owned(),
            _ => deepest.to_string(),
        };
        Self::io(stage, fault, detail)
    }

    fn known(cause: &(dyn Error + 'static), host: &str) -> Option<Self> {
        if let Some(error) = cause.downcast_ref::<NetError>() {
            return Some(Self::net(error));
        }
        if cause.is::<Abandoned>() {
            return Some(Abandoned.into());
        }
        let error = cause.downcast_ref::<io::Error>()?;
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(wrong)) => Some(Self::io(
                Stage::Tls,
                certificate_fault(wrong),
                certificate_text(&host, wrong),
            )),
            Some(tls) => Some(Self::io(Stage::Tls, IoFault::Tls, format!("TLS failed: {tls}"))),
            // An error that holds another is asked for that one first.
            None if error.source().is_some() => None,
            None => Some(Self::io(Stage::Request, net::fault_of(error), error.to_string())),
        }
    }

    /// With what is known of how far the request got.
    pub fn after(mut self, progress: Progress) -> Self {
        match progress {
            Progress::Begun => self,
            Progress::Abandoned => Abandoned.into(),
            Progress::Sent => {
                self.stage = Stage::Response;
                self
            }
        }
    }

    /// What it means for a message that was to be handed over.
    pub fn fault(self) -> ApiFault {
        match self.cause {
            Cause::Io { fault, detail } => ApiFault {
                outcome: Outcome::from_io(self.stage, fault),
                detail: Some(detail),
            },
            Cause::Here { class, rule, detail } => ApiFault::here(class, self.stage, rule, detail),
        }
    }

    /// What it means where nothing was to be handed over: nothing is ever unknown.
    pub fn while_signing_in(mut self) -> ApiFault {
        if self.stage == Stage::Response {
            self.stage = Stage::Auth;
        }
        self.fault()
    }
}

impl From<Abandoned> for Broken {
    fn from(abandoned: Abandoned) -> Self {
        Self {
            stage: Stage::Request,
            cause: Cause::Here {
                class: Class::Deferred,
                rule: "local.abandoned",
                detail: abandoned.to_string(),
            },
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Io { detail, .. } | Cause::Here { detail, .. } => f.write_str(detail),
        }
    }
}

impl Error for Broken {}
