//! Wording that many servers share: Postfix, Exim, Sendmail and the services built on them.
//!
//! Wording about the account, the sender or the whole service is matched before the codes, because servers report such
//! faults at any stage (Postfix, for one, delays every refusal to RCPT).

use super::rule::{Code, Enhanced, NEGATIVE, PERMANENT, SmtpRule, TRANSIENT, Text};
use crate::outcome::{Class, Hint, Stage};

const POSTFIX: &str = "postconf(5), reject texts of Postfix's smtpd restrictions";
const COMMON: &str = "wording of Postfix, Exim, Sendmail and of hosting providers built on them";
const GREYLISTING: &str = "RFC 6647 section 5, greylisting";

/// Stages from MAIL on.
const TRANSACTION: &[Stage] = &[Stage::MailFrom, Stage::RcptTo, Stage::Data, Stage::Body];
const BEFORE_CONTENT: &[Stage] = &[
    Stage::Greeting,
    Stage::Ehlo,
    Stage::StartTls,
    Stage::Auth,
    Stage::MailFrom,
    Stage::RcptTo,
];

/// Wording for a sender that may not send.
pub(super) const SENDER_REJECTED: &[&str] = &[
    "sender address rejected",
    "sender rejected",
    "sender denied",
    "sender verify failed",
    "sender is not allowed",
    "sender not allowed",
    "not owned by user",
    "not allowed to send as",
    "not allowed to send from",
    "not authorized to send",
    "not permitted to send",
    "from address is not",
    "for this sender",
    "sender address [",
];

