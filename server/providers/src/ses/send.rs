//! One attempt: recipients over calls.

use aws_sdk_sesv2::config::Config;
use aws_sdk_sesv2::types::{Destination, EmailContent, MessageTag, RawMessage};
use aws_smithy_types::Blob;
use bytes::Bytes;
use sendmux_mime::ValidEmail;
use sendmux_mime::rewrite::{ReplyTo, replace_from, strip_prefixed};
use sendmux_rules::outcome::MESSAGE_ID_SEPARATOR;
use sendmux_rules::{Class, Hint, Outcome, Reply, Stage};

use super::fault::{Found, fault_of};
use super::settings::SendAs;
use super::transport::Transport;
use super::{MESSAGE_TAG, Ready};
use crate::connector::MayCommit;
use crate::fault::ApiFault;
use crate::http::commit_gate;
use crate::job::{JobRecipient, RecipientOutcome, SendJob, SendReport, overall};

impl Ready {
    pub(super) async fn send(&self, job: &SendJob, may_commit: MayCommit<'_>) -> SendReport {
        let content = match self.content(job) {
            Ok(content) => content,
            Err(fault) => return fault.report(job),
        };
        let capability = self.kind().capability();
        let most = capability
            .recipients_per_call
            .and_then(|most| usize::try_from(most).ok());
        let mut attempt = Attempt::default();
        let (suited, unsuited): (Vec<_>, Vec<_>) = job.recipients.iter().partition(|one| one.address.is_ascii());
        for recipient in unsuited {
            attempt.note(recipient, &not_ascii());
        }
        let mut stopped = None;
        for recipients in suited.chunks(most.unwrap_or(usize::MAX).max(1)) {
            let result = match &stopped {
                None => self.call(job, &content, recipients, may_commit).await,
                Some(fault) => Err(ApiFault::clone(fault)),
            };
            if let Err(fault) = &result
                && stopped.is_none()
            {
                stopped = rest_of(fault);
            }
            attempt.settle(recipients, result);
        }
        attempt.report(job)
    }

    /// Makes one call, and once more when the credentials are refused: AWS takes a while to know new ones everywhere.
    async fn call(
        &self,
        job: &SendJob,
        content: &Bytes,
        recipients: &[&JobRecipient],
        may_commit: MayCommit<'_>,
    ) -> Result<Accepted, ApiFault> {
        match self.call_once(job, content, recipients, may_commit).await {
            Err(refused) if refused.outcome.class == Class::Auth => self
                .call_once(job, content, recipients, may_commit)
                .await
                .map_err(ApiFault::confirmed),
            result => result,
        }
    }

    async fn call_once(
        &self,
        job: &SendJob,
        content: &Bytes,
        recipients: &[&JobRecipient],
        may_commit: MayCommit<'_>,
    ) -> Result<Accepted, ApiFault> {
        let wrong = |error: aws_sdk_sesv2::error::BuildError| {
            ApiFault::here(
                Class::MessageRefused,
                Stage::Request,
                "local.bad_request",
                error.to_string(),
            )
        };
        let addresses = recipients.iter().map(|recipient| recipient.address.clone()).collect();
        let raw = RawMessage::builder()
            .data(Blob::new(&content[..]))
            .build()
            .map_err(wrong)?;
        let tag = MessageTag::builder()
            .name(MESSAGE_TAG)
            .value(&job.message_id)
            .build()
            .map_err(wrong)?;
        let (gate, last_byte) = commit_gate();
        let transport = Transport::guarded(self.http.clone(), last_byte);
        let sending = self
            .client
            .send_email()
            .destination(Destination::builder().set_to_addresses(Some(addresses)).build())
            .content(EmailContent::builder().raw(raw).build())
            .set_configuration_set_name(self.settings.configuration_set.clone())
            .set_feedback_forwarding_email_address(self.return_path(job))
            .email_tags(tag)
            .customize()
            .config_override(Config::builder().http_client(transport))
            .send();
        match gate.follow(may_commit, sending).await {
            (Ok(output), _) => {
                let id = output.message_id().map(str::to_owned);
                let reply = Reply::new(200, id.as_deref().unwrap_or_default());
                Ok(Accepted {
                    outcome: Outcome::accepted(Stage::Response, reply),
                    id,
                })
            }
            (Err(error), progress) => Err(match fault_of(self.kind(), &error) {
                Found::Fault(fault) => fault,
                Found::Failed(failure) => failure.after(progress).fault(),
            }),
        }
    }

