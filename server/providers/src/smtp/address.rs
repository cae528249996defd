//! Addresses on their way into MAIL and RCPT.

use lettre::Address;

/// An address that may stand between angle brackets in a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    local: String,
    domain: String,
    /// The domain in A-labels (RFC 5890), when it has such a form.
    ascii_domain: Option<String>,
}

impl Mailbox {
    /// Reads an address. Only what could break the command is refused; whether the mailbox exists is up to the server.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let quoted = is_quoted_string(local);
        let breaks_out = |c: char| c.is_control() || (!quoted && (c.is_whitespace() || matches!(c, '<' | '>')));
        let domain_breaks_out = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"');
        if local.is_empty() || local.contains(breaks_out) || domain.is_empty() || domain.contains(domain_breaks_out) {
            return None;
        }
        let ascii_domain = if domain.is_ascii() {
            Some(domain.to_owned())
        } else {
            idna::domain_to_ascii(domain).ok()
        };
        Some(Self {
            local: local.to_owned(),
            domain: domain.to_owned(),
            ascii_domain,
        })
    }

    /// Cannot be written without SMTPUTF8. A domain nearly always can: it has an ASCII form.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii() || self.ascii_domain.is_none()
    }

    /// As lettre's commands want it; the domain in its ASCII form unless the transaction is internationalised.
    ///
    /// lettre's own parser is not asked, since it refuses addresses that servers take (long local parts, for example).
    pub fn to_address(&self, smtputf8: bool) -> Address {
        let domain = match &self.ascii_domain {
            Some(ascii) if !smtputf8 => ascii,
            _ => &self.domain,
        };
        Address::new_dangerous(&self.local, domain)
    }
}

/// The Quoted-string of RFC 5321 section 4.1.2: within the quotes, a quote or backslash only behind a backslash.
fn is_quoted_string(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return false;
    };
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return false,
            '\\' if chars.next().is_none() => return false,
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_the_angle_brackets() {
        for text in [
            "",
            "nobody",
            "@example.com",
            "a@",
            "a@b\r\nRCPT TO:<c@d>",
            "a\r\nDATA@b",
            "\"a\r\n\"@b",
            "a>@b",
            "\"x\"> SIZE=1 \"y\"@b",
            "\"x> \\\"@b",
            "a b@c",
            "a@b> SIZE=1",
            "a@b c",
            "a\0@b",
        ] {
            assert!(Mailbox::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn unusual_addresses_pass() {
        let long = format!("{}@example.com", "a".repeat(80));
        for text in [
            "a@example.com",
            "\"a b>\"@example.com",
            "\"a\\\" b\"@example.com",
            "a@[192.0.2.1]",
            "a+b.c'@x",
            long.as_str(),
        ] {
            assert_eq!(Mailbox::parse(text).unwrap().to_address(false).to_string(), text);
        }
    }

    #[test]
    fn domains_go_out_in_ascii_unless_utf8_was_agreed() {
        let mailbox = Mailbox::parse("info@bücher.example").unwrap();
        assert!(!mailbox.needs_smtputf8());
        assert_eq!(mailbox.to_address(false).to_string(), "info@xn--bcher-kva.example");
        assert_eq!(mailbox.to_address(true).to_string(), "info@bücher.example");
        assert!(Mailbox::parse("用户@example.com").unwrap().needs_smtputf8());
    }
}
