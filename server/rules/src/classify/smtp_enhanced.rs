//! Enhanced status codes (RFC 3463 and the IANA registry), for the stages of the mail transaction.

use super::rule::{Code, Enhanced, NEGATIVE, PERMANENT, SmtpRule, TRANSIENT};
use crate::outcome::{Class, Hint, Stage};

const ADDRESSING: &str = "RFC 3463 section 3.2, X.1.x addressing status";
const SYSTEM: &str = "RFC 3463 section 3.4, X.3.x mail system status";
const ROUTING: &str = "RFC 3463 section 3.5, X.4.x network and routing status";
const PROTOCOL: &str = "RFC 3463 section 3.6, X.5.x mail delivery protocol status";
const CONTENT: &str = "RFC 3463 section 3.7, X.6.x message content status";
const POLICY: &str = "RFC 3463 section 3.8, X.7.x security or policy status";

const TRANSACTION: &[Stage] = &[Stage::MailFrom, Stage::RcptTo, Stage::Data, Stage::Body];
const CONTENT_STAGES: &[Stage] = &[Stage::Data, Stage::Body];

pub(super) const RULES: &[SmtpRule] = &[
    SmtpRule {
        name: "enhanced_sender_authentication",
        stages: TRANSACTION,
        code: PERMANENT,
        enhanced: Enhanced::OneOf(&[
            (5, 7, 20),
            (5, 7, 21),
            (5, 7, 22),
            (5, 7, 23),
            (5, 7, 26),
            (5, 7, 27),
            (5, 7, 29),
        ]),
        class: Class::SenderRefused,
        source: "RFC 7372 section 3 and RFC 7505 section 4.2",
        examples: &[
            (
                Stage::Body,
                550,
                "5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy.",
            ),
            (Stage::MailFrom, 550, "5.7.23 SPF validation failed"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_reverse_dns",
        stages: TRANSACTION,
        code: PERMANENT,
        enhanced: Enhanced::Is(5, 7, 25),
        class: Class::Config,
        source: "RFC 7372 section 3.3",
        examples: &[(Stage::MailFrom, 550, "5.7.25 Reverse DNS validation failed")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        // In reply to the final dot, Yahoo and others use 5.7.9 for a message that SPF, DKIM or DMARC does not
        // authenticate.
        name: "enhanced_credentials",
        stages: &[
            Stage::Ehlo,
            Stage::StartTls,
            Stage::Auth,
            Stage::MailFrom,
            Stage::RcptTo,
        ],
        code: PERMANENT,
        enhanced: Enhanced::OneOf(&[(5, 7, 8), (5, 7, 9)]),
        class: Class::Auth,
        source: "RFC 4954 section 6",
        examples: &[
            (Stage::Auth, 535, "5.7.8 Authentication credentials invalid"),
            (Stage::Auth, 534, "5.7.9 Application-specific password required."),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_too_large",
        stages: TRANSACTION,
        code: PERMANENT,
        enhanced: Enhanced::Is(5, 3, 4),
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        source: SYSTEM,
        examples: &[
            (Stage::MailFrom, 552, "5.3.4 Declared size exceeds our limit"),
            (Stage::RcptTo, 552, "5.3.4 Error: size"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_too_many_recipients",
        stages: &[Stage::RcptTo, Stage::Data],
        code: NEGATIVE,
        enhanced: Enhanced::AnyClass(5, 3),
        class: Class::Deferred,
        hint: Some(Hint::SplitRecipients),
        source: PROTOCOL,
        examples: &[
            (Stage::RcptTo, 452, "4.5.3 Recipient limit of this transaction"),
            (Stage::RcptTo, 550, "5.5.3 RESOLVER.ADR.RecipLimit"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_system_down",
        stages: &[Stage::MailFrom, Stage::Data, Stage::Body],
        code: TRANSIENT,
        enhanced: Enhanced::OneOf(&[(4, 3, 1), (4, 3, 2)]),
        class: Class::Connection,
        source: SYSTEM,
        examples: &[
            (Stage::MailFrom, 452, "4.3.1 Insufficient system storage"),
            (Stage::Body, 451, "4.3.2 System not accepting network messages"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_sender_deferred",
        stages: &[Stage::MailFrom],
        code: Code::OneOf(&[450, 451, 452]),
        enhanced: Enhanced::Subject(4, 1),
        class: Class::Deferred,
        source: ADDRESSING,
        examples: &[(Stage::MailFrom, 450, "4.1.8 Domain of sender not found")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_policy_deferred",
        stages: &[Stage::MailFrom],
        code: Code::OneOf(&[450, 451, 452, 454]),
        enhanced: Enhanced::Subject(4, 7),
        class: Class::Deferred,
        source: POLICY,
        examples: &[(Stage::MailFrom, 451, "4.7.1 Service unavailable, try again later")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_no_route",
        stages: &[Stage::RcptTo],
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 4),
        class: Class::RecipientRefused,
        source: ROUTING,
        examples: &[
            (Stage::RcptTo, 550, "5.4.1 Recipient address rejected: Access denied."),
            (Stage::RcptTo, 550, "5.4.4 Host not found"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_recipient_content",
        stages: &[Stage::RcptTo],
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 6),
        class: Class::RecipientRefused,
        source: "RFC 6531 section 3.5, X.6.7",
        examples: &[(
            Stage::RcptTo,
            553,
            "5.6.7 Non-ASCII addresses not permitted for that recipient",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_no_smtputf8",
        stages: &[Stage::MailFrom, Stage::Data, Stage::Body],
        code: PERMANENT,
        enhanced: Enhanced::OneOf(&[(5, 6, 7), (5, 6, 9)]),
        class: Class::MessageRefused,
        hint: Some(Hint::NoSmtputf8),
        source: "RFC 6531 section 3.5, X.6.7 and X.6.9",
        examples: &[
            (Stage::MailFrom, 550, "5.6.7 Non-ASCII addresses not permitted"),
            (
                Stage::Body,
                554,
                "5.6.9 UTF-8 header message cannot be transferred to one or more recipients",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_content",
        stages: &[Stage::MailFrom, Stage::Data, Stage::Body],
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 6),
        class: Class::MessageRefused,
        source: CONTENT,
        examples: &[
            (Stage::Body, 554, "5.6.0 Message content rejected"),
            (Stage::Body, 552, "5.6.1 Media not supported"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_loop",
        stages: CONTENT_STAGES,
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 4),
        class: Class::MessageRefused,
        source: ROUTING,
        examples: &[(Stage::Body, 554, "5.4.0 Error: too many hops")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_sender_policy",
        stages: &[Stage::MailFrom],
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 7),
        class: Class::SenderRefused,
        source: POLICY,
        examples: &[(Stage::MailFrom, 554, "5.7.1 Delivery not authorized")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_sender_address",
        stages: &[Stage::MailFrom],
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 1),
        class: Class::SenderRefused,
        source: ADDRESSING,
        examples: &[(Stage::MailFrom, 550, "5.1.0 Address rejected")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_recipient_policy",
        stages: &[Stage::RcptTo],
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 7),
        class: Class::RecipientRefused,
        source: POLICY,
        examples: &[(
            Stage::RcptTo,
            550,
            "5.7.1 Recipient not authorized, your IP has been found on a block list",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_content_policy",
        stages: CONTENT_STAGES,
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 7),
        class: Class::MessageRefused,
        source: POLICY,
        examples: &[
            (Stage::Body, 554, "5.7.1 Message rejected as spam"),
            (Stage::Body, 554, "5.7.9 Message not accepted for policy reasons."),
            (
                Stage::Body,
                552,
                "5.7.0 This message was blocked because its content presents a potential security issue.",
            ),
        ],
        ..SmtpRule::BASE
    },
];
