//! The HTML body of a message with the pictures that the message contains.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::parts::{Leaf, Role};
use super::{Message, Stop, Stopped, append};
use crate::cid;

impl Message<'_> {
    /// The HTML body ([`View::html`](super::View::html)) with its pictures in place of their `cid:` URLs (RFC 2392).
    /// Pictures add at most `room` octets; those beyond it stay references.
    ///
    /// # Errors
    /// [`Stopped`] when the reading was stopped.
    pub fn html(&self, room: usize, stop: &Stop) -> Result<Option<String>, Stopped> {
        let mut html = None;
        let mut pictures = Pictures {
            by_id: HashMap::new(),
            room,
        };
        for leaf in &self.leaves {
            stop.check()?;
            match leaf.role() {
                Role::Html => {
                    append(&mut html, leaf);
                }
                Role::Attachment if is_picture(&leaf.media_type) => {
                    if let Some(id) = &leaf.content_id {
                        pictures.by_id.entry(id).or_insert(Picture::Unseen(leaf));
                    }
                }
                Role::Text | Role::Attachment => {}
            }
        }
        let Some(html) = html else { return Ok(None) };
        let mut page = String::with_capacity(html.len());
        let mut copied = 0;
        for reference in cid::references(&html) {
            stop.check()?;
            let before = page.len();
            page.push_str(&html[copied..reference.range.start]);
            if pictures.put(&reference, &mut page) {
                copied = reference.range.end;
            } else {
                page.truncate(before);
            }
        }
        page.push_str(&html[copied..]);
        Ok(Some(page))
    }
}

/// True if a browser may take the type for a picture, and it can be written into a URL as it is.
fn is_picture(media_type: &str) -> bool {
    media_type.starts_with("image/")
        && media_type
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/+.-".contains(&byte))
}

struct Pictures<'a> {
    by_id: HashMap<&'a str, Picture<'a>>,
    /// Octets that may still be added.
    room: usize,
}

/// A picture, which is decoded once however often it is shown.
enum Picture<'a> {
    Unseen(&'a Leaf<'a>),
    /// Range of its URL in the page.
    Put(Range<usize>),
    TooLarge,
}

impl Pictures<'_> {
    /// Writes the picture of a reference. Returns false if there is none, or it exceeds the room.
    fn put(&mut self, reference: &cid::Reference, page: &mut String) -> bool {
        let Some(id) = reference.ids().find(|id| self.by_id.contains_key(id.as_str())) else {
            return false;
        };
        let Some(picture) = self.by_id.get_mut(id.as_str()) else {
            return false;
        };
        let start = page.len();
        match picture {
            Picture::Unseen(leaf) if leaf.len().div_ceil(3).saturating_mul(4) <= self.room => {
                // Writing to a String cannot fail.
                let _ = write!(page, "data:{};base64,", leaf.media_type);
                STANDARD.encode_string(leaf.decoded(), page);
                *picture = Picture::Put(start..page.len());
            }
            Picture::Put(range) if range.len() <= self.room => page.extend_from_within(range.clone()),
            Picture::Put(_) => {}
            Picture::Unseen(_) | Picture::TooLarge => *picture = Picture::TooLarge,
        }
        self.room = self.room.saturating_sub(page.len() - start);
        page.len() > start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(raw: &str, room: usize) -> Option<String> {
        let stop = Stop::default();
        Message::parse(raw.as_bytes(), &stop)
            .unwrap()
            .html(room, &stop)
            .unwrap()
    }

    fn related(html: &str, pictures: impl IntoIterator<Item = (String, &'static str)>) -> String {
        let mut raw = format!(
            "Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n{html}\r\n"
        );
        for (id, content) in pictures {
            raw.push_str(&format!(
                "--r\r\nContent-Type: image/png\r\nContent-ID: <{id}>\r\nContent-Transfer-Encoding: base64\r\n\r\n{content}\r\n"
            ));
        }
        raw + "--r--\r\n"
    }

    #[test]
    fn pictures_stand_in_place_of_their_references() {
        let raw = related(
            "<img src=\"cid:a&amp;b\"><img src=cid:logo%40x><img src='CID:logo@x'><img src=\"cid:none\"><img src=\"cid:a\">",
            [("logo@x".to_owned(), "AAEC"), ("a&b".to_owned(), "AAED")],
        );
        assert_eq!(
            html(&raw, 1000).unwrap(),
            "<img src=\"data:image/png;base64,AAED\"><img src=data:image/png;base64,AAEC>\
             <img src='data:image/png;base64,AAEC'><img src=\"cid:none\"><img src=\"cid:a\">"
        );
        assert_eq!(html("Subject: x\r\n\r\ntext", 1000), None);
    }

    #[test]
    fn pictures_have_only_so_much_room() {
        let raw = related(
            "<img src='cid:a'><img src='cid:b'><img src='cid:a'>",
            [("a".to_owned(), "AAEC"), ("b".to_owned(), "AAECAAECAAECAAECAAECAAEC")],
        );
        let shown = html(&raw, 30).unwrap();
        assert_eq!(
            shown,
            "<img src='data:image/png;base64,AAEC'><img src='cid:b'><img src='cid:a'>"
        );
    }

    /// Nested parts with pictures in the innermost, all of them shown, and one shown many times.
    #[test]
    fn many_parts_are_gone_through_once() {
        let ids = || (0..480).map(|number| format!("p{number}"));
        let images: String = ids().map(|id| format!("<img src=\"cid:{id}\">")).collect();
        let inner = related(
            &(images + &"<img src=cid:p0>".repeat(10_000)),
            ids().map(|id| (id, "AAEC")),
        );
        let raw = (0..18).fold(inner, |inner, level| {
            format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n{inner}\r\n--b{level}--\r\n")
        });
        let shown = html(&raw, 8 * 1024 * 1024).unwrap();
        assert_eq!(shown.matches("data:image/png;base64,AAEC").count(), 480 + 10_000);
        assert!(!shown.contains("cid:"));
    }

    #[test]
    fn stops_with_whoever_asked() {
        let raw = related("<img src=cid:a>", [("a".to_owned(), "AAEC")]);
        let stop = Stop::default();
        let message = Message::parse(raw.as_bytes(), &stop).unwrap();
        stop.stop();
        assert_eq!(message.html(1000, &stop), Err(Stopped));
        assert_eq!(message.view(&stop), Err(Stopped));
        assert!(Message::parse("\r\n".repeat(100_000).as_bytes(), &stop).is_err());
    }
}
