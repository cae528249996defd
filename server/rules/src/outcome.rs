//! Outcome of one attempt: the stage that the dialogue reached, the reply, and its class.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::names::named_enum;

named_enum! {
    /// Class of an outcome. It decides the effects on the message and on the provider.
    pub enum Class {
        /// The provider took the message.
        Accepted = "accepted",
        /// This recipient is refused for good.
        RecipientRefused = "recipient_refused",
        /// The message itself is refused for good: its content, its form or its size.
        MessageRefused = "message_refused",
        /// The provider does not let this sender send; another provider may.
        SenderRefused = "sender_refused",
        /// Refused for now; neither the provider nor the message is at fault.
        Deferred = "deferred",
        /// The account sends too fast.
        Throttled = "throttled",
        /// The account's allowance for the day is used up.
        Quota = "quota",
        /// The provider could not be reached, or failed before it took the message.
        Connection = "connection",
        /// The provider does not accept the credentials.
        Auth = "auth",
        /// The provider cannot send with its current settings.
        Config = "config",
        /// The provider may have taken the message or not.
        Unknown = "unknown",
        /// A reply that no rule matches.
        Other = "other",
    }
}

named_enum! {
    /// Kind of a block; it decides when the block ends.
    pub enum BlockKind {
        /// Ends after 24 hours.
        Quota = "quota",
        /// Ends after an hour.
        Connection = "connection",
        /// Cleared by hand: new credentials, a passed test, or the button.
        Auth = "auth",
        /// Cleared by hand.
        Config = "config",
    }
}

named_enum! {
    /// Stage of the dialogue with a provider that an outcome belongs to, in their order.
    pub enum Stage {
        /// Name resolution and TCP.
        Connect = "connect",
        /// The TLS handshake, implicit or after STARTTLS.
        Tls = "tls",
        /// The server's first line.
        Greeting = "greeting",
        /// EHLO or HELO.
        Ehlo = "ehlo",
        /// The reply to STARTTLS.
        StartTls = "start_tls",
        /// AUTH.
        Auth = "auth",
        /// MAIL.
        MailFrom = "mail_from",
        /// RCPT.
        RcptTo = "rcpt_to",
        /// The reply to DATA, or a fault while the content is sent, before the final dot.
        Data = "data",
        /// The reply to the final dot.
        Body = "body",
        /// No reply after the final dot.
        AfterBody = "after_body",
        /// HTTP: before the request was sent in full.
        Request = "request",
        /// HTTP: the answer, or none, to a request that was sent in full.
        Response = "response",
    }
}

impl Stage {
    /// True before the first RCPT: a fault here says nothing about message or recipients.
    pub const fn is_before_rcpt(self) -> bool {
        matches!(
            self,
            Self::Connect
                | Self::Tls
                | Self::Greeting
                | Self::Ehlo
                | Self::StartTls
                | Self::Auth
                | Self::MailFrom
                | Self::Request
        )
    }

    /// True if the provider may hold the whole message, so that without a reply the outcome is unknown.
    pub const fn may_have_taken_message(self) -> bool {
        matches!(self, Self::Body | Self::AfterBody | Self::Response)
    }
}

named_enum! {
    /// A fault below the dialogue.
    pub enum IoFault {
        /// The name could not be resolved for now.
        Dns = "dns",
        /// The name does not exist (NXDOMAIN).
        NoSuchName = "no_such_name",
        /// The connection was refused, or there is no route to the host.
        Refused = "refused",
        /// The TLS handshake failed.
        Tls = "tls",
        /// The certificate is not valid for this host.
        CertificateMismatch = "certificate_mismatch",
        /// No reply in time.
        Timeout = "timeout",
        /// The connection was closed or reset.
        Reset = "reset",
        /// This machine could not open a connection: it has no free file descriptors, memory or ports.
        Local = "local",
    }
}

