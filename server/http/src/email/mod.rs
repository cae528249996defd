//! One email, from the JSON of the API to the bytes that go on the wire.
//!
//! The shape of the JSON (types, counts, which fields there are) is checked here; what an address, a header or a media
//! type is, only `sendmux-mime` knows. Its findings are told in the words of the caller's own request.

mod attachments;
mod custom_headers;
mod groups;
mod recipients;
mod schema;
#[cfg(test)]
mod tests;

use crate::fields::Object;
use crate::input::Input;
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
pub(crate) use groups::NamedGroups;
use recipients::{Parties, Party};
pub(crate) use schema::EmailRequest;
use sendmux_domain::messages::NewRecipient;
use sendmux_mime::{BuildErrors, Outgoing, Problem, ValidEmail};
use time::OffsetDateTime;

/// The server's part of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp<'s> {
    /// The message's public id, also the left part of its Message-ID.
    pub(crate) public_id: &'s str,
    /// The right part of its Message-ID.
    pub(crate) host: &'s str,
    /// The time of its Date.
    pub(crate) date: OffsetDateTime,
}

/// A message that is ready to be submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email {
    pub(crate) subject: String,
    pub(crate) from_email: String,
    pub(crate) from_name: String,
    pub(crate) return_path: String,
    pub(crate) header_message_id: String,
    /// Each address once.
    pub(crate) recipients: Vec<NewRecipient>,
    pub(crate) raw: Vec<u8>,
    pub(crate) smtputf8: bool,
}

/// A message as it was read: it owns all it needs of the request, whose body can be freed before the message is built.
pub(crate) struct Draft {
    outgoing: Outgoing,
    return_path: Option<ValidEmail>,
    shapes: recipients::Shapes,
    groups: NamedGroups,
    issues: Issues,
}

/// A message with its id, as far as the request alone can say; which groups there are must be looked up.
pub(crate) struct Composed {
    pub(crate) public_id: String,
    pub(crate) groups: NamedGroups,
    pub(crate) email: Result<Email, Issues>,
}

impl Draft {
    /// Reads a message. What is wrong with it is told by [`Draft::finish`].
    ///
    /// There is no limit on the size of the message beyond that of the request: what is in it is never more than the
    /// JSON that it came in.
    pub(crate) fn read(json: Json<'_>, stamp: Stamp<'_>) -> Result<Self, Issues> {
        let mut issues = Issues::default();
        let Some(mut request) = Object::read(json, "", &mut issues) else {
            return Err(issues);
        };

        let asked = EmailRequest::take(&mut request, &mut issues);
        request.finish(&mut issues);

        let shapes = recipients::Shapes::of(&asked);
        let parties = |parties: Option<Parties>| Party::addresses(parties.unwrap_or_default().0);
        let outgoing = Outgoing {
            from: asked.from.0,
            to: Party::addresses(asked.to.parties),
            cc: parties(asked.cc),
            bcc: parties(asked.bcc),
            reply_to: Party::addresses(asked.reply_to.unwrap_or_default().parties),
            subject: asked.subject.0,
            html_body: asked.html_body,
            text_body: asked.text_body,
            headers: asked.custom_headers.unwrap_or_default().0,
            attachments: asked
                .attachments
                .unwrap_or_default()
                .0
                .into_iter()
                .map(Into::into)
                .collect(),
            message_id: format!("<{}@{}>", stamp.public_id, stamp.host),
            date: stamp.date,
        };
        Ok(Self {
            outgoing,
            return_path: asked.return_path.map(|schema::ReturnPath(address)| address),
            shapes,
            groups: asked.delivery_group.unwrap_or_default(),
            issues,
        })
    }

    /// Builds the message that has this id.
    pub(crate) fn compose(mut self, public_id: String) -> Composed {
        Composed {
            public_id,
            groups: std::mem::take(&mut self.groups),
            email: self.finish(),
        }
    }

    /// Builds the message, or tells everything that is wrong with it.
    pub(crate) fn finish(self) -> Result<Email, Issues> {
        let Self {
            mut outgoing,
            return_path,
            shapes,
            groups: _,
            mut issues,
        } = self;
        let built = if issues.is_empty() {
            sendmux_mime::build(&outgoing).map(Some)
        } else {
            sendmux_mime::check(&outgoing).map(|()| None)
        };
        let built = match built {
            Ok(Some(built)) => built,
            Ok(None) => return Err(issues),
            Err(errors) => {
                shapes.note(errors, &mut issues);
                return Err(issues);
            }
        };
        // The content is in the built message now: 25 MB need not be held twice.
        outgoing.attachments = Vec::new();
        let Some((from_email, recipients)) = recipients::envelope(&outgoing) else {
            issues.add("to", IssueCode::InvalidAddress, "is not an address");
            return Err(issues);
        };
        Ok(Email {
            smtputf8: built.smtputf8 || return_path.as_ref().is_some_and(ValidEmail::needs_smtputf8),
            return_path: return_path.map_or_else(|| from_email.to_string(), |address| address.to_string()),
            from_email: from_email.to_string(),
            from_name: outgoing.from.name.unwrap_or_default(),
            subject: outgoing.subject,
            header_message_id: outgoing.message_id,
            recipients,
            raw: built.raw,
        })
    }
}

impl recipients::Shapes {
    /// Adds what the building of the message found, in the caller's words.
    fn note(self, errors: BuildErrors, issues: &mut Issues) {
        for error in errors.into_vec() {
            let code = match error.problem {
                // Missing bodies were looked for above, where wrong ones are known too.
                Problem::NoBody => continue,
                Problem::Address(_) => IssueCode::InvalidAddress,
                Problem::Control(_) | Problem::HeaderName | Problem::AsciiOnly | Problem::ContentId => {
                    IssueCode::InvalidCharacters
                }
                Problem::Empty => IssueCode::Empty,
                Problem::TooLong { .. } | Problem::WordTooLong => IssueCode::TooLong,
                Problem::ReservedHeader => IssueCode::HeaderNotAllowed,
                Problem::DuplicateHeader | Problem::DuplicateContentId => IssueCode::Duplicate,
                Problem::MediaType | Problem::CompositeMediaType => IssueCode::InvalidMediaType,
                _ => IssueCode::InvalidValue,
            };
            let field = self.as_the_caller_wrote(error.field);
            if !issues.covers(&field) {
                issues.add(field, code, error.problem.to_string());
            }
        }
    }
}
