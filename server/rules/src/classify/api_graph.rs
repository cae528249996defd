//! Answers of Microsoft Graph to sendMail. The code is the error's `code`.
//!
//! A 5xx leaves it unknown whether the mailbox took the message: messages that Graph answered 500 or 503 for have been
//! delivered.

use super::rule::{ApiRule, Code, PERMANENT, Text};
use crate::kind::ProviderKind;
use crate::outcome::{Class, Hint};

const ERRORS: &str = "Microsoft Graph error responses and resource types; EWS ResponseCodeType";
const THROTTLING: &str = "Microsoft Graph throttling guidance";
const LIMITS: &str = "Exchange Online limits, sending limits";
const KIND: &[ProviderKind] = &[ProviderKind::Microsoft365];
const BASE: ApiRule = ApiRule {
    kinds: KIND,
    source: ERRORS,
    ..ApiRule::BASE
};

pub(super) const RULES: &[ApiRule] = &[
    ApiRule {
        name: "graph_recipient_limit",
        status: Code::Range(400, 499),
        text: Text::any(&[
            "recipient limit",
            "recipient rate limit",
            "limit for message recipients",
            "daily limit",
            "submission quota",
            "submissionquotaexceeded",
        ]),
        class: Class::Quota,
        source: LIMITS,
        examples: &[
            (
                429,
                "ErrorRecipientLimitExceeded",
                "The mailbox has exceeded its recipient rate limit.",
            ),
            (
                403,
                "ErrorMessageSubmissionBlocked",
                "Your message can't be sent because you've reached your daily limit for message recipients",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "graph_message_limit",
        status: Code::Range(400, 499),
        codes: &[
            "ErrorExceededMessageLimit",
            "ErrorMessageLimitExceeded",
            "ErrorQuotaExceeded",
        ],
        class: Class::Quota,
        source: LIMITS,
        examples: &[(
            403,
            "ErrorExceededMessageLimit",
            "Cannot send mail. Follow the instructions in your Inbox.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_throttled",
        status: Code::Range(400, 499),
        codes: &[
            "ApplicationThrottled",
            "MailboxConcurrency",
            "CommandConcurrencyLimitReached",
            "ErrorServerBusy",
            "ErrorExceededConnectionCount",
            "TooManyRequests",
        ],
        class: Class::Throttled,
        source: THROTTLING,
        examples: &[(
            429,
            "ApplicationThrottled",
            "Application is over its MailboxConcurrency limit.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_invalid_recipients",
        status: Code::Range(400, 499),
        codes: &["ErrorInvalidRecipients"],
        class: Class::RecipientRefused,
        examples: &[(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")],
        ..BASE
    },
    ApiRule {
        name: "graph_send_as_denied",
        status: Code::Range(400, 499),
        codes: &["ErrorSendAsDenied"],
        class: Class::SenderRefused,
        examples: &[(
            403,
            "ErrorSendAsDenied",
            "The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_too_large",
        status: Code::Range(400, 499),
        codes: &["ErrorMessageSizeExceeded", "RequestEntityTooLarge"],
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        examples: &[(
            413,
            "ErrorMessageSizeExceeded",
            "The message exceeds the maximum supported size.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_bad_message",
        status: Code::Is(400),
        codes: &[
            "ErrorMimeContentInvalid",
            "ErrorMimeContentInvalidBase64String",
            "ErrorInvalidMimeContent",
            "ErrorInvalidArgument",
            "RequestBodyRead",
        ],
        class: Class::MessageRefused,
        examples: &[(
            400,
            "ErrorMimeContentInvalidBase64String",
            "Invalid base64 string for MIME content.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_submission_blocked",
        status: Code::Range(400, 499),
        codes: &[
            "ErrorMessageSubmissionBlocked",
            "ErrorAccountDisabled",
            "ErrorAccountSuspend",
            "AccountSuspended",
        ],
        class: Class::Config,
        examples: &[(
            403,
            "ErrorAccountSuspend",
            "Account suspended. Follow the instructions in your Inbox.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_no_mailbox",
        status: Code::OneOf(&[400, 403, 404]),
        codes: &[
            "MailboxNotEnabledForRESTAPI",
            "MailboxNotSupportedForRESTAPI",
            "ErrorNonExistentMailbox",
            "ResourceNotFound",
        ],
        class: Class::Config,
        examples: &[(
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_access_denied",
        status: Code::Is(403),
        codes: &["ErrorAccessDenied", "Authorization_RequestDenied", "AccessDenied"],
        class: Class::Auth,
        examples: &[(
            403,
            "ErrorAccessDenied",
            "Access is denied. Check credentials and try again.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_server_error",
        status: PERMANENT,
        class: Class::Unknown,
        examples: &[
            (500, "ErrorInternalServerError", "An internal server error occurred."),
            (503, "ErrorServerBusy", "The server is too busy."),
            (504, "UnknownError", ""),
        ],
        ..BASE
    },
];
