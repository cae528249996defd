//! Entries of `X-Forwarded-For` and `Forwarded`, parsed from the right, so that the text to the left of an entry never
//! affects it.

use std::net::{IpAddr, SocketAddr};

/// Entries of a line of `X-Forwarded-For`, the last first. Empty ones are skipped (RFC 9110 section 5.6.1.2).
pub(super) fn from_the_right(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.rsplit(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
}

/// Entries of a line of `Forwarded`, which may have commas in quoted strings.
pub(super) fn from_the_right_quoted(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let comma = last_comma(line);
        rest = comma.map(|comma| &line[..comma]);
        Some(line[comma.map_or(0, |comma| comma + 1)..].trim_ascii())
    })
    .filter(|entry| !entry.is_empty())
}

/// Position of the last comma outside the quoted strings to its right.
fn last_comma(line: &[u8]) -> Option<usize> {
    let mut in_quotes = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' if !(in_quotes && is_escaped(line, at)) => in_quotes = !in_quotes,
            b',' if !in_quotes => return Some(at),
            _ => {}
        }
    }
    None
}

/// True if an odd number of backslashes precedes it.
fn is_escaped(line: &[u8], at: usize) -> bool {
    line[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// An address, which some proxies write with a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
pub(super) fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .filter(|inner| inner.contains(':'))
        .unwrap_or(text);
    let address = bare
        .parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    Some(address.ok()?.to_canonical())
}

/// Address of the only `for` of an element of `Forwarded` (RFC 7239 section 4): a token or a quoted string.
pub(super) fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for pair in pairs(element)? {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") && found.replace(value.trim()).is_some() {
            return None;
        }
    }
    let value = found?;
    // No address contains a character that must be escaped.
    let unquoted = value
        .strip_prefix('"')
        .map_or(Some(value), |rest| rest.strip_suffix('"'))?;
    // IPv6 has to be in brackets there (section 6), but some leave them out.
    address(unquoted.as_bytes())
}

/// Pairs of an element, split at semicolons outside quoted strings.
fn pairs(element: &[u8]) -> Option<Vec<&str>> {
    let text = std::str::from_utf8(element).ok()?;
    let (mut pairs, mut from, mut in_quotes, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_quotes => escaped = true,
            b'"' => in_quotes = !in_quotes,
            b';' if !in_quotes => {
                pairs.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    pairs.push(&text[from..]);
    // A pair may be empty in the standard's grammar: `for=192.0.2.1;`.
    pairs.retain(|pair| !pair.trim().is_empty());
    (!in_quotes).then_some(pairs)
}
