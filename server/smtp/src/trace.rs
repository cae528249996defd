//! Trace of a message (RFC 5321 section 4.4): the line that this server adds, and the detection of loops by the lines
//! already present (section 6.3).

use crate::message::{Envelope, Stamp};
use crate::reply::Reply;
use crate::tls::Agreed;
use sendmux_mime::address::normalise_domain;
use std::net::IpAddr;
use time::format_description::well_known::Rfc2822;

/// Earlier passes of a message through this installation that are allowed. A relay behind it may return a message once
/// or twice, under another key; more often is a loop.
const MAX_OWN_HOPS: usize = 2;

/// A host in the notation of SMTP: an IP address is written in brackets (RFC 5321 section 4.1.3).
pub(crate) fn spoken(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => format!("[{address}]"),
        Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        Err(_) => host.to_owned(),
    }
}

/// The trace line (RFC 5321 section 4.4). The client's own name is included as it was sent, without ambiguous
/// characters; the account that logged in is not.
pub(crate) fn received(
    hello: &str,
    peer: IpAddr,
    tls: Option<&Agreed>,
    envelope: &Envelope,
    stamp: Stamp<'_>,
) -> String {
    let name = match hello {
        name if name.is_ascii() => name.to_owned(),
        name => normalise_domain(name).unwrap_or_else(|_| name.to_owned()),
    };
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._:[]".contains(c) {
                c
            } else {
                '?'
            }
        })
        .collect();
    let literal = spoken(&peer.to_canonical().to_string());
    // RFC 3848; RFC 6531 section 4.3. Messages are only accepted under TLS and after a login.
    let protocol = if envelope.smtputf8 { "UTF8SMTPSA" } else { "ESMTPSA" };
    // RFC 8314 section 4.3.
    let cipher = match tls {
        Some(agreed) if !agreed.cipher.is_empty() => format!(" tls {}", agreed.cipher),
        _ => String::new(),
    };
    let Stamp {
        public_id,
        host,
        mark,
        date,
    } = stamp;
    let host = spoken(host);
    // Only years before 1900 or after 9999 cannot be formatted.
    let date = date.format(&Rfc2822).unwrap_or_default();
    format!(
        "Received: from {name} ({literal})\r\n\tby {host} (Sendmux {mark}) with {protocol} id {public_id}{cipher};\r\n\t{date}\r\n"
    )
}

/// The refusal of a message in a loop: one with more than `max_hops` `Received` fields, or with too many that contain
/// one of `marks`, by which this installation recognises its own.
pub(crate) fn loop_of<'m>(content: &[u8], max_hops: usize, marks: impl Iterator<Item = &'m str>) -> Option<Reply> {
    let fields = received_fields(content, max_hops + 1);
    if fields.len() > max_hops {
        let text = format!("Mail loop: the message has more than {max_hops} Received fields");
        return Some(Reply::of(554, "5.4.6", text));
    }
    let marks: Vec<_> = marks.map(memchr::memmem::Finder::new).collect();
    let is_own = |field: &&&[u8]| marks.iter().any(|mark| mark.find(field).is_some());
    let own = fields.iter().filter(is_own).count();
    (own > MAX_OWN_HOPS).then(|| {
        let text = format!("Mail loop: the message has passed through this server {own} times already");
        Reply::of(554, "5.4.6", text)
    })
}

/// The first `Received` fields of the header section, each with its folded lines; at most `most`.
fn received_fields(content: &[u8], most: usize) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let mut rest = content;
    while fields.len() < most && !rest.is_empty() && !rest.starts_with(b"\r\n") {
        // A line that begins with a blank continues the field before it.
        let end = memchr::memmem::find_iter(rest, b"\r\n")
            .map(|at| at + 2)
            .find(|next| !matches!(rest.get(*next), Some(b' ' | b'\t')))
            .unwrap_or(rest.len());
        let (field, following) = rest.split_at(end);
        let name = field.split(|byte| *byte == b':').next().unwrap_or_default();
        if name.len() < field.len() && name.trim_ascii_end().eq_ignore_ascii_case(b"received") {
            fields.push(field);
        }
        rest = following;
    }
    fields
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use time::macros::datetime;

    pub(crate) const STAMP: Stamp<'static> = Stamp {
        public_id: "eml_1",
        host: "mail.example.com",
        mark: "0123456789abcdef",
        date: datetime!(2026-01-02 03:04:05 UTC),
    };

    #[test]
    fn the_trace_line() {
        let agreed = Agreed {
            version: "TLSv1.3".to_owned(),
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
        };
        let line = |hello: &str, peer: &str, smtputf8| {
            let envelope = Envelope {
                smtputf8,
                ..Envelope::default()
            };
            received(hello, peer.parse().unwrap(), Some(&agreed), &envelope, STAMP)
        };
        assert_eq!(
            line("client.example", "192.0.2.1", false),
            "Received: from client.example ([192.0.2.1])\r\n\
             \tby mail.example.com (Sendmux 0123456789abcdef) with ESMTPSA id eml_1 tls \
             TLS_AES_256_GCM_SHA384;\r\n\
             \tFri, 02 Jan 2026 03:04:05 +0000\r\n"
        );
        assert!(
            line("[IPv6:::1]", "::1", true)
                .starts_with("Received: from [IPv6:::1] ([IPv6:::1])\r\n\tby mail.example.com (Sendmux 0123456789abcdef) with UTF8SMTPSA id")
        );
        assert!(
            line("bücher.example", "::ffff:192.0.2.1", false)
                .starts_with("Received: from xn--bcher-kva.example ([192.0.2.1])\r\n")
        );
        assert!(line("a(b)\0;ü", "::1", false).starts_with("Received: from a?b???? ("));
    }

    #[test]
    fn hosts_that_are_addresses_stand_in_brackets() {
        assert_eq!(spoken("mail.example.com"), "mail.example.com");
        assert_eq!(spoken("127.0.0.1"), "[127.0.0.1]");
        assert_eq!(spoken("::1"), "[IPv6:::1]");
    }

    fn code(content: &str) -> Option<u16> {
        let marks = [STAMP.mark, "fedcba9876543210"];
        loop_of(content.as_bytes(), 5, marks.into_iter()).map(|reply| reply.code())
    }

    #[test]
    fn more_hops_than_allowed_are_a_loop() {
        let hops = |count: usize| format!("{}Subject: x\r\n\r\n", "RECEIVED : from a\r\n\tby b\r\n".repeat(count));
        assert_eq!(code(&hops(5)), None);
        assert_eq!(code(&hops(6)), Some(554));
        assert_eq!(code(&format!("\r\n{}", hops(6))), None, "a body has no fields");
        assert_eq!(code(&"Received-SPF: pass\r\nX: a\r\n Received: b\r\n".repeat(9)), None);
        assert_eq!(code(&format!("no field\r\n{}", hops(6))), Some(554));
        for odd in ["", "\r\n", "Received", ":", "Received:", " \r\n"] {
            assert_eq!(code(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_message_that_came_from_here_too_often_is_a_loop() {
        let own = received("me", [127, 0, 0, 1].into(), None, &Envelope::default(), STAMP);
        let older = own.replace(STAMP.mark, "fedcba9876543210");
        let other = own.replace(STAMP.mark, "aaaaaaaaaaaaaaaa");
        assert_eq!(code(&format!("{own}{other}{older}{other}")), None);
        assert_eq!(code(&format!("{own}{other}{own}{older}")), Some(554));
        assert_eq!(code(&format!("{other}{other}{other}{other}")), None);
        assert_eq!(code(&format!("X-Old: {}\r\n", STAMP.mark).repeat(4)), None);
    }
}
