//! Email addresses: RFC 5321 section 4.1.2, internationalised by RFC 6531, with domains by RFC 5891.

use std::fmt;
use std::str::FromStr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// Most octets of a whole address: a forward path of 256 (RFC 5321 section 4.5.3.1.3) less its angle brackets.
///
/// That is the least that a server must accept. So are the 64 octets of a local part, but these are no limit here: the
/// section requires none, and the addresses of bounces (VERP, SRS), which contain another address, exceed 64 every day.
/// Beyond 254, servers and databases that hold mail addresses begin to refuse.
pub const MAX_ADDRESS: usize = 254;

/// Reason why a text is not an address that mail can be sent to. Its text is for the person who typed the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was given.
    #[error("the address is empty")]
    Empty,
    /// There is no `@`.
    #[error("the address has no @ sign")]
    NoAt,
    /// `Name <address>` where only the address belongs.
    #[error("give the address alone, without a display name or angle brackets")]
    DisplayName,
    /// A control character, a line break among them.
    #[error("the address contains a control character (U+{:04X})", *.0 as u32)]
    Control(char),
    /// A space, or another character that shows as one, outside a quoted local part.
    #[error("the address contains a space")]
    Space,
    /// A character that is invisible or changes the direction of writing, and so can only mislead.
    #[error("the address contains an invisible character (U+{:04X})", *.0 as u32)]
    Invisible(char),
    /// Nothing before the `@`.
    #[error("the part before the @ is missing")]
    EmptyLocalPart,
    /// A dot at either end of the local part, or two in a row.
    #[error("the part before the @ has a dot at its start or end, or two in a row")]
    MisplacedDot,
    /// A character that needs a quoted local part.
    #[error("the part before the @ contains {0:?}, which is not allowed there")]
    LocalPartCharacter(char),
    /// A quoted local part that is empty, not closed, or badly escaped.
    #[error("the quoted part before the @ is not well formed")]
    QuotedLocalPart,
    /// Nothing after the `@`.
    #[error("the domain is missing")]
    EmptyDomain,
    /// `user@[192.0.2.1]`, or a bare IP address.
    #[error("an IP address is not accepted in place of a domain name")]
    AddressLiteral,
    /// A domain of one label, such as `user@gmail`.
    #[error("the domain {0:?} has no dot: a full name such as example.com is needed")]
    DotlessDomain(String),
    /// A domain that DNS or IDNA does not allow.
    #[error("{0:?} is not a valid domain name")]
    Domain(String),
    /// More than [`MAX_ADDRESS`] octets.
    #[error("the address is longer than 254 bytes")]
    TooLong,
}

/// An address that was checked and normalised: the domain in lower case as A-labels, the local part exactly as given,
/// since only the receiving host may interpret it (RFC 5321 section 2.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValidEmail {
    address: String,
    at: usize,
}

impl ValidEmail {
    /// Checks and normalises an `addr-spec`, without a display name, comments or surrounding space.
    ///
    /// # Errors
    /// The first fault from left to right, in plain words.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            return Err(AddressError::Control(c));
        }
        if !text.starts_with('"') && text.ends_with('>') || text.starts_with('<') {
            return Err(AddressError::DisplayName);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        if local.is_empty() {
            return Err(AddressError::EmptyLocalPart);
        }
        if let Some(quoted) = local.strip_prefix('"') {
            if domain.ends_with('>') {
                return Err(AddressError::DisplayName);
            }
            check_quoted(quoted)?;
        } else {
            check_dot_string(local)?;
        }
        let domain = normalise_domain(domain)?;
        let address = format!("{local}@{domain}");
        if address.len() > MAX_ADDRESS {
            return Err(AddressError::TooLong);
        }
        Ok(Self {
            address,
            at: local.len(),
        })
    }

    /// The address as it goes into the envelope: `local@a-label.domain`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The part before the `@`, its case and quotes kept.
    #[must_use]
    pub fn local_part(&self) -> &str {
        &self.address[..self.at]
    }

    /// The domain as lower-case A-labels (`xn--…`), the form of DNS and of the envelope.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.address[self.at + 1..]
    }

    /// The domain in readable form, U-labels decoded.
    #[must_use]
    pub fn domain_unicode(&self) -> String {
        domain_to_unicode(self.domain())
    }

    /// The address in readable form, for display only.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        format!("{}@{}", self.local_part(), self.domain_unicode())
    }

    /// True if this address needs SMTPUTF8 (RFC 6531): its local part has a character beyond ASCII.
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part().is_ascii()
    }
}

impl FromStr for ValidEmail {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ValidEmail {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text)
    }
}

