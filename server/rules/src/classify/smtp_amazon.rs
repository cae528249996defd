//! Replies of the Amazon SES SMTP endpoint. They differ in their text, not in their codes.

use super::rule::{NEGATIVE, PERMANENT, SmtpRule, Text};
use crate::outcome::{Class, Stage};

const RESPONSES: &str = "Amazon SES Developer Guide, SMTP response codes returned by Amazon SES";
const QUOTAS: &str = "Amazon SES Developer Guide, Errors related to the sending quotas";
const ERRORS: &str = "Amazon SES Developer Guide, Amazon SES email sending errors";

pub(super) const RULES: &[SmtpRule] = &[
    SmtpRule {
        name: "ses_daily_quota",
        code: NEGATIVE,
        text: Text::any(&["daily message quota exceeded"]),
        class: Class::Quota,
        source: QUOTAS,
        examples: &[(Stage::Body, 454, "Throttling failure: Daily message quota exceeded.")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "ses_sending_rate",
        code: NEGATIVE,
        text: Text::any(&["maximum sending rate exceeded"]),
        class: Class::Throttled,
        source: QUOTAS,
        examples: &[(Stage::Body, 454, "Throttling failure: Maximum sending rate exceeded.")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "ses_concurrent_connections",
        code: NEGATIVE,
        text: Text::any(&["too many concurrent smtp connections"]),
        class: Class::Throttled,
        source: RESPONSES,
        examples: &[(Stage::Greeting, 421, "Too many concurrent SMTP connections")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "ses_identity_not_verified",
        code: PERMANENT,
        text: Text::any(&["address is not verified", "mail from domain is not verified"]),
        class: Class::SenderRefused,
        source: ERRORS,
        examples: &[(
            Stage::Body,
            554,
            "Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: a@example.com",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "ses_identity_denied",
        code: PERMANENT,
        text: Text::all(&["not authorized to perform", ":identity/"]),
        class: Class::SenderRefused,
        source: ERRORS,
        examples: &[(
            Stage::Body,
            554,
            "Access denied: User `arn:aws:iam::123456789012:user/smtp' is not authorized to perform `ses:SendRawEmail' on resource `arn:aws:ses:eu-west-1:123456789012:identity/example.com'",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "ses_access_denied",
        code: PERMANENT,
        text: Text::any(&["not authorized to perform"]),
        class: Class::Auth,
        source: ERRORS,
        examples: &[(
            Stage::Body,
            554,
            "Access denied: User `arn:aws:iam::123456789012:user/smtp' is not authorized to perform `ses:SendRawEmail'",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "ses_sending_paused",
        code: PERMANENT,
        text: Text::any(&["sending paused", "sending is paused", "sending suspended"]),
        class: Class::Config,
        source: ERRORS,
        examples: &[(
            Stage::Body,
            554,
            "Message rejected: Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.",
        )],
        ..SmtpRule::BASE
    },
];
