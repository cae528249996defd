//! Whole messages, from their description to their bytes and back.

use time::macros::datetime;

use crate::{Address, Attachment, Outgoing, build};

mod faults;
mod round_trip;
mod structure;

fn address(name: &str, email: &str) -> Address {
    Address {
        email: email.to_owned(),
        name: (!name.is_empty()).then(|| name.to_owned()),
    }
}

fn message() -> Outgoing {
    Outgoing {
        from: address("Sender", "sender@example.com"),
        to: vec![address("", "to@example.net")],
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        subject: "Hello".to_owned(),
        html_body: None,
        text_body: Some("Hello, world!\n".to_owned()),
        headers: Vec::new(),
        attachments: Vec::new(),
        message_id: "eml_1@mail.example.com".to_owned(),
        date: datetime!(2026-03-01 12:00:00 UTC),
    }
}

fn png(name: &str, content_id: Option<&str>) -> Attachment {
    Attachment {
        filename: name.to_owned(),
        content: b"\x89PNG\r\n\x1a\n".to_vec(),
        content_type: "image/png".to_owned(),
        content_id: content_id.map(str::to_owned),
    }
}

fn built(message: &Outgoing) -> String {
    String::from_utf8(build(message).unwrap().raw).unwrap()
}
