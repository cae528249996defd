//! Rules for replies about a recipient: its address (X.1.x) or its mailbox (X.2.x).
//!
//! These rows come before the wording that servers share, since servers report a mailbox as disabled, over its quota or
//! sending too much in the same words as an account. None of these replies affects the provider. Only the providers'
//! own wording comes first: some providers use these codes for the account as well.

use super::rule::{Enhanced, PERMANENT, SmtpRule, TRANSIENT, Text};
use super::smtp_text::SENDER_REJECTED;
use crate::outcome::{Class, Hint, Stage};

const ADDRESSING: &str = "RFC 3463 section 3.2, X.1.x addressing status";
const MAILBOX: &str = "RFC 3463 section 3.3, X.2.x mailbox status";
const RESTRICTED: &str =
    "Microsoft Learn, Email non-delivery reports and SMTP errors in Exchange Online, 5.7.1 and 5.7.124 to 5.7.136";

const TRANSACTION: &[Stage] = &[Stage::MailFrom, Stage::RcptTo, Stage::Data, Stage::Body];
const FROM_RCPT: &[Stage] = &[Stage::RcptTo, Stage::Data, Stage::Body];

pub(super) const RULES: &[SmtpRule] = &[
    SmtpRule {
        name: "restricted_recipient_code",
        stages: FROM_RCPT,
        code: PERMANENT,
        enhanced: Enhanced::OneOf(&[
            (5, 7, 124),
            (5, 7, 129),
            (5, 7, 133),
            (5, 7, 134),
            (5, 7, 135),
            (5, 7, 136),
        ]),
        class: Class::RecipientRefused,
        source: RESTRICTED,
        examples: &[(
            Stage::RcptTo,
            550,
            "5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this group",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "restricted_recipient",
        stages: FROM_RCPT,
        code: PERMANENT,
        text: Text::any(&[
            "resolver.rst.",
            "send to this recipient",
            "send to the recipient",
            "send to this mailbox",
            "send to this user",
            "send to this address",
            "send to this group",
            "send to this list",
            "send to the list",
            "mail to this recipient",
            "mail to this mailbox",
            "mail to this user",
            "mail to this address",
            "mail to this group",
            "mail to this list",
            "post to this list",
            "post to this group",
        ]),
        class: Class::RecipientRefused,
        source: RESTRICTED,
        examples: &[
            (
                Stage::RcptTo,
                550,
                "5.7.1 RESOLVER.RST.AuthRequired; authentication required",
            ),
            (
                Stage::Body,
                550,
                "5.7.1 You are not authorized to send to this recipient",
            ),
            (Stage::RcptTo, 550, "Sender not allowed to send mail to this list"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_too_long",
        stages: &[Stage::MailFrom, Stage::Data, Stage::Body],
        code: PERMANENT,
        enhanced: Enhanced::Is(5, 2, 3),
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        source: MAILBOX,
        examples: &[(Stage::Body, 552, "5.2.3 Your message exceeded Google's limits.")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_bad_mailbox",
        stages: FROM_RCPT,
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 2),
        class: Class::RecipientRefused,
        source: MAILBOX,
        examples: &[
            (
                Stage::RcptTo,
                550,
                "5.2.1 The email account that you tried to reach is disabled.",
            ),
            (
                Stage::Body,
                552,
                "5.2.2 <a@example.com>: account disabled temporarily for exceeding receiving limits",
            ),
            (Stage::Body, 552, "5.2.2 <a@example.com>: too much mail data"),
            (Stage::RcptTo, 552, "5.2.3 Larger than this mailbox takes"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_mailbox_deferred",
        stages: FROM_RCPT,
        code: TRANSIENT,
        enhanced: Enhanced::Subject(4, 2),
        class: Class::Deferred,
        source: MAILBOX,
        examples: &[
            (
                Stage::Body,
                452,
                "4.2.2 Mailbox has exceeded its daily limit, throttled; try again in 600 seconds",
            ),
            (Stage::RcptTo, 450, "4.2.1 Message rate of this account exceeded"),
            (Stage::Body, 421, "4.2.1 Mailbox busy, too many concurrent deliveries"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_sender_rejected",
        stages: TRANSACTION,
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 1),
        text: Text::any(SENDER_REJECTED),
        class: Class::SenderRefused,
        source: ADDRESSING,
        examples: &[(Stage::RcptTo, 550, "5.1.0 <a@example.com> sender rejected")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_bad_sender",
        stages: TRANSACTION,
        code: PERMANENT,
        enhanced: Enhanced::OneOf(&[(5, 1, 7), (5, 1, 8)]),
        class: Class::SenderRefused,
        source: ADDRESSING,
        examples: &[
            (
                Stage::RcptTo,
                553,
                "5.1.8 <a@nowhere.example>... Domain of sender does not exist",
            ),
            (Stage::MailFrom, 501, "5.1.7 Bad sender address syntax"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_bad_recipient",
        stages: FROM_RCPT,
        code: PERMANENT,
        enhanced: Enhanced::Subject(5, 1),
        class: Class::RecipientRefused,
        source: ADDRESSING,
        examples: &[
            (Stage::RcptTo, 550, "5.1.1 <a@example.com>: Recipient address rejected"),
            (Stage::Body, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "enhanced_address_deferred",
        stages: FROM_RCPT,
        code: TRANSIENT,
        enhanced: Enhanced::Subject(4, 1),
        class: Class::Deferred,
        source: ADDRESSING,
        examples: &[
            (
                Stage::RcptTo,
                450,
                "4.1.1 <a@example.com>: Recipient address rejected: unverified address, too many connections there",
            ),
            (
                Stage::RcptTo,
                450,
                "4.1.8 <a@example.com>: Sender address rejected: Domain not found",
            ),
        ],
        ..SmtpRule::BASE
    },
];
