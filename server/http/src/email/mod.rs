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
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
pub(crate) use groups::NamedGroups;
use recipients::Lists;
pub(crate) use schema::{Address, Attachment, EmailRequest};
use sendmux_domain::messages::NewRecipient;
use sendmux_mime::{BuildErrors, Outgoing, Problem, ValidEmail};
use std::borrow::Cow;
use time::OffsetDateTime;

/// What a message gets from the server.
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

        let mut lists = Lists::default();
        let from = lists.sender(&mut request, &mut issues);
        lists.recipients(&mut request, &mut issues);
        let subject = request.take_required_text("subject", &mut issues);
        // Blanks at its ends cannot be written, and a subject of nothing else would be none.
        if subject.as_deref().is_some_and(|subject| subject.trim().is_empty()) {
            issues.add("subject", IssueCode::Empty, "must have something but blanks in it");
        }
        let (html_body, text_body) = bodies(&mut request, &mut issues);
        let headers = custom_headers::read(&mut request, &mut issues);
        let reply_to = lists.reply_to(&mut request, &mut issues);
        let return_path = return_path(&mut request, &mut issues);
        let groups = NamedGroups::read(&mut request, &mut issues);
        let attachments = attachments::read(&mut request, &mut issues);
        request.finish(&mut issues);

        let outgoing = Outgoing {
            from,
            to: lists.to,
            cc: lists.cc,
            bcc: lists.bcc,
            reply_to,
            subject: subject.unwrap_or_default().into_owned(),
            html_body,
            text_body,
            headers,
            attachments,
            message_id: format!("<{}@{}>", stamp.public_id, stamp.host),
            date: stamp.date,
        };
        Ok(Self {
            outgoing,
            return_path,
            shapes: lists.shapes,
            groups,
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

/// Where reports of failed delivery go.
fn return_path(request: &mut Object<'_>, issues: &mut Issues) -> Option<ValidEmail> {
    let address = request.take_text("return_path", issues)?;
    ValidEmail::parse(&address)
        .map_err(|error| issues.add("return_path", IssueCode::InvalidAddress, error.to_string()))
        .ok()
}

/// The HTML and the text body, at least one of which must say something.
fn bodies(request: &mut Object<'_>, issues: &mut Issues) -> (Option<String>, Option<String>) {
    let html = request.take_text("html_body", issues).map(Cow::into_owned);
    let text = request.take_text("text_body", issues).map(Cow::into_owned);
    let wrong = issues.covers("html_body") || issues.covers("text_body");
    match (html.as_deref(), text.as_deref()) {
        (Some(""), _) => issues.add("html_body", IssueCode::Empty, "must not be empty; leave it out instead"),
        (None, Some("")) => issues.add(
            "text_body",
            IssueCode::Empty,
            "must not be empty when there is no html_body",
        ),
        (None, None) if !wrong => issues.add("html_body", IssueCode::Missing, "html_body or text_body is required"),
        _ => {}
    }
    (html, text)
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
