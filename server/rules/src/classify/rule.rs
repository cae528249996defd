//! Rules as data: the conditions on a reply, the class of a reply that meets them, the source, and real replies as
//! examples, which are the tests.

use crate::kind::ProviderKind;
use crate::outcome::{Class, EnhancedCode, Hint, Reply, Stage};

/// A condition on a reply code or an HTTP status.
#[derive(Debug, Clone, Copy)]
pub(super) enum Code {
    Any,
    Is(u16),
    OneOf(&'static [u16]),
    /// From the first to the last, both included.
    Range(u16, u16),
}

/// 4yz: refused for now.
pub(super) const TRANSIENT: Code = Code::Range(400, 499);
/// 5yz: refused for good.
pub(super) const PERMANENT: Code = Code::Range(500, 599);
/// 4yz and 5yz.
pub(super) const NEGATIVE: Code = Code::Range(400, 599);

impl Code {
    fn holds(self, code: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Is(is) => code == is,
            Self::OneOf(list) => list.contains(&code),
            Self::Range(first, last) => (first..=last).contains(&code),
        }
    }
}

/// A condition on the enhanced status code (RFC 3463).
#[derive(Debug, Clone, Copy)]
pub(super) enum Enhanced {
    /// Any, or none.
    Any,
    /// None.
    Absent,
    Is(u8, u16, u16),
    OneOf(&'static [EnhancedCode]),
    /// Class and subject, any detail.
    Subject(u8, u16),
    /// Subject and detail, transient or permanent.
    AnyClass(u16, u16),
}

impl Enhanced {
    fn holds(self, code: Option<EnhancedCode>) -> bool {
        match (self, code) {
            (Self::Any, _) | (Self::Absent, None) => true,
            (Self::Absent, Some(_)) | (_, None) => false,
            (Self::Is(class, subject, detail), Some(code)) => code == (class, subject, detail),
            (Self::OneOf(list), Some(code)) => list.contains(&code),
            (Self::Subject(class, subject), Some(code)) => (code.0, code.1) == (class, subject),
            (Self::AnyClass(subject, detail), Some(code)) => (code.1, code.2) == (subject, detail),
        }
    }
}

/// A condition on the text, in lower case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text {
    /// Words that must all occur.
    pub all: &'static [&'static str],
    /// Words of which at least one must occur, unless the list is empty.
    pub any: &'static [&'static str],
    /// Words that must not occur.
    pub none: &'static [&'static str],
    /// True for a text, or a Retry-After, that asks for a delay.
    pub delay: bool,
    /// True for a text that is not about a recipient though one was named: see [`speaks_of_recipient`].
    pub not_of_recipient: bool,
}

/// Words about a recipient's mailbox and incoming mail.
const OF_RECIPIENT: &[&str] = &[
    "receiving",
    "receives",
    "receive limit",
    "receive quota",
    "to receive",
    "can receive",
    "may receive",
    "has received",
    "incoming",
    "inbound",
    "mailbox",
    "inbox",
    "recipient has",
    "recipient is",
    "recipient rate",
    "recipient requires",
    "recipient domain",
    "recipient's",
    "the recipient ",
    "this recipient",
    "that recipient",
    "this user",
    "user has too many",
    "user you are trying",
    "tried to reach",
    "trying to reach",
    "this address",
    "on the server",
    "on this server",
    "local user",
    "local account",
];

/// Words about outgoing mail: with one of them the text is about the account, whatever else it says.
const OF_ACCOUNT: &[&str] = &["sending", "outgoing", "outbound", "relay", "from you"];

/// True if a text, in lower case, is about one recipient rather than about the account that sends: "user has too many
/// messages on the server", but not "mailbox exceeded its sending limit".
fn speaks_of_recipient(text: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    has(OF_RECIPIENT) && !has(OF_ACCOUNT)
}

impl Text {
    pub(super) const ANY: Self = Self {
        all: &[],
        any: &[],
        none: &[],
        delay: false,
        not_of_recipient: false,
    };

    pub(super) const fn any(any: &'static [&'static str]) -> Self {
        Self { any, ..Self::ANY }
    }

    pub(super) const fn all(all: &'static [&'static str]) -> Self {
        Self { all, ..Self::ANY }
    }

    fn holds(&self, text: &str, delay: bool) -> bool {
        self.all.iter().all(|needle| text.contains(needle))
            && (self.any.is_empty() || self.any.iter().any(|needle| text.contains(needle)))
            && !self.none.iter().any(|needle| text.contains(needle))
            && (delay || !self.delay)
    }
}

/// A rule for SMTP replies. An empty list of stages means any stage.
#[derive(Debug)]
pub(super) struct SmtpRule {
    pub name: &'static str,
    pub stages: &'static [Stage],
    pub code: Code,
    pub enhanced: Enhanced,
    pub text: Text,
    pub class: Class,
    pub hint: Option<Hint>,
    /// The RFC section or the provider's document that it follows.
    pub source: &'static str,
    /// Replies that this rule must match, and none before it: stage, code, text with the enhanced code.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests of the table"))]
    pub examples: &'static [(Stage, u16, &'static str)],
}

impl SmtpRule {
    /// Defaults of a rule.
    pub(super) const BASE: Self = Self {
        name: "",
        stages: &[],
        code: Code::Any,
        enhanced: Enhanced::Any,
        text: Text::ANY,
        class: Class::Other,
        hint: None,
        source: "",
        examples: &[],
    };

    /// True if the reply meets every condition. `text` is its text in lower case.
    pub(super) fn matches(&self, stage: Stage, reply: &Reply, text: &str, delay: bool) -> bool {
        (self.stages.is_empty() || self.stages.contains(&stage))
            && self.code.holds(reply.code)
            && self.enhanced.holds(reply.enhanced)
            && self.text.holds(text, delay)
            && !(self.text.not_of_recipient && !stage.is_before_rcpt() && speaks_of_recipient(text))
    }
}

/// A rule for the answers of an HTTP API. Empty lists mean any kind and any code.
#[derive(Debug)]
pub(super) struct ApiRule {
    pub name: &'static str,
    pub kinds: &'static [ProviderKind],
    pub status: Code,
    /// The error's code, reason or exception name, in any case.
    pub codes: &'static [&'static str],
    pub text: Text,
    pub class: Class,
    pub hint: Option<Hint>,
    pub source: &'static str,
    /// Answers that this rule must match, and none before it: status, code, message.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests of the table"))]
    pub examples: &'static [(u16, &'static str, &'static str)],
}

impl ApiRule {
    /// Defaults of a rule.
    pub(super) const BASE: Self = Self {
        name: "",
        kinds: &[],
        status: Code::Any,
        codes: &[],
        text: Text::ANY,
        class: Class::Other,
        hint: None,
        source: "",
        examples: &[],
    };

    /// True if the answer meets every condition. `text` is its message in lower case.
    pub(super) fn matches(&self, kind: ProviderKind, status: u16, code: &str, text: &str, delay: bool) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.status.holds(status)
            && (self.codes.is_empty() || self.codes.iter().any(|known| known.eq_ignore_ascii_case(code)))
            && self.text.holds(text, delay)
    }
}
