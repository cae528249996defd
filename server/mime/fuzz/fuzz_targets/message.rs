//! Reading any octets as a message and changing fields of its header never panics, a second change of the same kind
//! changes nothing more, and everything after the header stays unchanged to the octet.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sendmux_mime::read::{MAX_TEXT, message_id, recipients};
use sendmux_mime::rewrite::{ReplyTo, ensure_message_id_and_date, replace_from, set_bcc, strip_bcc, strip_prefixed};
use sendmux_mime::{ValidEmail, attachment, read};
use std::borrow::Cow;
use std::sync::LazyLock;
use time::macros::datetime;

static OWN: LazyLock<ValidEmail> = LazyLock::new(|| ValidEmail::parse("own@example.com").unwrap());

fuzz_target!(|raw: &[u8]| {
    look(raw);
    let own = [OWN.clone()];
    let changes: [(&str, &dyn Fn(&[u8]) -> Vec<u8>); 6] = [
        ("strip_bcc", &|raw| strip_bcc(raw).into_owned()),
        ("strip_prefixed", &|raw| strip_prefixed(raw, "X-SES-").into_owned()),
        ("set_bcc", &|raw| set_bcc(raw, &own).into_owned()),
        ("replace_from", &|raw| {
            replace_from(raw, &OWN, ReplyTo::OriginalFrom).into_owned()
        }),
        ("leave_reply_to", &|raw| {
            replace_from(raw, &OWN, ReplyTo::Leave).into_owned()
        }),
        ("ensure", &|raw| {
            let date = datetime!(2026-03-01 12:00 UTC);
            let id = "id@example.com";
            ensure_message_id_and_date(raw, id, date).unwrap().into_owned()
        }),
    ];
    let body = behind_header(raw);
    for (name, change) in changes {
        let changed = change(raw);
        assert!(changed.ends_with(body), "{name} touched what follows the header");
        assert_eq!(change(&changed), changed, "{name} has more to do the second time");
        look(&changed);
    }
    assert!(matches!(strip_prefixed(raw, "No-Such-Field-"), Cow::Borrowed(same) if same == raw));
});

/// The view is within its limits, and every listed attachment exists.
fn look(raw: &[u8]) {
    let view = read(raw);
    for text in [&view.text, &view.html].into_iter().flatten() {
        assert!(text.len() <= MAX_TEXT);
    }
    for listed in &view.attachments {
        let (filename, content_type, octets) = attachment(raw, listed.index).unwrap();
        assert_eq!(
            (&filename, &content_type, octets.len()),
            (&listed.filename, &listed.content_type, listed.size)
        );
    }
    if !view.truncated {
        assert_eq!(message_id(raw), view.message_id);
    }
    assert!(recipients(raw).len() <= raw.len());
}

/// The text from the first empty line on; a header may end before, never after it.
fn behind_header(raw: &[u8]) -> &[u8] {
    let mut rest = raw;
    while !rest.is_empty() {
        if rest.starts_with(b"\n") || rest.starts_with(b"\r\n") {
            return rest;
        }
        let line = rest
            .iter()
            .position(|octet| *octet == b'\n')
            .map_or(rest.len(), |at| at + 1);
        rest = &rest[line..];
    }
    rest
}
