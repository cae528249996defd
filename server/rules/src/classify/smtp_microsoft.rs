//! Replies of Exchange Online's submission server. Several of its codes contradict RFC 3463's use of the same number.

use super::rule::{Code, Enhanced, NEGATIVE, PERMANENT, SmtpRule, TRANSIENT, Text};
use crate::outcome::{Class, Stage};

const NDR: &str = "Microsoft Learn, Email non-delivery reports and SMTP errors in Exchange Online";
const SUBMISSION: &str = "Microsoft Learn, Message storage and concurrent connection throttling for SMTP submission";
const CONTINUOUS: &str = "Microsoft Learn, Continuous error throttling for SMTP AUTH submissions";
const BASIC_AUTH: &str = "Microsoft, Exchange Online to retire Basic auth for Client Submission (SMTP AUTH)";

pub(super) const RULES: &[SmtpRule] = &[
    SmtpRule {
        name: "microsoft_basic_auth_retired",
        code: PERMANENT,
        enhanced: Enhanced::Is(5, 7, 30),
        class: Class::Auth,
        source: BASIC_AUTH,
        examples: &[
            (
                Stage::Auth,
                550,
                "5.7.30 Basic authentication is not supported for Client Submission.",
            ),
            (
                Stage::MailFrom,
                550,
                "5.7.30 Basic authentication is not supported for Client Submission.",
            ),
            (
                Stage::Body,
                550,
                "5.7.30 Basic authentication is not supported for Client Submission.",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_not_authenticated",
        code: PERMANENT,
        enhanced: Enhanced::Is(5, 7, 57),
        class: Class::Auth,
        source: NDR,
        examples: &[(
            Stage::MailFrom,
            530,
            "5.7.57 Client not authenticated to send mail. [AM0PR01CA0001.eurprd01.prod.exchangelabs.com]",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_sender_throttled",
        code: PERMANENT,
        text: Text::any(&["sender throttled due to"]),
        class: Class::Throttled,
        source: CONTINUOUS,
        examples: &[
            (
                Stage::Body,
                550,
                "5.2.252 Sender throttled due to continuous send as denied errors.",
            ),
            (
                Stage::Body,
                550,
                "5.2.251 Sender throttled due to continuous mailbox full errors.",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_send_as_denied",
        code: PERMANENT,
        text: Text::any(&["sendasdenied", "permissions to send as this sender"]),
        class: Class::SenderRefused,
        source: NDR,
        examples: &[
            (
                Stage::Body,
                554,
                "5.2.252 SendAsDenied; app@example.com not allowed to send as other@example.com; STOREDRV.Submission.Exception",
            ),
            (
                Stage::MailFrom,
                550,
                "5.7.60 SMTP; Client does not have permissions to send as this sender",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_daily_recipients",
        code: PERMANENT,
        enhanced: Enhanced::OneOf(&[(5, 1, 90), (5, 7, 232), (5, 7, 233)]),
        class: Class::Quota,
        source: NDR,
        examples: &[
            (
                Stage::Body,
                550,
                "5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
            ),
            (
                Stage::RcptTo,
                550,
                "5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_submission_quota",
        code: NEGATIVE,
        text: Text::any(&["submissionquotaexceeded"]),
        class: Class::Quota,
        source: SUBMISSION,
        examples: &[(
            Stage::Body,
            554,
            "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_own_mailbox_full",
        code: PERMANENT,
        text: Text::all(&["storedrv.submission", "quotaexceeded"]),
        class: Class::Quota,
        source: SUBMISSION,
        examples: &[(
            Stage::Body,
            554,
            "5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_recipient_threads",
        code: Code::Is(432),
        text: Text::any(&["recipient thread limit"]),
        class: Class::Deferred,
        source: NDR,
        examples: &[(
            Stage::Body,
            432,
            "4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_concurrent_connections",
        code: Code::Is(432),
        text: Text::any(&["concurrent connection", "sender thread limit"]),
        class: Class::Throttled,
        source: SUBMISSION,
        examples: &[
            (Stage::Auth, 432, "4.3.2 Concurrent connections limit exceeded."),
            (
                Stage::Body,
                432,
                "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
            ),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_server_busy",
        code: TRANSIENT,
        text: Text::all(&["server busy", "s77"]),
        class: Class::Throttled,
        source: NDR,
        examples: &[(
            Stage::MailFrom,
            451,
            "4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77714)",
        )],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_sender_restricted",
        code: PERMANENT,
        enhanced: Enhanced::OneOf(&[(5, 7, 501), (5, 7, 502), (5, 7, 503), (5, 7, 705), (5, 7, 708)]),
        class: Class::Config,
        source: NDR,
        examples: &[
            (
                Stage::MailFrom,
                550,
                "5.7.501 Service unavailable. Client has been blocked: spam abuse detected",
            ),
            (Stage::Body, 550, "5.7.705 Access denied, tenant has exceeded threshold"),
        ],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_bad_outbound_sender",
        code: PERMANENT,
        text: Text::any(&["bad outbound sender"]),
        class: Class::Config,
        source: NDR,
        examples: &[(Stage::Body, 550, "5.1.8 Access denied, bad outbound sender")],
        ..SmtpRule::BASE
    },
    SmtpRule {
        name: "microsoft_unregistered_domain",
        code: PERMANENT,
        enhanced: Enhanced::OneOf(&[(5, 7, 750), (5, 7, 509)]),
        class: Class::SenderRefused,
        source: NDR,
        examples: &[(
            Stage::Body,
            550,
            "5.7.750 Service unavailable. Client blocked from sending from unregistered domains",
        )],
        ..SmtpRule::BASE
    },
];