    /// The message as it is handed over.
    fn content(&self, job: &SendJob) -> Result<Bytes, ApiFault> {
        let content = match &self.settings.send_as {
            Some(send_as) => Bytes::from(managed(job, send_as)?),
            None => job.content.clone(),
        };
        ApiFault::check_size(self.kind(), &content)?;
        Ok(content)
    }

    /// Address for bounces, when not the one in From.
    fn return_path(&self, job: &SendJob) -> Option<String> {
        match &self.settings.send_as {
            Some(send_as) => send_as.return_path.clone(),
            None => job.return_path.clone().filter(|path| *path != job.from),
        }
    }
}

/// A message of the managed route: its sender is the route's, and it says nothing to SES, which would take instructions
/// from its header (X-SES-CONFIGURATION-SET, X-SES-SOURCE-ARN and the like).
fn managed(job: &SendJob, send_as: &SendAs) -> Result<Vec<u8>, ApiFault> {
    let own = ValidEmail::parse(&send_as.address)
        .map_err(|error| ApiFault::here(Class::Config, Stage::Request, "local.bad_settings", error.to_string()))?;
    let from = replace_from(&job.content, &own, ReplyTo::OriginalFrom);
    Ok(strip_prefixed(&from, "X-SES-").into_owned())
}

/// SES has no SMTPUTF8 (Amazon SES API v2 Reference, Destination).
fn not_ascii() -> ApiFault {
    ApiFault::unsuited(
        Hint::NoSmtputf8,
        "local.smtputf8_not_offered",
        "Amazon SES does not take addresses with characters beyond ASCII before the @",
    )
}

/// Fault for the recipients of the calls that were not made yet, when it concerns them too. Nothing of theirs was
/// sent, so their fate is known.
fn rest_of(fault: &ApiFault) -> Option<ApiFault> {
    let ends = match fault.outcome.class {
        Class::Accepted | Class::RecipientRefused | Class::MessageRefused | Class::Other => false,
        Class::SenderRefused
        | Class::Deferred
        | Class::Throttled
        | Class::Quota
        | Class::Connection
        | Class::Auth
        | Class::Config
        | Class::Unknown => true,
    };
    let mut rest = fault.clone();
    if let (Class::Unknown, Some(io)) = (fault.outcome.class, fault.outcome.fault) {
        rest.outcome = Outcome::from_io(Stage::Request, io);
    }
    ends.then_some(rest)
}

/// One call that SES took.
struct Accepted {
    outcome: Outcome,
    id: Option<String>,
}

/// Progress of an attempt.
#[derive(Default)]
struct Attempt {
    outcomes: Vec<RecipientOutcome>,
    ids: Vec<String>,
    detail: Option<String>,
}

impl Attempt {
    fn settle(&mut self, recipients: &[&JobRecipient], result: Result<Accepted, ApiFault>) {
        match result {
            Ok(accepted) => {
                self.ids.extend(accepted.id);
                for recipient in recipients {
                    self.outcomes.push(RecipientOutcome {
                        position: recipient.position,
                        outcome: accepted.outcome.clone(),
                    });
                }
            }
            Err(fault) => recipients.iter().for_each(|recipient| self.note(recipient, &fault)),
        }
    }

    fn note(&mut self, recipient: &JobRecipient, fault: &ApiFault) {
        if let Some(detail) = &fault.detail {
            self.detail.get_or_insert_with(|| detail.clone());
        }
        self.outcomes.push(RecipientOutcome {
            position: recipient.position,
            outcome: fault.outcome.clone(),
        });
    }

    fn report(mut self, job: &SendJob) -> SendReport {
        let place = |position| job.recipients.iter().position(|one| one.position == position);
        self.outcomes.sort_by_key(|one| place(one.position));
        match overall(self.outcomes.iter().map(|one| &one.outcome)).cloned() {
            Some(overall) => SendReport {
                outcomes: self.outcomes,
                overall,
                provider_message_id: (!self.ids.is_empty()).then(|| self.ids.join(MESSAGE_ID_SEPARATOR)),
                detail: self.detail,
                note: None,
            },
            None => no_recipients().report(job),
        }
    }
}

fn no_recipients() -> ApiFault {
    ApiFault::here(
        Class::MessageRefused,
        Stage::Request,
        "local.no_recipients",
        "the message has no recipients",
    )
}
