//! Reply codes by the stage of the dialogue, for replies that no more specific rule covers.

use super::rule::{Code, Enhanced, NEGATIVE, PERMANENT, SmtpRule, TRANSIENT};
use crate::outcome::{Class, Hint, Stage};

const CODES: &str = "RFC 5321 section 4.2.3, reply codes";
const SEQUENCE: &str = "RFC 5321 section 4.3.2, command and reply sequence";
const AUTH: &str = "RFC 4954 section 6";
const STARTTLS: &str = "RFC 3207 section 4";

const BODY: &[Stage] = &[Stage::Body, Stage::AfterBody];

pub(super) const RULES: &[SmtpRule] = &[
    SmtpRule {
        name: "accepted",
        stages: &[Stage::RcptTo, Stage::Body, Stage::AfterBody],
        code: Code::Range(200, 299),
        class: Class::Accepted,
        source: SEQUENCE,
        examples: &[
            (Stage::Body, 250, "2.0.0 Ok: queued as 4F1A2B3C"),
            (Stage::RcptTo, 251, "User not local; will forward"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "out_of_sequence",
        code: Code::Range(0, 399),
        class: Class::Connection,
        source: SEQUENCE,
        examples: &[(Stage::Data, 250, "Ok"), (Stage::Body, 354, "Go ahead")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "service_closing",
        code: Code::Is(421),
        class: Class::Connection,
        source: CODES,
        examples: &[
            (Stage::Body, 421, "4.3.0 Temporary System Problem. Try again later"),
            (Stage::RcptTo, 421, "4.4.2 mx.example.com Error: timeout exceeded"),
            (
                Stage::Greeting,
                421,
                "Service not available, closing transmission channel",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "greeting",
        stages: &[Stage::Connect, Stage::Tls, Stage::Greeting, Stage::Ehlo],
        code: NEGATIVE,
        class: Class::Connection,
        source: "RFC 5321 section 3.1",
        examples: &[
            (Stage::Greeting, 554, "No SMTP service here"),
            (Stage::Ehlo, 550, "Not you"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "starttls_unknown",
        stages: &[Stage::StartTls],
        code: Code::Range(500, 504),
        class: Class::Config,
        source: STARTTLS,
        examples: &[(Stage::StartTls, 502, "5.5.1 Command not implemented")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "starttls_refused",
        stages: &[Stage::StartTls],
        code: NEGATIVE,
        class: Class::Connection,
        source: STARTTLS,
        examples: &[(Stage::StartTls, 454, "4.7.0 TLS not available due to local problem")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "auth_temporary",
        stages: &[Stage::Auth],
        code: TRANSIENT,
        class: Class::Deferred,
        source: AUTH,
        examples: &[
            (Stage::Auth, 454, "4.7.0 Temporary authentication failure"),
            (Stage::Auth, 451, "4.3.0 Lookup failure"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "auth_unknown",
        stages: &[Stage::Auth],
        code: Code::Range(500, 504),
        class: Class::Config,
        source: AUTH,
        examples: &[
            (Stage::Auth, 504, "5.5.4 Unrecognized authentication type"),
            (Stage::Auth, 503, "5.5.1 Error: authentication not enabled"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "auth_refused",
        stages: &[Stage::Auth],
        code: PERMANENT,
        class: Class::Auth,
        source: AUTH,
        examples: &[
            (Stage::Auth, 535, "Authentication Credentials Invalid"),
            (
                Stage::Auth,
                535,
                "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            ),
            (
                Stage::Auth,
                534,
                "5.7.14 Please log in via your web browser and then try again.",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "auth_needed",
        code: Code::OneOf(&[530, 534, 535]),
        class: Class::Auth,
        source: AUTH,
        examples: &[
            (Stage::MailFrom, 530, "Log in"),
            (Stage::RcptTo, 535, "Credentials expired"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "mail_server_trouble",
        stages: &[Stage::MailFrom],
        code: Code::OneOf(&[451, 452]),
        class: Class::Connection,
        source: CODES,
        examples: &[(
            Stage::MailFrom,
            451,
            "Requested action aborted: local error in processing",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "mail_too_large",
        stages: &[Stage::MailFrom],
        code: Code::Is(552),
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        source: "RFC 1870 section 6.1",
        examples: &[(
            Stage::MailFrom,
            552,
            "Requested mail action aborted: exceeded storage allocation",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "mail_sender_refused",
        stages: &[Stage::MailFrom],
        code: Code::OneOf(&[501, 550, 551, 553]),
        class: Class::SenderRefused,
        source: CODES,
        examples: &[
            (Stage::MailFrom, 553, "Domain not hosted here"),
            (Stage::MailFrom, 550, "Not you"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "rcpt_split_transient",
        stages: &[Stage::RcptTo],
        code: Code::Is(452),
        enhanced: Enhanced::Absent,
        class: Class::Deferred,
        hint: Some(Hint::SplitRecipients),
        source: "RFC 5321 section 4.5.3.1.10",
        examples: &[(Stage::RcptTo, 452, "Requested action not taken")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "rcpt_split",
        stages: &[Stage::RcptTo],
        code: Code::Is(552),
        class: Class::Deferred,
        hint: Some(Hint::SplitRecipients),
        source: "RFC 5321 section 4.5.3.1.10",
        examples: &[(
            Stage::RcptTo,
            552,
            "Requested mail action aborted: exceeded storage allocation",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "rcpt_deferred",
        stages: &[Stage::RcptTo],
        code: TRANSIENT,
        class: Class::Deferred,
        source: CODES,
        examples: &[
            (Stage::RcptTo, 450, "<a@example.com>: mailbox disabled for now"),
            (Stage::RcptTo, 451, "4.7.1 Try again in 300 seconds"),
            (
                Stage::RcptTo,
                452,
                "4.7.1 The email account that you tried to reach is over its allowance",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "rcpt_refused",
        stages: &[Stage::RcptTo],
        code: Code::OneOf(&[501, 550, 551, 553, 556]),
        class: Class::RecipientRefused,
        source: "RFC 5321 section 4.2.3 and RFC 7504 section 4",
        examples: &[
            (Stage::RcptTo, 550, "Not here"),
            (Stage::RcptTo, 556, "5.5.0 Domain does not accept mail"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "content_deferred",
        stages: &[Stage::Data, Stage::Body, Stage::AfterBody],
        code: TRANSIENT,
        class: Class::Deferred,
        source: CODES,
        examples: &[
            (Stage::Body, 451, "4.3.0 Mail server temporarily rejected message."),
            (Stage::Body, 454, "4.7.0 Not now"),
            (Stage::Data, 450, "Later"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "content_too_large",
        stages: BODY,
        code: Code::Is(552),
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        source: "RFC 1870 section 6.3",
        examples: &[(
            Stage::Body,
            552,
            "Requested mail action aborted: exceeded storage allocation",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "content_refused",
        stages: BODY,
        code: Code::OneOf(&[550, 554]),
        class: Class::MessageRefused,
        source: CODES,
        examples: &[
            (Stage::Body, 554, "Transaction failed"),
            (Stage::Body, 550, "Message contains a virus"),
        ],
        ..SmtpRule::BASE
    },
];