named_enum! {
    /// Detail that a rule knows beyond the class.
    pub enum Hint {
        /// The message is larger than this provider takes; another may take it.
        TooLarge = "too_large",
        /// The message, or this recipient, needs SMTPUTF8 (RFC 6531), which this provider does not offer; another may.
        NoSmtputf8 = "no_smtputf8",
        /// This provider sends to everyone in the headers at once, and not all of them are to get the message now;
        /// another may serve a part.
        HeaderRecipients = "header_recipients",
        /// Too many recipients in one transaction: the rest goes in another.
        SplitRecipients = "split_recipients",
        /// The fault is this installation's, not the account's: the operator is alerted, nothing is blocked.
        Installation = "installation",
    }
}

impl Hint {
    /// True if the provider lacks something that this message needs: another may take it, this one never will.
    pub const fn is_lacking(self) -> bool {
        matches!(self, Self::TooLarge | Self::NoSmtputf8 | Self::HeaderRecipients)
    }
}

/// An enhanced status code (RFC 3463): class, subject, detail.
pub type EnhancedCode = (u8, u16, u16);

/// Length to which a reply's text is cut, in characters.
pub const REPLY_TEXT_MAX: usize = 500;

/// Separator of the ids that a provider gave one message taken in several calls or connections.
pub const MESSAGE_ID_SEPARATOR: &str = ", ";

/// A provider's reply: an SMTP reply, or the status and message of an HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// SMTP reply code or HTTP status.
    pub code: u16,
    /// Enhanced status code, when the reply has one.
    pub enhanced: Option<EnhancedCode>,
    /// Text of all lines, joined by a space, without codes; the first [`REPLY_TEXT_MAX`] characters.
    pub text: String,
}

impl Reply {
    /// A reply without enhanced code.
    pub fn new(code: u16, text: &str) -> Self {
        Self {
            code,
            enhanced: None,
            text: truncate(text).to_owned(),
        }
    }

    /// Parses an SMTP reply from its code and its lines, each the text after the code and the hyphen or space.
    ///
    /// An enhanced code (RFC 2034) is at the start of each line; the first is kept, all are removed from the text.
    /// Without one, an enhanced code behind a `#` in the text counts, as qmail and IronPort write it; it stays in the
    /// text.
    pub fn parse<S: AsRef<str>>(code: u16, lines: impl IntoIterator<Item = S>) -> Self {
        let mut enhanced = None;
        let mut text = String::new();
        for line in lines {
            let mut line = line.as_ref().trim();
            if let Some((found, rest)) = split_enhanced(line)
                && u16::from(found.0) == code / 100
            {
                enhanced.get_or_insert(found);
                line = rest;
            }
            if !text.is_empty() && !line.is_empty() {
                text.push(' ');
            }
            text.push_str(line);
        }
        let enhanced = enhanced.or_else(|| {
            let named = text.split('#').skip(1).find_map(split_numbered)?;
            (u16::from(named.0) == code / 100).then_some(named)
        });
        Self {
            code,
            enhanced,
            text: truncate(&text).to_owned(),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        if self.text.is_empty() {
            return Ok(());
        }
        write!(f, " {}", self.text)
    }
}

/// The first [`REPLY_TEXT_MAX`] characters.
pub fn truncate(text: &str) -> &str {
    match text.char_indices().nth(REPLY_TEXT_MAX) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Splits `5.1.1 text` into the code and `text`. RFC 3463 section 2: class 2, 4 or 5, then two numbers of one to three
/// digits.
fn split_enhanced(line: &str) -> Option<(EnhancedCode, &str)> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut parts = word.split('.');
    let number = |part: Option<&str>| {
        let part = part?;
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let class = match parts.next()? {
        "2" => 2,
        "4" => 4,
        "5" => 5,
        _ => return None,
    };
    let subject = number(parts.next())?;
    let detail = number(parts.next())?;
    if parts.next().is_some() {
        return None;
    }
    Some(((class, subject, detail), rest.trim_start()))
}

/// The enhanced code at the start of the text behind a `#`: `5.1.1)` or `5.1.0 text`.
fn split_numbered(text: &str) -> Option<EnhancedCode> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    Some(split_enhanced(text[..end].trim_end_matches('.'))?.0)
}

/// Outcome of one attempt, for the message or for one of its recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Class of the outcome.
    pub class: Class,
    /// Stage that the dialogue reached.
    pub stage: Stage,
    /// The reply, if there was one.
    pub reply: Option<Reply>,
    /// The fault, if there was no reply.
    pub fault: Option<IoFault>,
    /// Time for which the provider asked for no further attempts.
    pub retry_after: Option<Duration>,
    /// True if the same request would be refused again (SMTP 5xx; HTTP 4xx). Decides the effect of [`Class::Other`].
    pub permanent: bool,
    /// Detail that the rule knows beyond the class.
    pub hint: Option<Hint>,
    /// [`Class::Auth`] only: true if the login was refused a second time, on a fresh connection. Set by the caller; an
    /// unconfirmed refusal counts as a failure and blocks nothing by itself.
    pub confirmed: bool,
    /// Name of the rule that matched.
    pub rule: &'static str,
}

