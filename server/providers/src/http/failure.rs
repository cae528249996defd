//! Failures of a request, and the outcomes that they become.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use sendmux_rules::{Class, IoFault, Outcome, Stage};

use super::last_byte::{Abandoned, Progress};
use crate::fault::ApiFault;
use crate::net::{self, NetError, certificate_fault, certificate_text};

/// Failure of a request that got no answer. Displays in plain language, without the address that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestFailure {
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

impl RequestFailure {
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
            NetError::Internal => Self::config("local.private_host", error.to_string()),
        }
    }

    /// Cause of an error of the client: the first that is known.
    pub(super) fn of(error: &reqwest::Error, host: &str) -> Self {
        let stage = match error.is_connect() {
            true => Stage::Connect,
            false => Stage::Request,
        };
        let mut last = None;
        let mut next = error.source();
        while let Some(cause) = next {
            if let Some(found) = Self::known(cause, stage, host) {
                return found;
            }
            last = Some(cause);
            next = cause.source();
        }
        if error.is_timeout() {
            return Self::io(stage, IoFault::Timeout, format!("{host} did not answer in time"));
        }
        let detail = last.map_or_else(|| "the connection failed".to_owned(), ToString::to_string);
        Self::io(stage, IoFault::Reset, detail)
    }

    fn known(cause: &(dyn Error + 'static), stage: Stage, host: &str) -> Option<Self> {
        if let Some(error) = cause.downcast_ref::<NetError>() {
            return Some(Self::net(error));
        }
        if cause.is::<Abandoned>() {
            return Some(Abandoned.into());
        }
        let error = cause.downcast_ref::<io::Error>()?;
        Some(match tls_error(error) {
            Some(rustls::Error::InvalidCertificate(wrong)) => {
                Self::io(Stage::Tls, certificate_fault(wrong), certificate_text(&host, wrong))
            }
            Some(tls) => Self::io(Stage::Tls, IoFault::Tls, format!("TLS failed: {tls}")),
            // An error that holds another says less than that one.
            None if error.source().is_some() => return None,
            None => Self::io(stage, net::fault_of(error), error.to_string()),
        })
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

    /// Fault for a message that was to be handed over.
    pub fn fault(self) -> ApiFault {
        match self.cause {
            Cause::Io { fault, detail } => ApiFault {
                outcome: Outcome::from_io(self.stage, fault),
                detail: Some(detail),
            },
            Cause::Here { class, rule, detail } => ApiFault::here(class, self.stage, rule, detail),
        }
    }

    /// Fault where nothing was to be handed over: nothing is ever unknown.
    pub fn while_signing_in(mut self) -> ApiFault {
        if self.stage == Stage::Response {
            self.stage = Stage::Auth;
        }
        self.fault()
    }
}

/// The error of TLS inside an I/O error, however deep it is wrapped.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    let wrapped = || tls_error(inner.downcast_ref::<io::Error>()?);
    inner.downcast_ref::<rustls::Error>().or_else(wrapped)
}

impl From<Abandoned> for RequestFailure {
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

impl fmt::Display for RequestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Io { detail, .. } | Cause::Here { detail, .. } => f.write_str(detail),
        }
    }
}

impl Error for RequestFailure {}
