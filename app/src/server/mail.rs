//! Stored messages, read for people.

use super::moment::size;
use crate::model::{AppError, AttachmentItem, HeaderItem, MailView};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sendmux_mime::read;
use std::fmt::Write;

/// The most of the source that a page shows. The whole can be downloaded.
const SOURCE_SHOWN: usize = 64 * 1024;
/// The most of the text that a page shows.
const TEXT_SHOWN: usize = 128 * 1024;
/// The most that pictures within the message may add to its HTML.
const PICTURES: usize = 8 * 1024 * 1024;

/// Reads a message away from the threads that answer requests: large ones take a while.
///
/// # Errors
/// [`AppError::Internal`] when the reader dies.
pub async fn apart<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
    tokio::task::spawn_blocking(read).await.map_err(super::context::broken)
}

/// What a page shows of a message.
pub fn view(raw: &[u8]) -> MailView {
    let view = read::read(raw);
    let shown = &raw[..raw.len().min(SOURCE_SHOWN)];
    MailView {
        headers: view
            .headers
            .into_iter()
            .map(|(name, value)| HeaderItem { name, value })
            .collect(),
        has_html: view.html.is_some(),
        text: view.text.map(|text| cut(text, TEXT_SHOWN)),
        attachments: view
            .attachments
            .into_iter()
            .map(|attachment| AttachmentItem {
                index: attachment.index,
                name: attachment.filename,
                media_type: attachment.content_type,
                size: size(attachment.size as u64),
            })
            .collect(),
        source: String::from_utf8_lossy(shown).replace("\r\n", "\n"),
        source_cut: shown.len() < raw.len(),
    }
}

/// The value of the first header field with this name.
pub fn header<'a>(mail: &'a MailView, name: &str) -> Option<&'a str> {
    mail.headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.as_str())
}

/// The HTML of a message, with the pictures that it carries itself put in place of their `cid:` references (RFC 2392).
pub fn html(raw: &[u8]) -> Option<String> {
    let view = read::read(raw);
    let mut html = view.html?;
    let mut room = PICTURES;
    for attachment in view.attachments {
        let Some(id) = attachment.content_id.filter(|id| !id.is_empty()) else {
            continue;
        };
        let reference = format!("cid:{id}");
        if !attachment.content_type.starts_with("image/") || attachment.size > room || !html.contains(&reference) {
            continue;
        }
        let Some((_, media_type, bytes)) = read::attachment(raw, attachment.index) else {
            continue;
        };
        room -= bytes.len().min(room);
        let mut url = String::with_capacity(bytes.len() * 4 / 3 + 64);
        let is_plain = media_type
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/+.-".contains(&byte));
        if is_plain && write!(url, "data:{media_type};base64,{}", STANDARD.encode(&bytes)).is_ok() {
            html = html.replacen(&reference, &url, 4);
        }
    }
    Some(html)
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str("\n…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH_PICTURE: &[u8] = b"From: a@example.com\r\nSubject: Hi\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n\
        <img src=\"cid:logo@x\">\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\n\
        Content-Transfer-Encoding: base64\r\nContent-Disposition: inline; filename=logo.png\r\n\r\nAAEC\r\n--b--\r\n";

    #[test]
    fn pictures_of_the_message_stand_in_its_html() {
        let html = html(WITH_PICTURE).unwrap();
        assert!(html.contains("<img src=\"data:image/png;base64,AAEC\">"), "{html}");
    }

    #[test]
    fn a_page_shows_headers_parts_and_source() {
        let view = view(WITH_PICTURE);
        assert_eq!(
            view.headers[1],
            HeaderItem {
                name: "Subject".to_owned(),
                value: "Hi".to_owned()
            }
        );
        assert_eq!(
            (header(&view, "from"), header(&view, "Cc")),
            (Some("a@example.com"), None)
        );
        assert!(view.has_html && view.text.is_none() && !view.source_cut);
        assert_eq!(view.attachments[0].name, "logo.png");
        assert!(view.source.starts_with("From: a@example.com\nSubject: Hi\n"));
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(cut("aé".to_owned(), 2), "a\n…");
        assert_eq!(cut("aé".to_owned(), 3), "aé");
    }
}
