//! Files that go with a message, in base64.

use super::schema;
use crate::fields;
use crate::input::{self, Value};
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sendmux_mime::Attachment;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// Characters of a file name.
pub(crate) const MAX_FILENAME: usize = 255;

/// The name of an attached file.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Filename(String);

impl Value for Filename {
    fn schema() -> RefOr<Schema> {
        input::pattern(r"^[^/\\\u0000-\u001f\u007f-\u009f]*$")
            .min_length(Some(1))
            .max_length(Some(MAX_FILENAME))
            .examples(["invoice.pdf"])
            .into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let name = String::read(json, at, issues)?;
        if let Some((code, message)) = filename_problem(&name) {
            issues.add(at, code, message);
        }
        Some(Self(name))
    }
}

/// The content of an attached file.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Base64(Vec<u8>);

impl Value for Base64 {
    fn schema() -> RefOr<Schema> {
        input::pattern(concat!(
            r"^[ \t\r\n]*(?:(?:[A-Za-z0-9+/][ \t\r\n]*){4})*",
            r"(?:(?:[A-Za-z0-9+/][ \t\r\n]*){2}[AEIMQUYcgkosw048][ \t\r\n]*=[ \t\r\n]*",
            r"|[A-Za-z0-9+/][ \t\r\n]*[AQgw][ \t\r\n]*=[ \t\r\n]*=[ \t\r\n]*)?$"
        ))
        .content_encoding("base64")
        .examples(["JVBERi0xLjcK"])
        .into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let text = fields::text(json, at, issues)?;
        decode(&text)
            .map_err(|(code, message)| issues.add(at, code, message))
            .map(Self)
            .ok()
    }
}

impl From<schema::Attachment> for Attachment {
    fn from(attachment: schema::Attachment) -> Self {
        let Filename(filename) = attachment.filename;
        Self {
            content_type: attachment.r#type.unwrap_or_else(|| media_type_of(&filename)),
            filename,
            content: attachment.content.0,
            content_id: attachment.content_id,
        }
    }
}

/// A file name is a name, not a way to somewhere (RFC 2183 section 5).
fn filename_problem(name: &str) -> Option<(IssueCode, String)> {
    if name.contains(['/', '\\']) || name == "." || name == ".." {
        Some((
            IssueCode::InvalidCharacters,
            "must be a plain file name, without a path".to_owned(),
        ))
    } else if name.chars().count() > MAX_FILENAME {
        Some((IssueCode::TooLong, format!("is longer than {MAX_FILENAME} characters")))
    } else {
        None
    }
}

/// RFC 4648 section 4, in lines or not (RFC 2045 section 6.8): what is laxer than that is a corrupted file. Nothing is an
/// empty file.
fn decode(text: &str) -> Result<Vec<u8>, (IssueCode, String)> {
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let decoded = if text.bytes().any(|b| is_blank(&b)) {
        let letters: Vec<u8> = text.bytes().filter(|b| !is_blank(b)).collect();
        STANDARD.decode(letters)
    } else {
        STANDARD.decode(text)
    };
    decoded.map_err(|error| {
        let advice = "use the standard alphabet, with padding";
        (IssueCode::InvalidBase64, format!("is not base64 ({error}): {advice}"))
    })
}

/// The media type that programs take a file of this name for.
fn media_type_of(filename: &str) -> String {
    mime_guess::from_path(filename)
        .first_raw()
        .unwrap_or("application/octet-stream")
        .to_owned()
}
