//! The headers that a caller may add: `X-*`, the two of one-click unsubscription, and the two that make an answer part of
//! a conversation.

use crate::fields;
use crate::input::{self, TEXT, Value};
use crate::issue::{IssueCode, Issues};
use crate::json::{Json, short};
use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

/// Headers of one message.
const MAX_HEADERS: usize = 100;
/// Characters of a value: what RFC 5322 section 2.1.1 lets one line have.
const MAX_VALUE: usize = 998;
/// Characters of `References`, which names all messages of a conversation and is folded between them.
const MAX_REFERENCES: usize = 8_000;
/// RFC 2369, RFC 8058, and RFC 5322 section 3.6.4.
const ALLOWED: [&str; 4] = ["list-unsubscribe", "list-unsubscribe-post", "in-reply-to", "references"];
/// The prefix of the headers that this service writes itself.
const RESERVED_PREFIX: &str = "x-sendmux-";

/// Name and value of each header, in the caller's order. Whether they can be written at all (token syntax, control
/// characters, a name twice) is for the building of the message to say.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Headers(pub(super) Vec<(String, String)>);

impl Value for Headers {
    fn schema() -> RefOr<Schema> {
        let names = input::pattern(concat!(
            "^(?:[Xx]-(?![Ss][Ee][Nn][Dd][Mm][Uu][Xx]-)[!-9;-~]+|",
            "List-Unsubscribe|List-Unsubscribe-Post|In-Reply-To|References)$"
        ));
        let plain = || input::pattern("^[ -~]*$").max_length(Some(MAX_VALUE));
        // Each word fits on a line of 998 characters, behind the name.
        let words = |longest, word: usize| {
            let pattern = format!("^ *[!-~]{{1,{word}}}(?: +[!-~]{{1,{word}}})* *$");
            input::pattern(&pattern).max_length(Some(longest))
        };
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("List-Unsubscribe", plain())
            .property("List-Unsubscribe-Post", plain())
            .property("In-Reply-To", words(MAX_VALUE, 985))
            .property("References", words(MAX_REFERENCES, 986))
            .property_names(Some(names.max_length(Some(76))))
            .additional_properties(Some(input::pattern(TEXT).max_length(Some(MAX_VALUE))))
            .max_properties(Some(MAX_HEADERS))
            .examples([serde_json::json!({"X-Campaign": "spring"})])
            .into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        match json {
            Json::Object(members) => Some(read(members, at, issues)),
            other => {
                fields::wrong_type(issues, at, "an object of names and values", &other);
                None
            }
        }
    }
}

fn read(mut members: Vec<(Cow<'_, str>, Json<'_>)>, at: &str, issues: &mut Issues) -> Headers {
    if members.len() > MAX_HEADERS {
        let message = format!("has {} headers; there can be {MAX_HEADERS}", members.len());
        issues.add(at, IssueCode::TooMany, message);
        members.truncate(MAX_HEADERS);
    }
    let mut headers = Vec::with_capacity(members.len());
    for (name, value) in members {
        let path = format!("{at}.{}", short(&name).escape_default());
        if !is_allowed(&name) {
            issues.add(
                path.as_str(),
                IssueCode::HeaderNotAllowed,
                "only X-… headers (but not X-Sendmux-…), List-Unsubscribe, List-Unsubscribe-Post, In-Reply-To and \
                 References can be set",
            );
            continue;
        }
        let Some(value) = fields::text(value, &path, issues) else {
            continue;
        };
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let max = if is("references") { MAX_REFERENCES } else { MAX_VALUE };
        if value.chars().count() > max {
            issues.add(path, IssueCode::TooLong, format!("is longer than {max} characters"));
            continue;
        }
        // Their grammar wants an id at least.
        if (is("in-reply-to") || is("references")) && value.trim().is_empty() {
            issues.add(path, IssueCode::Empty, "must not be empty; leave it out instead");
            continue;
        }
        headers.push((Cow::into_owned(name), value.into_owned()));
    }
    Headers(headers)
}

fn is_allowed(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ALLOWED.contains(&name.as_str())
        || name.strip_prefix("x-").is_some_and(|rest| !rest.is_empty()) && !name.starts_with(RESERVED_PREFIX)
}
