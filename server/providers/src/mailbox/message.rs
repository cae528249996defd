//! A message as a mailbox takes it: from itself, and with every recipient in the header.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::Bytes;
use sendmux_mime::ValidEmail;
use sendmux_mime::read::recipients;
use sendmux_mime::rewrite::{ReplyTo, replace_from, set_bcc};
use sendmux_rules::{Class, Hint, ProviderKind, Stage};

use super::MailboxIdentity;
use crate::fault::ApiFault;
use crate::job::SendJob;

/// The message as it is handed over.
///
/// # Errors
/// The message is too large for this kind, or would reach people whom it is not to reach. Another provider
/// may take it.
pub(super) fn prepare(kind: ProviderKind, mailbox: &MailboxIdentity, job: &SendJob) -> Result<Bytes, ApiFault> {
    let bcc = blind_copies(job)?;
    // Also where its first author is the mailbox: others may stand beside it, and a Sender.
    let from = replace_from(&job.content, &mailbox.author(&job.from)?, ReplyTo::OriginalFrom);
    let raw = match (set_bcc(&from, &bcc), &from) {
        (Cow::Owned(raw), _) => raw.into(),
        (Cow::Borrowed(_), Cow::Owned(raw)) => raw.clone().into(),
        (Cow::Borrowed(_), Cow::Borrowed(_)) => job.content.clone(),
    };
    ApiFault::check_size(kind, &raw)?;
    Ok(raw)
}

/// The recipients that stand in no header.
fn blind_copies(job: &SendJob) -> Result<Vec<ValidEmail>, ApiFault> {
    if !job.headers_cover_recipients {
        let text = "some recipients in the headers were served already, and this provider would send to them again";
        return Err(ApiFault::unsuited(Hint::HeaderRecipients, "local.served_in_part", text));
    }
    let in_headers: HashSet<String> = recipients(&job.content).iter().map(|email| comparable(email)).collect();
    let wanted: HashSet<String> = job.recipients.iter().map(|one| comparable(&one.address)).collect();
    if let Some(other) = in_headers.difference(&wanted).next() {
        let text = format!("the headers name {other}, whom the message is not for, and this provider would send to it");
        return Err(ApiFault::unsuited(
            Hint::HeaderRecipients,
            "local.header_recipients",
            text,
        ));
    }
    let hidden = job
        .recipients
        .iter()
        .filter(|one| !in_headers.contains(&comparable(&one.address)));
    hidden
        .map(|one| {
            ValidEmail::parse(&one.address).map_err(|error| {
                ApiFault::unsuited(
                    Hint::HeaderRecipients,
                    "local.bad_recipient",
                    format!("{} cannot stand in a header: {error}", one.address),
                )
            })
        })
        .collect()
}

impl MailboxIdentity {
    /// The address that it sends from what is from `from`: that one, when it is one of its own.
    fn author(&self, from: &str) -> Result<ValidEmail, ApiFault> {
        let mut own = std::iter::once(&self.address).chain(&self.aliases);
        match ValidEmail::parse(from) {
            Ok(from) if own.any(|own| is_same(own, from.as_str())) => Ok(from),
            _ => self.own(),
        }
    }

    fn own(&self) -> Result<ValidEmail, ApiFault> {
        ValidEmail::parse(&self.address).map_err(|error| {
            let text = format!("the mailbox's address {} cannot be used: {error}", self.address);
            ApiFault::here(Class::Config, Stage::Request, "local.bad_settings", text)
        })
    }
}

/// True when two addresses are the same mailbox's.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    comparable(one) == comparable(other)
}

/// An address in a form in which those that reach the same mailbox are the same. Neither Gmail nor Exchange tells
/// capitals from small letters.
fn comparable(email: &str) -> String {
    let normal = ValidEmail::parse(email).map(|email| email.to_string());
    normal.unwrap_or_else(|_| email.to_owned()).to_lowercase()
}
