//! The request to send an email.

use super::attachments::{Base64, Filename};
use super::custom_headers::Headers;
use super::groups::NamedGroups;
use super::recipients::{OneOrMore, Parties, Party};
use crate::fields::Object;
use crate::input::{self, Choice, TEXT, UpTo, VISIBLE, Value, Word, input};
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use sendmux_mime::ValidEmail;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema};

/// Characters of a body.
const MAX_BODY: usize = 26_214_400;

input! {
    /// An email to be sent.
    pub(crate) struct EmailRequest {
        /// The sender.
        pub(super) from: Party,
        /// The recipients: an address, or a list. to, cc and bcc have 201 at most in all.
        pub(super) to: OneOrMore<1>,
        /// The recipients of a copy whom the others see.
        pub(super) cc: Option<Parties>,
        /// The recipients of a copy whom nobody sees.
        pub(super) bcc: Option<Parties>,
        /// The subject, in any script, without line breaks or other control characters. It has something but blanks in it.
        pub(super) subject: Subject,
        /// The body in HTML. At least one of `html_body` and `text_body` is required.
        pub(super) html_body: Option<String> as input::text()
            .min_length(Some(1))
            .max_length(Some(MAX_BODY))
            .examples(["<p>It is on its way.</p>"]),
        /// The body as plain text.
        pub(super) text_body: Option<String> as input::text()
            .max_length(Some(MAX_BODY))
            .examples(["It is on its way."]),
        /// Further headers: `X-…` (but not `X-Sendmux-…`), `List-Unsubscribe`, `List-Unsubscribe-Post`, and `In-Reply-To` and
        /// `References` for an answer in a conversation.
        pub(super) custom_headers: Option<Headers>,
        /// The address for answers, when not `from`: an address, or a list.
        pub(super) reply_to: Option<OneOrMore<0>>,
        /// The address for reports of failed delivery; the address in `from` when absent.
        pub(super) return_path: Option<ReturnPath>,
        /// The delivery group that the message goes through, or several: within the scope of the key, which it narrows and
        /// never widens.
        pub(super) delivery_group: Option<NamedGroups>,
        /// Files.
        pub(super) attachments: Option<Attachments>,
    }
    schema with_a_body;
    check has_a_body;

    /// An email address.
    pub(crate) struct Address {
        /// The address alone: any script, and quoted local parts too, but no IP address for a domain.
        pub(super) email: String as input::format("email")
            .max_length(Some(254))
            .examples(["ana@example.com"]),
        /// The name to show.
        pub(super) name: Option<String> as input::pattern(TEXT)
            .max_length(Some(998))
            .examples(["Ana Silva"]),
    }

    /// A file that goes with an email.
    pub(crate) struct Attachment {
        /// The name that the receiver sees, without a path.
        pub(super) filename: Filename,
        /// The file, in base64 (RFC 4648 section 4) with padding, in lines or not; an empty text is an empty file.
        pub(super) content: Base64,
        /// The media type; guessed from the file name when absent.
        pub(super) r#type: Option<String> as input::pattern(MEDIA_TYPE)
            .max_length(Some(255))
            .examples(["application/pdf"]),
        /// The id by which the HTML body shows this file: `<img src="cid:…">`.
        pub(super) content_id: Option<String> as input::pattern(CONTENT_ID)
            .max_length(Some(255))
            .examples(["logo"]),
        /// The encoding of `content`: always base64, so it can be left out.
        pub(super) encoding: Option<Word<Encoding>>,
    }
}

type Attachments = UpTo<10, Attachment>;

/// A media type with its parameters (RFC 2045 section 5.1), or nothing; none that has parts.
const MEDIA_TYPE: &str = concat!(
    "^ *(?:(?!multipart/|message/(?:partial|external-body) *(?:;|$))",
    r"[!#-'*+\-.0-9A-Z^-~]+/[!#-'*+\-.0-9A-Z^-~]+",
    r"(?: *; *(?:[!#-'*+\-.0-9A-Z^-~]+=[!#-'*+\-.0-9A-Z^-~]+)?)* *)?$"
);
/// A content id (RFC 2392), with angle brackets or without.
const CONTENT_ID: &str = r"^(?:<[!#-'*+\--:=?-\[\]-~]+>|[!#-'*+\--:=?-\[\]-~]+)$";

fn with_a_body(schema: ObjectBuilder) -> ObjectBuilder {
    let requires_text = |body| {
        let text = input::text().min_length(Some(1));
        ObjectBuilder::new().property(body, text).required(body)
    };
    input::any_of(schema, ["html_body", "text_body"].map(requires_text))
}

/// The HTML or the text body must say something.
fn has_a_body(request: &EmailRequest, _: &Object<'_>, issues: &mut Issues) {
    let wrong = issues.covers("html_body") || issues.covers("text_body");
    match (request.html_body.as_deref(), request.text_body.as_deref()) {
        (Some(""), _) => issues.add("html_body", IssueCode::Empty, "must not be empty; leave it out instead"),
        (None, Some("")) => issues.add(
            "text_body",
            IssueCode::Empty,
            "must not be empty when there is no html_body",
        ),
        (None, None) if !wrong => issues.add("html_body", IssueCode::Missing, "html_body or text_body is required"),
        _ => {}
    }
    super::recipients::check_number(request, issues);
}

/// The subject of an email.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Subject(pub(super) String);

impl Value for Subject {
    fn schema() -> RefOr<Schema> {
        let subject = input::pattern(VISIBLE).min_length(Some(1)).max_length(Some(998));
        subject.examples(["Your order"]).into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let subject = String::read(json, at, issues)?;
        // Blanks at its ends cannot be written, and a subject of nothing else would be none.
        if subject.trim().is_empty() {
            issues.add(at, IssueCode::Empty, "must have something but blanks in it");
        }
        Some(Self(subject))
    }
}

/// The address that reports of failed delivery go to.
#[derive(Clone, PartialEq)]
pub(crate) struct ReturnPath(pub(super) ValidEmail);

impl Value for ReturnPath {
    fn schema() -> RefOr<Schema> {
        input::format("email").max_length(Some(254)).into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let address = String::read(json, at, issues)?;
        ValidEmail::parse(&address)
            .map_err(|error| issues.add(at, IssueCode::InvalidAddress, error.to_string()))
            .map(Self)
            .ok()
    }
}

/// The only encoding there is, which some clients name.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Encoding;

impl Choice for Encoding {
    fn words() -> Vec<(&'static str, Self)> {
        vec![("base64", Self)]
    }
}
