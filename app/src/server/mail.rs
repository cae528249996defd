//! Stored messages, read for people.

use crate::model::{AppError, AttachmentItem, HeaderItem, MailView};
use crate::server::context::internal_error;
use crate::server::words::size;
use axum::body::Bytes;
use sendmux_mime::read::{Message, Stop, Stopped};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The most of the source that a page shows. The whole can be downloaded.
const SOURCE_SHOWN: usize = 64 * 1024;
/// The most of the text that a page shows.
const TEXT_SHOWN: usize = 128 * 1024;
/// The most that pictures within the message may add to its HTML.
const PICTURES: usize = 8 * 1024 * 1024;
/// Longest time that the reading of a message may take. The largest takes a fraction of a second.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Messages that are held and read at once, by all who look at one: each may have 25 MB.
static READERS: Semaphore = Semaphore::const_new(4);

/// Leave to load and read one message.
pub struct Reader(Option<SemaphorePermit<'static>>);

impl Reader {
    /// Waits for its turn. To be asked for before the message is loaded.
    pub async fn new() -> Self {
        // Nobody closes the semaphore.
        Self(READERS.acquire().await.ok())
    }

    /// Reads a message away from the threads that answer requests. It ends when this future is dropped, as it is when the
    /// client has left, and when it takes too long.
    ///
    /// # Errors
    /// [`AppError::Refused`] when it takes too long; [`AppError::Internal`] when the reader dies.
    pub async fn read<T: Send + 'static>(
        self,
        raw: Bytes,
        read: impl FnOnce(&Message<'_>, &Stop) -> Result<T, Stopped> + Send + 'static,
    ) -> Result<T, AppError> {
        self.read_within(READ_TIMEOUT, raw, read).await
    }

    async fn read_within<T: Send + 'static>(
        self,
        within: Duration,
        raw: Bytes,
        read: impl FnOnce(&Message<'_>, &Stop) -> Result<T, Stopped> + Send + 'static,
    ) -> Result<T, AppError> {
        let stop = Stop::default();
        let _with_the_request = StopOnDrop(stop.clone());
        let reading = tokio::task::spawn_blocking(move || {
            // Held until the memory is free again, not only until the timeout.
            let _permit = self.0;
            read(&Message::parse(&raw, &stop)?, &stop)
        });
        match timeout(within, reading).await {
            Ok(Ok(Ok(read))) => Ok(read),
            Ok(Ok(Err(Stopped))) | Err(_) => {
                let text = "This message takes too long to read. Its source can be downloaded.";
                Err(AppError::Refused(text.to_owned()))
            }
            Ok(Err(error)) => Err(internal_error(error)),
        }
    }
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Message as a page shows it.
///
/// # Errors
/// As [`Reader::read`].
pub async fn view(reader: Reader, raw: Bytes) -> Result<MailView, AppError> {
    let shown = raw.slice(..raw.len().min(SOURCE_SHOWN));
    let source_cut = shown.len() < raw.len();
    let view = reader.read(raw, |message, stop| message.view(stop)).await?;
    Ok(MailView {
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
        source: String::from_utf8_lossy(&shown).replace("\r\n", "\n"),
        source_cut,
    })
}

/// The value of the first header field with this name.
pub fn header<'a>(mail: &'a MailView, name: &str) -> Option<&'a str> {
    mail.headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.as_str())
}

/// The HTML of a message, with the pictures that it carries itself put in place of their `cid:` references (RFC 2392);
/// none when it has no HTML.
///
/// # Errors
/// As [`Reader::read`].
pub async fn html(reader: Reader, raw: Bytes) -> Result<Option<String>, AppError> {
    reader.read(raw, |message, stop| message.html(PICTURES, stop)).await
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
    use tokio::sync::oneshot;

    const WITH_PICTURE: &[u8] = b"From: a@example.com\r\nSubject: Hi\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n\
        <img src=\"cid:logo@x\">\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\n\
        Content-Transfer-Encoding: base64\r\nContent-Disposition: inline; filename=logo.png\r\n\r\nAAEC\r\n--b--\r\n";

    #[tokio::test]
    async fn pictures_of_the_message_stand_in_its_html() {
        let reader = Reader::new().await;
        let html = html(reader, Bytes::from_static(WITH_PICTURE)).await.unwrap().unwrap();
        assert!(html.contains("<img src=\"data:image/png;base64,AAEC\">"), "{html}");
    }

    #[tokio::test]
    async fn a_page_shows_headers_parts_and_source() {
        let reader = Reader::new().await;
        let view = view(reader, Bytes::from_static(WITH_PICTURE)).await.unwrap();
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

    /// Reads until it is told to stop, and says so.
    fn endless(
        started: oneshot::Sender<()>,
        stopped: oneshot::Sender<()>,
    ) -> impl FnOnce(&Message<'_>, &Stop) -> Result<(), Stopped> + Send + 'static {
        move |_, stop| {
            let _ = started.send(());
            while stop.check().is_ok() {
                std::thread::yield_now();
            }
            let _ = stopped.send(());
            Err(Stopped)
        }
    }

    #[tokio::test]
    async fn reading_ends_with_the_request() {
        let ((started, has_started), (stopped, has_stopped)) = (oneshot::channel(), oneshot::channel());
        let reading = Reader::new().await.read(Bytes::new(), endless(started, stopped));
        tokio::select! {
            _ = reading => panic!("it never ends by itself"),
            _ = has_started => {}
        }
        has_stopped.await.unwrap();
    }

    #[tokio::test]
    async fn reading_ends_when_it_takes_too_long() {
        let ((started, _), (stopped, has_stopped)) = (oneshot::channel(), oneshot::channel());
        let reader = Reader::new().await;
        let read = reader
            .read_within(Duration::ZERO, Bytes::new(), endless(started, stopped))
            .await;
        assert!(matches!(read, Err(AppError::Refused(_))));
        has_stopped.await.unwrap();
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(cut("aé".to_owned(), 2), "a\n…");
        assert_eq!(cut("aé".to_owned(), 3), "aé");
    }
}