pub(super) const RULES: &[SmtpRule] = &[
    SmtpRule {
        name: "greylisted",
        code: TRANSIENT,
        text: Text::any(&[
            "greylist",
            "graylist",
            "grey-list",
            "gray-list",
            "grey list",
            "gray list",
        ]),
        class: Class::Deferred,
        source: GREYLISTING,
        examples: &[
            (
                Stage::RcptTo,
                450,
                "4.7.1 <a@example.com>: Recipient address rejected: Greylisted, try again in 300 seconds",
            ),
            (
                Stage::RcptTo,
                451,
                "4.7.1 Greylisting in action, please come back in 00:05:00",
            ),
            (Stage::Body, 421, "4.7.0 Graylisted for 24 hours"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "daily_limit",
        code: NEGATIVE,
        text: Text {
            all: &["daily"],
            any: &["limit", "quota", "maximum"],
            not_of_recipient: true,
            ..Text::ANY
        },
        class: Class::Quota,
        source: COMMON,
        examples: &[
            (Stage::RcptTo, 550, "You have reached your daily relay quota"),
            (
                Stage::MailFrom,
                454,
                "4.7.1 daily sending limit of this account reached",
            ),
            (Stage::RcptTo, 451, "Daily maximum of messages sent"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "limit_of_24_hours",
        code: NEGATIVE,
        text: Text {
            any: &[
                "24 hour",
                "24-hour",
                "24hour",
                "24 hrs",
                "24hrs",
                "per day",
                "quota of the day",
            ],
            not_of_recipient: true,
            ..Text::ANY
        },
        class: Class::Quota,
        source: COMMON,
        examples: &[
            (
                Stage::RcptTo,
                451,
                "You have exceeded the messages you may send in 24 hours",
            ),
            (Stage::Body, 550, "5.7.1 Sender exceeded 500 messages per day"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "own_quota",
        stages: TRANSACTION,
        code: NEGATIVE,
        text: Text {
            all: &["exceeded your", "quota"],
            not_of_recipient: true,
            ..Text::ANY
        },
        class: Class::Quota,
        source: COMMON,
        examples: &[(
            Stage::RcptTo,
            554,
            "5.7.1 <a@example.com>: Recipient address rejected: You have exceeded your relay quota",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "too_many_recipients",
        stages: &[Stage::RcptTo, Stage::Data],
        code: NEGATIVE,
        text: Text::any(&[
            "too many recipients",
            "too many rcpt",
            "domains per transaction",
            "separate transaction",
        ]),
        class: Class::Deferred,
        hint: Some(Hint::SplitRecipients),
        source: "RFC 5321 section 4.5.3.1.10",
        examples: &[
            (Stage::RcptTo, 452, "4.5.3 Error: too many recipients"),
            (Stage::RcptTo, 550, "Too many recipients for this session"),
            (
                Stage::RcptTo,
                451,
                "4.3.0 Multiple destination domains per transaction is unsupported. Please try again.",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "account_rate",
        code: NEGATIVE,
        text: Text {
            any: &[
                "rate limit",
                "ratelimit",
                "rate-limit",
                "sending rate",
                "message rate",
                "rate exceeded",
                "throttl",
                "too many messages",
                "too much mail",
                "too many emails",
                "too many mails",
                "too many connections",
                "too many concurrent",
                "concurrent connections",
                "too fast",
                "too quickly",
                "per hour",
                "per minute",
                "hourly limit",
            ],
            none: &["too much mail data"],
            not_of_recipient: true,
            ..Text::ANY
        },
        class: Class::Throttled,
        source: COMMON,
        examples: &[
            (Stage::MailFrom, 450, "4.7.1 Error: too much mail from 192.0.2.1"),
            (Stage::RcptTo, 450, "4.7.1 Message rate of this account exceeded"),
            (
                Stage::RcptTo,
                452,
                "This mailbox has exceeded its limit of 100 outgoing messages per hour",
            ),
            (
                Stage::Greeting,
                421,
                "4.7.0 mx.example.com Error: too many connections from 192.0.2.1",
            ),
            (Stage::Body, 454, "4.7.0 Sending rate of the account exceeded"),
            (
                Stage::RcptTo,
                550,
                "Domain example.com has exceeded the max emails per hour (100/100 (100%)) allowed",
            ),
            (
                Stage::Connect,
                421,
                "4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "delay_asked",
        stages: &[
            Stage::Greeting,
            Stage::Ehlo,
            Stage::StartTls,
            Stage::Auth,
            Stage::MailFrom,
            Stage::Data,
            Stage::Body,
        ],
        code: TRANSIENT,
        text: Text {
            delay: true,
            not_of_recipient: true,
            ..Text::ANY
        },
        class: Class::Throttled,
        source: COMMON,
        examples: &[
            (Stage::MailFrom, 451, "4.7.1 Service busy, try again after 60 seconds"),
            (Stage::Greeting, 421, "Please wait 5 minutes"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        // Not in reply to the content: there a server further on requires, or lacks, encryption.
        name: "starttls_required",
        stages: BEFORE_CONTENT,
        code: PERMANENT,
        text: Text {
            any: &[
                "starttls",
                "tls required",
                "requires tls",
                "encryption required",
                "ssl required",
            ],
            not_of_recipient: true,
            ..Text::ANY
        },
        class: Class::Config,
        source: "RFC 3207 section 4",
        examples: &[
            (Stage::MailFrom, 530, "5.7.0 Must issue a STARTTLS command first"),
            (
                Stage::Auth,
                538,
                "5.7.11 Encryption required for requested authentication mechanism",
            ),
            (Stage::Auth, 504, "5.7.0 STARTTLS is needed before AUTH"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        // A server that requires a login says so before the content. In reply to the final dot the words are about SPF,
        // DKIM and DMARC.
        name: "authentication_required",
        stages: &[Stage::MailFrom, Stage::RcptTo],
        code: PERMANENT,
        text: Text::any(&[
            "authentication required",
            "authentication is required",
            "auth required",
            "not authenticated",
            "must authenticate",
            "please authenticate",
            "authenticate first",
        ]),
        class: Class::Auth,
        source: "RFC 4954 section 6",
        examples: &[
            (Stage::MailFrom, 530, "5.7.0 Authentication required"),
            (
                Stage::RcptTo,
                554,
                "5.7.1 <a@example.com>: Relay access denied, please authenticate",
            ),
            (Stage::MailFrom, 550, "5.7.1 Client was not authenticated"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "sender_rejected",
        stages: TRANSACTION,
        code: PERMANENT,
        text: Text::any(SENDER_REJECTED),
        class: Class::SenderRefused,
        source: POSTFIX,
        examples: &[
            (
                Stage::RcptTo,
                553,
                "5.7.1 <a@example.com>: Sender address rejected: not owned by user b",
            ),
            (Stage::RcptTo, 550, "Relaying denied for this sender"),
            (Stage::Body, 550, "5.7.1 You are not allowed to send as a@example.com"),
            (Stage::RcptTo, 550, "Sender verify failed"),
            (
                Stage::RcptTo,
                554,
                "5.7.1 Service unavailable; Sender address [a@example.com] blocked using dbl.spamhaus.org",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "client_listed",
        stages: BEFORE_CONTENT,
        code: PERMANENT,
        text: Text {
            any: &["blocked using", "dnsbl", "spamhaus", "spamcop", "barracudacentral"],
            none: &["recipient address ["],
            ..Text::ANY
        },
        class: Class::Connection,
        source: POSTFIX,
        examples: &[(
            Stage::RcptTo,
            554,
            "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "client_rejected",
        stages: BEFORE_CONTENT,
        code: PERMANENT,
        text: Text::any(&["client host rejected", "helo command rejected"]),
        class: Class::Config,
        source: POSTFIX,
        examples: &[
            (
                Stage::RcptTo,
                554,
                "5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
            ),
            (
                Stage::RcptTo,
                504,
                "5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "relay_denied",
        stages: &[Stage::MailFrom, Stage::RcptTo],
        code: PERMANENT,
        text: Text::any(&[
            "relay access denied",
            "relaying denied",
            "relay denied",
            "relay not permitted",
            "relay is not permitted",
            "relaying not permitted",
            "not permitted to relay",
            "not allowed to relay",
            "unable to relay",
            "relaying not allowed",
            "relaying is not",
            "relay prohibited",
            "relaying prohibited",
            "do not relay",
        ]),
        class: Class::Config,
        source: POSTFIX,
        examples: &[
            (Stage::RcptTo, 554, "5.7.1 <a@example.com>: Relay access denied"),
            (Stage::RcptTo, 550, "5.7.1 Unable to relay"),
            (Stage::RcptTo, 550, "relay not permitted"),
            (
                Stage::RcptTo,
                550,
                "5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "account_disabled",
        stages: &[Stage::MailFrom],
        code: PERMANENT,
        text: Text::any(&[
            "account suspended",
            "account is suspended",
            "account has been suspended",
            "account disabled",
            "account is disabled",
            "account has been disabled",
        ]),
        class: Class::Config,
        source: COMMON,
        examples: &[(Stage::MailFrom, 550, "5.7.1 Your account has been suspended")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        // Once recipients were named, "account" alone means a recipient's.
        name: "own_account_disabled",
        stages: &[Stage::RcptTo, Stage::Data, Stage::Body],
        code: PERMANENT,
        text: Text {
            any: &[
                "your account has been suspended",
                "your account has been disabled",
                "your account is suspended",
                "your account is disabled",
                "your account was suspended",
                "your account was disabled",
                "sender account suspended",
                "sender account disabled",
                "sending account",
                "sender's account",
            ],
            not_of_recipient: true,
            ..Text::ANY
        },
        class: Class::Config,
        source: COMMON,
        examples: &[
            (Stage::Body, 554, "5.7.1 Your account has been suspended"),
            (Stage::RcptTo, 550, "The sender's account is disabled"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "mailbox_full",
        stages: &[Stage::RcptTo, Stage::Data, Stage::Body],
        code: PERMANENT,
        text: Text::any(&[
            "mailbox full",
            "mailbox is full",
            "over quota",
            "over its quota",
            "quota exceeded",
            "inbox is full",
            "user has too many messages",
        ]),
        class: Class::RecipientRefused,
        source: "RFC 3463 section 3.3, X.2.2",
        examples: &[
            (
                Stage::RcptTo,
                552,
                "The email account that you tried to reach is over quota.",
            ),
            (Stage::RcptTo, 552, "Mailbox full"),
            (
                Stage::Body,
                552,
                "Requested mail action aborted: user has too many messages on the server",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "too_large_text",
        stages: &[Stage::MailFrom, Stage::Data, Stage::Body],
        code: PERMANENT,
        text: Text::any(&[
            "message size exceeds",
            "message too large",
            "message too big",
            "message is too large",
            "message is too long",
            "message length",
            "maximum message size",
            "message size limit",
            "too much mail data",
        ]),
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        source: "RFC 1870 section 6",
        examples: &[
            (Stage::Body, 550, "Message too large"),
            (Stage::Body, 552, "Too much mail data"),
            (Stage::MailFrom, 552, "5.3.4 Message size exceeds fixed limit"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "unknown_user_text",
        stages: &[Stage::RcptTo, Stage::Data, Stage::Body],
        code: PERMANENT,
        text: Text::any(&[
            "user unknown",
            "unknown user",
            "no such user",
            "no such recipient",
            "unknown recipient",
            "recipient unknown",
            "mailbox unavailable",
            "invalid mailbox",
            "local mailbox",
            "account disabled",
            "account is disabled",
            "account has been disabled",
            "account suspended",
            "account is suspended",
            "account has been suspended",
            "mailbox not found",
            "no mailbox here",
            "no valid recipients",
            "invalid recipient",
        ]),
        class: Class::RecipientRefused,
        source: "RFC 5321 section 4.2.3",
        examples: &[
            (Stage::Data, 554, "5.5.1 Error: no valid recipients"),
            (Stage::Body, 550, "No such user here"),
            (
                Stage::Body,
                550,
                "invalid mailbox. Local mailbox a@example.com is unavailable: account is disabled",
            ),
            (Stage::Body, 550, "<a@example.com>: account is disabled"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "password_transition",
        stages: &[Stage::Auth],
        code: Code::Is(432),
        enhanced: Enhanced::Any,
        class: Class::Auth,
        source: "RFC 4954 section 6, 4.7.12",
        examples: &[(Stage::Auth, 432, "4.7.12 A password transition is needed")],
        ..SmtpRule::BASE
    },
];
