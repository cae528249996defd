//! Job that a connector is given, and its report.

use bytes::Bytes;
use sendmux_rules::{Class, Outcome, Stage};

/// Everything a connector needs to send one message once.
#[derive(Debug, Clone)]
pub struct SendJob {
    /// The public id of the message (`eml_…`), for logs.
    pub message_id: String,
    /// The envelope's return path; `None` is the null reverse-path `<>`.
    pub return_path: Option<String>,
    /// The recipients still to be served, in order.
    pub recipients: Vec<JobRecipient>,
    /// The raw message with CRLF line ends and without Bcc.
    pub content: Bytes,
    /// The message needs SMTPUTF8 (RFC 6531): its headers or its envelope are not ASCII.
    pub smtputf8: bool,
    /// The address in the From header. Kinds that have an envelope do not look at it.
    pub from: String,
    /// All recipients of the headers are among those still to be served. Kinds without an envelope may only send then.
    pub headers_cover_recipients: bool,
}

/// One recipient of a [`SendJob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRecipient {
    /// The recipient's place in the message's envelope; it comes back in [`RecipientOutcome::position`].
    pub position: u32,
    /// The address, without angle brackets.
    pub address: String,
}

/// Report of one attempt, recipient by recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendReport {
    /// One for each recipient of the job, in the job's order.
    pub outcomes: Vec<RecipientOutcome>,
    /// Outcome of the attempt as a whole, for health and the timeline; see [`overall`].
    pub overall: Outcome,
    /// The provider's id of the message, when it gives one. Several, separated by `, `, when it took the message in
    /// several transactions.
    pub provider_message_id: Option<String>,
    /// Detail that `overall` lacks when nothing was answered: the error of the network or of TLS, in plain language.
    pub detail: Option<String>,
    /// Change made to the message so that this provider could take it, for the timeline, whatever the result.
    pub note: Option<String>,
}

/// Result of the attempt for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientOutcome {
    /// [`JobRecipient::position`].
    pub position: u32,
    /// The recipient's own outcome.
    pub outcome: Outcome,
}

impl SendReport {
    /// The report of an attempt that went the same way for all recipients.
    pub fn same_for_all(job: &SendJob, outcome: Outcome, detail: Option<String>) -> Self {
        let outcomes = job.recipients.iter().map(|recipient| RecipientOutcome {
            position: recipient.position,
            outcome: outcome.clone(),
        });
        Self {
            outcomes: outcomes.collect(),
            overall: outcome,
            provider_message_id: None,
            detail,
            note: None,
        }
    }
}

/// The outcome that stands for the whole attempt.
///
/// A fault of the provider comes first, since its health is judged by it even when some recipients had been accepted
/// before; then acceptance; then the first of the rest.
/// A refusal at RCPT that blames the set-up or the login is no such fault when others were taken in the same attempt: it
/// is about that recipient (relaying for it, for example).
pub fn overall<'a>(outcomes: impl IntoIterator<Item = &'a Outcome, IntoIter: Clone>) -> Option<&'a Outcome> {
    let outcomes = outcomes.into_iter();
    let some_accepted = outcomes.clone().any(|outcome| outcome.class == Class::Accepted);
    // `min_by_key` keeps the first of equals.
    outcomes.min_by_key(|outcome| match outcome.class {
        Class::Auth | Class::Config if some_accepted && outcome.stage == Stage::RcptTo => 5,
        Class::Auth | Class::Config | Class::Quota => 0,
        Class::Connection | Class::Unknown => 1,
        Class::Throttled => 2,
        Class::Accepted => 3,
        Class::Other if outcome.stage.is_before_rcpt() => 1,
        Class::SenderRefused => 4,
        Class::MessageRefused | Class::Deferred | Class::RecipientRefused | Class::Other => 5,
    })
}

#[cfg(test)]
mod tests {
    use sendmux_rules::Reply;

    use super::*;

    fn outcome(class: Class) -> Outcome {
        Outcome {
            class,
            ..Outcome::accepted(Stage::RcptTo, Reply::new(250, class.as_str()))
        }
    }

    #[test]
    fn a_fault_of_the_provider_outweighs_what_it_accepted() {
        let mixed = [
            outcome(Class::Accepted),
            outcome(Class::RecipientRefused),
            outcome(Class::Connection),
        ];
        assert_eq!(overall(&mixed).unwrap().class, Class::Connection);
    }

    #[test]
    fn a_server_that_takes_others_is_set_up_right() {
        let denied = outcome(Class::Config);
        let accepted = outcome(Class::Accepted);
        assert_eq!(overall([&denied, &accepted]).unwrap().class, Class::Accepted);
        assert_eq!(overall([&denied, &denied]).unwrap().class, Class::Config);
        let later = Outcome {
            stage: Stage::MailFrom,
            ..outcome(Class::Config)
        };
        assert_eq!(overall([&accepted, &later]).unwrap().class, Class::Config);
    }

    #[test]
    fn one_accepted_recipient_makes_an_accepted_attempt() {
        let mixed = [outcome(Class::RecipientRefused), outcome(Class::Accepted)];
        assert_eq!(overall(&mixed).unwrap().class, Class::Accepted);
        let refused = [outcome(Class::Deferred), outcome(Class::RecipientRefused)];
        assert_eq!(overall(&refused).unwrap().class, Class::Deferred);
        assert_eq!(overall(&[]), None);
    }
}
