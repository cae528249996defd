//! Faults of calls of HTTP APIs.

use std::fmt;

use sendmux_rules::{Class, Hint, Outcome, ProviderKind, Stage};

use crate::job::{SendJob, SendReport};

/// Failure of a call. Holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiFault {
    /// Outcome for a message and for the provider.
    pub outcome: Outcome,
    /// Detail that the outcome lacks when nothing was answered, in plain language.
    pub detail: Option<String>,
}

impl ApiFault {
    /// It was decided on this side that the call is not made.
    pub(crate) fn here(class: Class, stage: Stage, rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome {
                class,
                stage,
                reply: None,
                fault: None,
                retry_after: None,
                permanent: class != Class::Deferred,
                hint: None,
                confirmed: false,
                rule,
            },
            detail: Some(detail.into()),
        }
    }

    /// This provider cannot take the message, for what the hint says that it lacks; another may.
    pub(crate) fn unsuited(hint: Hint, rule: &'static str, detail: impl Into<String>) -> Self {
        let mut fault = Self::here(Class::MessageRefused, Stage::Request, rule, detail);
        fault.outcome.hint = Some(hint);
        fault
    }

    /// Refuses a message that is larger than this kind takes.
    pub(crate) fn check_size(kind: ProviderKind, raw: &[u8]) -> Result<(), Self> {
        match kind.capability().max_bytes {
            Some(limit) if raw.len() as u64 > limit => {
                let text = format!("the message has {} bytes; this provider takes {limit}", raw.len());
                Err(Self::unsuited(Hint::TooLarge, "local.too_large", text))
            }
            _ => Ok(()),
        }
    }

    /// A refusal of the credentials that is the second in a row, with fresh ones.
    pub(crate) fn confirmed(mut self) -> Self {
        self.outcome.confirmed = self.outcome.class == Class::Auth;
        self
    }

    /// The report of an attempt that this ended for all recipients.
    pub(crate) fn report(self, job: &SendJob) -> SendReport {
        SendReport::same_for_all(job, self.outcome, self.detail)
    }
}

impl From<Outcome> for ApiFault {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, detail: None }
    }
}

impl fmt::Display for ApiFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => f.write_str(detail),
            None => f.write_str(&self.outcome.cause()),
        }
    }
}

impl std::error::Error for ApiFault {}
