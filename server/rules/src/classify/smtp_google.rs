//! Replies of Gmail's submission server and Workspace's SMTP relay whose meaning the code alone does not give.

use super::rule::{Code, Enhanced, NEGATIVE, PERMANENT, SmtpRule, TRANSIENT, Text};
use crate::outcome::{Class, Stage};

/// Google Workspace Admin Help, "Gmail SMTP errors and codes" (answer 3726730).
const ERRORS: &str = "Google Workspace Admin Help 3726730, Gmail SMTP errors and codes";

pub(super) const RULES: &[SmtpRule] = &[
    SmtpRule {
        name: "google_daily_limit",
        code: NEGATIVE,
        enhanced: Enhanced::AnyClass(4, 5),
        text: Text::any(&["limit", "quota"]),
        class: Class::Quota,
        source: ERRORS,
        examples: &[
            (
                Stage::RcptTo,
                550,
                "5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to gsmtp",
            ),
            (
                Stage::Body,
                550,
                "5.4.5 Daily SMTP relay sending limit exceeded for customer.",
            ),
            (Stage::Body, 550, "5.4.5 Daily sending quota exceeded."),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "google_relay_peak",
        code: TRANSIENT,
        enhanced: Enhanced::Is(4, 2, 1),
        text: Text::any(&["relay limit exceeded"]),
        class: Class::Throttled,
        source: ERRORS,
        examples: &[(
            Stage::RcptTo,
            450,
            "4.2.1 Peak SMTP relay limit exceeded for customer. This is a temporary error.",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "google_recipient_rate",
        stages: &[Stage::RcptTo, Stage::Data, Stage::Body],
        code: TRANSIENT,
        text: Text::any(&["receiving mail at a rate", "receiving mail too quickly"]),
        class: Class::Deferred,
        source: ERRORS,
        examples: &[
            (
                Stage::RcptTo,
                450,
                "4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.",
            ),
            (
                Stage::Body,
                450,
                "4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time.",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "google_unusual_rate",
        code: TRANSIENT,
        text: Text::any(&["unusual rate of"]),
        class: Class::Throttled,
        source: ERRORS,
        examples: &[
            (
                Stage::Body,
                421,
                "4.7.28 Gmail has detected an unusual rate of unsolicited mail. To protect our users from spam, mail has been temporarily rate limited.",
            ),
            (
                Stage::Greeting,
                421,
                "4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP address.",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "google_too_many_logins",
        stages: &[Stage::Auth],
        code: Code::Is(454),
        text: Text::any(&["too many login"]),
        class: Class::Throttled,
        source: ERRORS,
        examples: &[(
            Stage::Auth,
            454,
            "4.7.0 Too many login attempts, please try again later. gsmtp",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "google_relay_credentials",
        stages: &[Stage::MailFrom, Stage::RcptTo, Stage::Data, Stage::Body],
        code: PERMANENT,
        text: Text::any(&["invalid credentials for relay", "mail relay denied"]),
        class: Class::Config,
        source: ERRORS,
        examples: &[
            (
                Stage::MailFrom,
                550,
                "5.7.1 Invalid credentials for relay [192.0.2.1]. The IP address you've registered doesn't match.",
            ),
            (Stage::RcptTo, 550, "5.7.0 Mail relay denied [192.0.2.1]."),
        ],
        ..SmtpRule::BASE
    },
];