impl AsRef<str> for ValidEmail {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ValidEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Checks a mail domain and returns its lower-case A-label form.
///
/// # Errors
/// As [`ValidEmail::parse`], for faults of the domain.
pub fn normalise_domain(domain: &str) -> Result<String, AddressError> {
    if domain.is_empty() {
        return Err(AddressError::EmptyDomain);
    }
    if let Some(c) = domain.chars().find(|c| c.is_control()) {
        return Err(AddressError::Control(c));
    }
    if domain.contains(char::is_whitespace) {
        return Err(AddressError::Space);
    }
    if domain.starts_with('[') || domain.parse::<std::net::IpAddr>().is_ok() {
        return Err(AddressError::AddressLiteral);
    }
    let invalid = || AddressError::Domain(domain.to_owned());
    // UTS 46 maps typed forms (case, full-width letters, the ideographic full stop) before it checks. Hyphens in the
    // third and fourth place are left to the registries: real names have them.
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| invalid())?;
    if ascii.parse::<std::net::IpAddr>().is_ok() {
        return Err(AddressError::AddressLiteral);
    }
    match ascii.rsplit_once('.') {
        None => Err(AddressError::DotlessDomain(domain.to_owned())),
        // No top-level domain is a number (RFC 3696 section 2): this is a mistyped IP address.
        Some((_, top)) if top.bytes().all(|b| b.is_ascii_digit()) => Err(invalid()),
        Some(_) => Ok(ascii.into_owned()),
    }
}

/// A domain in readable form; one that cannot be decoded stays in A-label form.
#[must_use]
pub fn domain_to_unicode(domain: &str) -> String {
    let (unicode, _) = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    unicode.into_owned()
}

/// Checks a Dot-string (RFC 5321 section 4.1.2), in which any character beyond ASCII is text (RFC 6531 section 3.3).
fn check_dot_string(local: &str) -> Result<(), AddressError> {
    for c in local.chars() {
        match c {
            '.' => {}
            c if is_atext(c) => {}
            c if c.is_whitespace() => return Err(AddressError::Space),
            '<' | '>' => return Err(AddressError::DisplayName),
            c => check_beyond_ascii(c).and_then(|()| {
                if c.is_ascii() {
                    Err(AddressError::LocalPartCharacter(c))
                } else {
                    Ok(())
                }
            })?,
        }
    }
    if local.split('.').any(str::is_empty) {
        return Err(AddressError::MisplacedDot);
    }
    Ok(())
}

/// Checks a quoted local part after its opening quote: QcontentSMTP and the closing quote.
fn check_quoted(rest: &str) -> Result<(), AddressError> {
    let mut chars = rest.chars();
    let mut empty = true;
    while let Some(c) = chars.next() {
        match c {
            '"' if empty || chars.next().is_some() => return Err(AddressError::QuotedLocalPart),
            '"' => return Ok(()),
            '\\' => match chars.next() {
                Some(' '..='~') => {}
                _ => return Err(AddressError::QuotedLocalPart),
            },
            ' '..='~' => {}
            c => check_beyond_ascii(c)?,
        }
        empty = false;
    }
    Err(AddressError::QuotedLocalPart)
}

fn check_beyond_ascii(c: char) -> Result<(), AddressError> {
    match c {
        c if c.is_ascii() => Ok(()),
        c if c.is_whitespace() => Err(AddressError::Space),
        // Zero-width space and marks, direction overrides and isolates, soft hyphen, byte order mark. The joiners
        // U+200C and U+200D are allowed: several scripts need them within words.
        '\u{AD}'
        | '\u{200B}'
        | '\u{200E}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}' => Err(AddressError::Invisible(c)),
        _ => Ok(()),
    }
}

