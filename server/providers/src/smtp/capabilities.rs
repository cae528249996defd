//! Capabilities of a server, from its answer to EHLO (RFC 5321 section 4.1.1.1).
//!
//! Not lettre's `ServerInfo`: that one knows neither PIPELINING nor SIZE, compares keywords by case, and panics on a
//! line of spaces.

use lettre::transport::smtp::authentication::Mechanism;

/// The extensions of a server that matter to a sender.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE (RFC 1870); `Some(0)` when offered without a limit.
    pub size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// The mechanisms of AUTH (RFC 4954), in upper case; `None` when AUTH is not offered.
    pub auth: Option<Vec<String>>,
    /// LIMITS RCPTMAX (RFC 9422): most recipients of a transaction.
    pub rcpt_max: Option<usize>,
    /// LIMITS MAILMAX (RFC 9422): most transactions of a connection.
    pub mail_max: Option<u32>,
    /// The mark of the Sendmux installation that answers, when it is one.
    pub installation: Option<String>,
}

impl Capabilities {
    /// Reads the lines of a reply to EHLO. The first is the server's greeting.
    pub fn parse(lines: &[String]) -> Self {
        let mut offered = Self::default();
        for line in lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let Some(keyword) = words.next() else { continue };
            match keyword.to_ascii_uppercase().as_str() {
                "PIPELINING" => offered.pipelining = true,
                "SIZE" => offered.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)),
                "8BITMIME" => offered.eight_bit_mime = true,
                "SMTPUTF8" => offered.smtputf8 = true,
                "STARTTLS" => offered.starttls = true,
                "AUTH" => offered.add_mechanisms(words),
                "XSENDMUX" => offered.installation = words.next().map(str::to_owned),
                "LIMITS" => words.for_each(|limit| offered.add_limit(limit)),
                // The form of drafts before RFC 2554, still sent for old clients beside or instead of the other.
                other => {
                    if let Some(first) = other.strip_prefix("AUTH=") {
                        offered.add_mechanisms(std::iter::once(first).chain(words));
                    }
                }
            }
        }
        offered
    }

    fn add_mechanisms<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let known = self.auth.get_or_insert_default();
        for name in names.map(str::to_ascii_uppercase) {
            if !name.is_empty() && !known.contains(&name) {
                known.push(name);
            }
        }
    }

    fn add_limit(&mut self, limit: &str) {
        let Some((name, value)) = limit.split_once('=') else {
            return;
        };
        match name.to_ascii_uppercase().as_str() {
            "RCPTMAX" => self.rcpt_max = value.parse().ok().filter(|max| *max > 0),
            "MAILMAX" => self.mail_max = value.parse().ok().filter(|max| *max > 0),
            _ => {}
        }
    }

    /// The mechanisms to sign in with: PLAIN before LOGIN, which is obsolete and takes two round trips more.
    pub fn mechanisms(&self) -> Vec<Mechanism> {
        let offered = self.auth.as_deref().unwrap_or_default();
        [Mechanism::Plain, Mechanism::Login]
            .into_iter()
            .filter(|mechanism| offered.contains(&mechanism.to_string()))
            .collect()
    }

    /// The announced limit on the size of a message, in bytes.
    pub fn max_size(&self) -> Option<u64> {
        self.size.filter(|limit| *limit > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Capabilities {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        Capabilities::parse(&lines)
    }

    #[test]
    fn the_usual_extensions_are_read_in_any_case() {
        let offered = parse(&[
            "mail.example.com at your service",
            "PIPELINING",
            "size 35882577",
            "8BitMime",
            "STARTTLS",
            "SMTPUTF8",
            "AUTH LOGIN plain XOAUTH2",
            "LIMITS MAILMAX=20 RCPTMAX=50",
            "XSENDMUX 0123456789abcdef",
        ]);
        assert!(offered.pipelining && offered.eight_bit_mime && offered.starttls && offered.smtputf8);
        assert_eq!(offered.max_size(), Some(35_882_577));
        assert_eq!(offered.mechanisms(), [Mechanism::Plain, Mechanism::Login]);
        assert_eq!((offered.mail_max, offered.rcpt_max), (Some(20), Some(50)));
        assert_eq!(offered.installation.as_deref(), Some("0123456789abcdef"));
    }

    #[test]
    fn the_name_of_the_server_is_not_an_extension() {
        assert_eq!(parse(&["PIPELINING"]), Capabilities::default());
        assert_eq!(parse(&[]), Capabilities::default());
    }

    #[test]
    fn odd_lines_do_no_harm() {
        let offered = parse(&[
            "x",
            "",
            "   ",
            "SIZE",
            "SIZE lots",
            "LIMITS RCPTMAX=0 MAILMAX=x FOO",
            "X-ODD",
        ]);
        assert_eq!(offered.max_size(), None);
        assert_eq!((offered.mail_max, offered.rcpt_max), (None, None));
    }

    #[test]
    fn the_old_form_of_auth_is_read() {
        let offered = parse(&["x", "AUTH=LOGIN"]);
        assert_eq!(offered.mechanisms(), [Mechanism::Login]);
        let neither = parse(&["x", "AUTH GSSAPI NTLM"]);
        assert_eq!(neither.mechanisms(), []);
        assert_eq!(neither.auth.unwrap(), ["GSSAPI", "NTLM"]);
        assert_eq!(parse(&["x"]).auth, None);
    }
}
