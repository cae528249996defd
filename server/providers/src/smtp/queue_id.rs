//! The provider's own id of a message, from the text of its 250 after the final dot.

/// The server's id of the message it just accepted, as far as its reply gives it in one of the known forms.
///
/// | server | text |
/// | --- | --- |
/// | Postfix, SendGrid, Mandrill, Mailgun, Sendmux | `Ok: queued as 4Xk2…` |
/// | Stalwart | `Message queued with id 1a2b…` |
/// | Exim | `OK id=1rX2…` |
/// | KumoMTA | `OK ids=d7ef…` |
/// | Exchange | `<…> [InternalId=123, Hostname=…] … Queued mail for delivery` |
/// | Sendmail, OpenSMTPD | `4ABCx123 Message accepted for delivery` |
/// | Haraka | `Message Queued (6A0C….1)` |
/// | Gmail | `OK 1700000000 5b1f…-20020a…si123.45 - gsmtp` |
/// | Amazon SES | `Ok 0102018b…-000000` |
pub(super) fn provider_message_id(text: &str) -> Option<String> {
    const BEFORE: [&str; 6] = [
        "queued as ",
        "queued with id ",
        "internalid=",
        "ids=",
        "id=",
        "message queued (",
    ];
    let lower = text.to_ascii_lowercase();
    for marker in BEFORE {
        // The lower-cased text has the same byte positions: only ASCII letters were changed.
        if let Some(at) = find_word(&lower, marker)
            && let Some(id) = id_at(&text[at + marker.len()..])
        {
            return Some(id);
        }
    }
    if let Some(at) = lower.find(" message accepted for delivery") {
        return id_at(text[..at].rsplit(' ').next()?);
    }
    let (first, rest) = text.split_once(' ')?;
    if !first.eq_ignore_ascii_case("ok") {
        return None;
    }
    match rest.split_ascii_whitespace().collect::<Vec<_>>()[..] {
        [_, id, "-", "gsmtp"] => id_at(id),
        [id] if id.len() >= 16 => id_at(id),
        _ => None,
    }
}

/// Offset of `marker`, not in the middle of a word.
fn find_word(text: &str, marker: &str) -> Option<usize> {
    text.match_indices(marker)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(|c: char| c.is_alphanumeric()))
}

/// The id that the text begins with. Ids are printable ASCII; the punctuation around them is not theirs.
fn id_at(text: &str) -> Option<String> {
    let end = text
        .find(|c: char| !c.is_ascii_graphic() || matches!(c, ',' | ';' | ')' | ']' | '(' | '['))
        .unwrap_or(text.len());
    let id = text[..end]
        .trim_matches(['<', '>', '"', '\''])
        .trim_end_matches(['.', ':']);
    let plausible = (3..=200).contains(&id.len()) && id.bytes().any(|b| b.is_ascii_alphanumeric());
    plausible.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_servers() {
        for (text, id) in [
            ("Ok: queued as 4Xk2QJ1c6Hz9sSN", "4Xk2QJ1c6Hz9sSN"),
            (
                "Ok: queued as eml_x7k2abcdefghijklmnopqrst",
                "eml_x7k2abcdefghijklmnopqrst",
            ),
            ("Ok: queued as <4f2c.1@host>", "4f2c.1@host"),
            (
                "from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9F1D2",
                "9F1D2",
            ),
            ("Message queued with id 1a2b3c4d5e.", "1a2b3c4d5e"),
            ("OK id=1rX2ab-0004Qz-2K", "1rX2ab-0004Qz-2K"),
            (
                "OK ids=d7ef132b5d7711eea8c8000c29c33806",
                "d7ef132b5d7711eea8c8000c29c33806",
            ),
            (
                "<a@example.com> [InternalId=6107, Hostname=X.PROD.OUTLOOK.COM] 8 bytes in 0.1, 2 KB/sec Queued mail \
                 for delivery",
                "6107",
            ),
            ("4ABCx1230045 Message accepted for delivery", "4ABCx1230045"),
            ("b1d2f3a4: Message accepted for delivery", "b1d2f3a4"),
            ("Message Queued (6A0C5B1E-8F9D-4C2E.1)", "6A0C5B1E-8F9D-4C2E.1"),
            (
                "OK  1700000000 5b1f17b1804b1-40a4bf2sm1234567f8f.12 - gsmtp",
                "5b1f17b1804b1-40a4bf2sm1234567f8f.12",
            ),
            (
                "Ok 0102018b2f3c4d5e-11112222-3333-4444-5555-666677778888-000000",
                "0102018b2f3c4d5e-11112222-3333-4444-5555-666677778888-000000",
            ),
        ] {
            assert_eq!(provider_message_id(text).as_deref(), Some(id), "{text}");
        }
    }

    #[test]
    fn no_id_is_made_up() {
        for text in [
            "",
            "OK",
            "Ok",
            "Great success",
            "Message received",
            "Queued (0.234 seconds)",
            "Queued mail for delivery",
            "Requested mail action okay, completed",
            "Ok done, thanks",
            "Message accepted for delivery",
            "queued as ",
            "valid=1234",
            "é queued as é",
        ] {
            assert_eq!(provider_message_id(text), None, "{text}");
        }
    }
}