/// `atext` of RFC 5322 section 3.2.3, the characters that need no quoting in a local part or a name.
pub(crate) fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepts_and_normalises() {
        // Longer than the 64 octets before the @ that every server must accept.
        let long_local = &format!("{}@example.com", "a".repeat(242));
        let srs = "SRS0=HHH=TT=customers.example.org=bounces+3f9d1c-8e21-recipient.name=other-domain.example@forwarder.example.net";
        for (given, expected) in [
            ("a@example.com", "a@example.com"),
            ("John.Doe+tag@Example.COM", "John.Doe+tag@example.com"),
            ("o'brien@sub.example.co.uk", "o'brien@sub.example.co.uk"),
            ("!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"),
            ("info@bücher.example", "info@xn--bcher-kva.example"),
            ("info@BÜCHER.example", "info@xn--bcher-kva.example"),
            ("info@例え.テスト", "info@xn--r8jz45g.xn--zckzah"),
            ("user@例え。テスト", "user@xn--r8jz45g.xn--zckzah"),
            ("用户@example.com", "用户@example.com"),
            ("Jörg@example.com", "Jörg@example.com"),
            ("\"john doe\"@example.com", "\"john doe\"@example.com"),
            ("\"a@b\"@example.com", "\"a@b\"@example.com"),
            (r#""a\"b\\c"@example.com"#, r#""a\"b\\c"@example.com"#),
            ("\"<script>\"@example.com", "\"<script>\"@example.com"),
            ("a@r3---sn-x.example.com", "a@r3---sn-x.example.com"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("1@2.example", "1@2.example"),
            (long_local, long_local),
            (srs, srs),
        ] {
            assert_eq!(
                ValidEmail::parse(given).map(|a| a.to_string()),
                Ok(expected.to_owned()),
                "{given}"
            );
        }
        let address = ValidEmail::parse("Info@BÜCHER.example").unwrap();
        assert_eq!(address.local_part(), "Info");
        assert_eq!(address.domain(), "xn--bcher-kva.example");
        assert_eq!(address.to_unicode(), "Info@bücher.example");
        assert!(!address.needs_smtputf8());
        assert!(ValidEmail::parse("用户@example.com").unwrap().needs_smtputf8());
    }

    #[test]
    fn refuses_with_the_reason() {
        use AddressError as E;
        let long_local = format!("{}@example.com", "a".repeat(243));
        let umlauts = format!("{}@example.com", "ü".repeat(122));
        let label = "a".repeat(60);
        let long = format!("{}@{label}.{label}.{label}.{label}.example", "a".repeat(12));
        for (given, expected) in [
            ("", E::Empty),
            ("plain", E::NoAt),
            ("@example.com", E::EmptyLocalPart),
            ("a@", E::EmptyDomain),
            ("John <a@example.com>", E::DisplayName),
            ("<a@example.com>", E::DisplayName),
            ("\"John\" <a@example.com>", E::DisplayName),
            ("a<b@example.com", E::DisplayName),
            (" a@example.com", E::Space),
            ("a@example.com ", E::Space),
            ("a b@example.com", E::Space),
            ("a\u{a0}b@example.com", E::Space),
            ("a\u{3000}b@example.com", E::Space),
            ("a@exam ple.com", E::Space),
            ("a\r\nBcc: x@example.com", E::Control('\r')),
            ("a\0@example.com", E::Control('\0')),
            ("a\u{85}@example.com", E::Control('\u{85}')),
            ("\"a\tb\"@example.com", E::Control('\t')),
            ("a\u{202e}b@example.com", E::Invisible('\u{202e}')),
            ("\"a\u{200b}\"@example.com", E::Invisible('\u{200b}')),
            (".a@example.com", E::MisplacedDot),
            ("a.@example.com", E::MisplacedDot),
            ("a..b@example.com", E::MisplacedDot),
            ("a,b@example.com", E::LocalPartCharacter(',')),
            ("a@b@example.com", E::LocalPartCharacter('@')),
            ("a(c)@example.com", E::LocalPartCharacter('(')),
            ("a\"b@example.com", E::LocalPartCharacter('"')),
            ("\"\"@example.com", E::QuotedLocalPart),
            ("\"a@example.com", E::QuotedLocalPart),
            ("\"a\"b@example.com", E::QuotedLocalPart),
            ("\"a\\\"@example.com", E::QuotedLocalPart),
            ("a@[192.0.2.1]", E::AddressLiteral),
            ("a@[IPv6:2001:db8::1]", E::AddressLiteral),
            ("a@192.0.2.1", E::AddressLiteral),
            ("a@gmail", E::DotlessDomain("gmail".into())),
            ("a@1.2.3", E::Domain("1.2.3".into())),
            ("a@example..com", E::Domain("example..com".into())),
            ("a@example.com.", E::Domain("example.com.".into())),
            ("a@-example.com", E::Domain("-example.com".into())),
            ("a@exa_mple.com", E::Domain("exa_mple.com".into())),
            ("a@xn--a.example", E::Domain("xn--a.example".into())),
            ("a@exa\u{202e}mple.com", E::Domain("exa\u{202e}mple.com".into())),
            (&long_local, E::TooLong),
            (&umlauts, E::TooLong),
            (&long, E::TooLong),
        ] {
            assert_eq!(ValidEmail::parse(given), Err(expected), "{given:?}");
        }
    }

    /// Texts close to addresses, so that the interesting branches are reached.
    fn near_addresses() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-z.@\"\\\\<> ,;:()\\[\\]]{0,6}",
            Just("@".to_owned()),
            Just("\"".to_owned()),
            Just("example.com".to_owned()),
            Just("xn--".to_owned()),
            "\\PC{0,3}",
            any::<String>(),
        ];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = ValidEmail::parse(&text);
        }

        #[test]
        fn accepted_addresses_are_safe(text in near_addresses()) {
            let Ok(address) = ValidEmail::parse(&text) else { return Ok(()) };
            prop_assert!(address.as_str().len() <= MAX_ADDRESS);
            prop_assert!(address.domain().is_ascii());
            prop_assert!(!address.as_str().contains(char::is_control));
            let quoted = address.local_part().starts_with('"');
            if !quoted {
                prop_assert!(!address.as_str().contains([' ', '<', '>', '"', ',', ';', '\\']));
                prop_assert!(!address.as_str().contains(char::is_whitespace));
            }
            prop_assert!(!address.domain().contains([' ', '<', '>', '"', '@']));
            // Parsing is idempotent.
            prop_assert_eq!(ValidEmail::parse(address.as_str()), Ok(address));
        }

        #[test]
        fn dot_atoms_are_accepted(local in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[a-z0-9]{1,10}){0,3}", label in "[a-z][a-z0-9]{0,20}") {
            let text = format!("{local}@{label}.example");
            prop_assert_eq!(ValidEmail::parse(&text).map(|a| a.to_string()), Ok(text));
        }
    }
}