impl Outcome {
    /// Outcome of an accepted message or recipient.
    pub fn accepted(stage: Stage, reply: Reply) -> Self {
        Self {
            class: Class::Accepted,
            stage,
            reply: Some(reply),
            fault: None,
            retry_after: None,
            permanent: false,
            hint: None,
            confirmed: false,
            rule: "accepted",
        }
    }

    /// Outcome in one line, as the cause of a block and for logs: the reply, or the fault and its stage.
    pub fn cause(&self) -> String {
        match (&self.reply, self.fault) {
            (Some(reply), _) => reply.to_string(),
            (None, Some(fault)) => format!("{fault} at {}", self.stage),
            (None, None) => format!("{} at {}", self.class, self.stage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_enhanced_code_is_read_and_taken_out_of_every_line() {
        let reply = Reply::parse(550, ["5.1.1 No such", "5.1.1 user here"]);
        assert_eq!(reply.enhanced, Some((5, 1, 1)));
        assert_eq!(reply.text, "No such user here");
        assert_eq!(reply.to_string(), "550 5.1.1 No such user here");
    }

    #[test]
    fn what_only_looks_like_an_enhanced_code_is_text() {
        for line in [
            "5.1 half",
            "5.1.1.1 address",
            "6.1.1 class",
            "5.1234.1 long",
            "5.x.1 letters",
            "4.2.0 wrong class",
        ] {
            let reply = Reply::parse(550, [line]);
            assert_eq!(reply.enhanced, None, "{line}");
            assert_eq!(reply.text, line);
        }
    }

    #[test]
    fn a_code_behind_a_hash_counts_where_no_line_begins_with_one() {
        for (line, enhanced) in [
            ("sorry, no mailbox here by that name. (#5.1.1)", Some((5, 1, 1))),
            ("#5.1.0 Address rejected.", Some((5, 1, 0))),
            ("5.7.1 Rejected, see case #5.1.1", Some((5, 7, 1))),
            ("case #4.2.1 is of another class", None),
            ("ticket #12, host #5.1.1.1", None),
            ("#", None),
        ] {
            let reply = Reply::parse(550, [line]);
            assert_eq!(reply.enhanced, enhanced, "{line}");
        }
        assert_eq!(Reply::parse(550, ["no (#5.1.1)"]).text, "no (#5.1.1)");
    }

    #[test]
    fn a_reply_may_be_empty_or_only_a_code() {
        assert_eq!(Reply::parse(250, Vec::<&str>::new()).to_string(), "250");
        let bare = Reply::parse(554, ["5.7.1"]);
        assert_eq!((bare.enhanced, bare.text.as_str()), (Some((5, 7, 1)), ""));
    }

    #[test]
    fn text_is_cut_between_characters() {
        let long = "é".repeat(REPLY_TEXT_MAX + 20);
        assert_eq!(Reply::new(550, &long).text.chars().count(), REPLY_TEXT_MAX);
        assert_eq!(truncate("short"), "short");
    }
}
