//! Files that go with a message, in base64.

use crate::fields::{self, Object};
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sendmux_mime::Attachment;
use std::borrow::Cow;

/// Attachments of one message.
pub(crate) const MAX_ATTACHMENTS: usize = 10;
/// Characters of a file name.
pub(crate) const MAX_FILENAME: usize = 255;

pub(super) fn read(request: &mut Object<'_>, issues: &mut Issues) -> Vec<Attachment> {
    const FIELD: &str = "attachments";
    let Some(json) = request.take(FIELD) else {
        return Vec::new();
    };
    let list = fields::list(json, FIELD, MAX_ATTACHMENTS, issues);
    list.into_iter()
        .enumerate()
        .map(|(index, json)| attachment(json, &format!("{FIELD}[{index}]"), issues))
        .collect()
}

fn attachment(json: Json<'_>, path: &str, issues: &mut Issues) -> Attachment {
    let Some(mut object) = Object::read(json, path, issues) else {
        return Attachment::default();
    };
    let filename = object
        .take_required_text("filename", issues)
        .map(Cow::into_owned)
        .unwrap_or_default();
    if let Some((code, message)) = filename_problem(&filename) {
        issues.add(object.path("filename"), code, message);
    }
    let content = object.take_required_text("content", issues).map(|text| {
        decode(&text).unwrap_or_else(|(code, message)| {
            issues.add(object.path("content"), code, message);
            Vec::new()
        })
    });
    let content_type = object.take_text("type", issues).map(Cow::into_owned);
    let content_type = content_type.unwrap_or_else(|| media_type_of(&filename));
    let content_id = object.take_text("content_id", issues).map(Cow::into_owned);
    // The only encoding there is, which some clients name.
    if object
        .take_text("encoding", issues)
        .is_some_and(|encoding| encoding != "base64")
    {
        issues.add(object.path("encoding"), IssueCode::InvalidValue, "must be base64");
    }
    object.finish(issues);
    Attachment {
        filename,
        content: content.unwrap_or_default(),
        content_type,
        content_id,
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

/// What programs take a file of this name for.
fn media_type_of(filename: &str) -> String {
    mime_guess::from_path(filename)
        .first_raw()
        .unwrap_or("application/octet-stream")
        .to_owned()
}
