//! Answers of Microsoft Graph to sendMail. The code is the error's `code`: Graph's own, or Exchange's ResponseCodeType.
//!
//! After a 5xx it is unknown if the mailbox took the message: messages that Graph answered 500 or 503 for have been
//! delivered. But Exchange also answers 500 to some refusals; unambiguous codes among them are rows of their own.

use super::rule::{ApiRule, Code, NEGATIVE, PERMANENT, Text};
use crate::kind::ProviderKind;
use crate::outcome::{Class, Hint};

const ERRORS: &str = "Microsoft Graph error responses and resource types; EWS ResponseCodeType";
const THROTTLING: &str = "Microsoft Graph throttling guidance";
const LIMITS: &str = "Exchange Online limits, sending limits";
const OUTLOOK: &str = "ResponseCodeType of Outlook on the web; Outlook.com, Sending limits";
const STATUSES: &str = "Microsoft Graph error responses, HTTP status codes";
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
        status: NEGATIVE,
        codes: &[
            "ErrorExceededMaxRecipientLimit",
            "ErrorExceededMaxRecipientLimitBlock",
            "ErrorExceededMaxRecipientLimitShowTierUpgrade",
            "ErrorExceededMessageLimit",
            "ErrorExceededMessageLimitShowTierUpgrade",
            "ErrorMessageLimitExceeded",
            "ErrorSubmissionQuotaExceeded",
        ],
        class: Class::Quota,
        source: OUTLOOK,
        examples: &[
            (
                403,
                "ErrorExceededMessageLimit",
                "Cannot send mail. Follow the instructions in your Inbox to verify your account.",
            ),
            (403, "ErrorExceededMaxRecipientLimit", "Cannot send mail."),
            (
                500,
                "ErrorSubmissionQuotaExceeded",
                "The submission quota was exceeded.",
            ),
        ],
        ..BASE
    },
    // The mailbox is full: it could not keep the sent message.
    ApiRule {
        name: "graph_storage",
        status: NEGATIVE,
        codes: &["ErrorQuotaExceeded"],
        class: Class::Quota,
        examples: &[(400, "ErrorQuotaExceeded", "Mailbox has exceeded maximum mailbox size.")],
        ..BASE
    },
    ApiRule {
        name: "graph_insufficient_storage",
        status: Code::Is(507),
        class: Class::Quota,
        source: STATUSES,
        examples: &[(507, "", "Insufficient Storage")],
        ..BASE
    },
    ApiRule {
        name: "graph_throttled",
        status: Code::Range(400, 499),
        codes: &[
            "ApplicationThrottled",
            "MailboxConcurrency",
            "CommandConcurrencyLimitReached",
            "ErrorExceededHourlyMessageLimit",
            "ErrorMessageThrottled",
            "ErrorServerBusy",
            "ErrorTooManyObjectsOpened",
            "TooManyRequests",
        ],
        class: Class::Throttled,
        source: THROTTLING,
        examples: &[
            (
                429,
                "ApplicationThrottled",
                "Application is over its MailboxConcurrency limit.",
            ),
            (429, "TooManyRequests", "Too many requests"),
            (
                429,
                "ErrorTooManyObjectsOpened",
                "Too many concurrent connections opened., The process failed to get the correct properties.",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "graph_connection_count",
        status: NEGATIVE,
        codes: &["ErrorExceededConnectionCount"],
        class: Class::Throttled,
        examples: &[(
            500,
            "ErrorExceededConnectionCount",
            "You have exceeded the available concurrent connections for your account. Try again once your other requests have completed.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_bandwidth",
        status: Code::Is(509),
        class: Class::Throttled,
        source: STATUSES,
        examples: &[(509, "", "Bandwidth Limit Exceeded")],
        ..BASE
    },
    // The mailbox is opened before anything is sent from it, and one that is being moved cannot be.
    ApiRule {
        name: "graph_mailbox_move",
        status: NEGATIVE,
        codes: &["ErrorMailboxMoveInProgress"],
        class: Class::Connection,
        examples: &[(
            500,
            "ErrorMailboxMoveInProgress",
            "Mailbox move in progress. Try again later., Cannot open mailbox.",
        )],
        ..BASE
    },
    ApiRule {
        name: "graph_locked",
        status: Code::OneOf(&[409, 423]),
        class: Class::Deferred,
        source: STATUSES,
        examples: &[
            (423, "", "Locked"),
            (
                409,
                "ErrorIrresolvableConflict",
                "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "graph_invalid_recipients",
        status: Code::Range(400, 499),
        codes: &[
            "ErrorInvalidRecipients",
            "ErrorInvalidSmtpAddress",
            "ErrorMailRecipientNotFound",
            "ErrorRecipientNotFound",
        ],
        class: Class::RecipientRefused,
        examples: &[
            (
                400,
                "ErrorInvalidRecipients",
                "At least one recipient isn't valid., A message can't be sent until it contains at least one recipient.",
            ),
            (404, "ErrorMailRecipientNotFound", "The mail recipient is not found."),
        ],
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
        codes: &[
            "ErrorAttachmentSizeLimitExceeded",
            "ErrorDataSizeLimitExceeded",
            "ErrorMessageSizeExceeded",
            "ErrorRequestStreamTooBig",
            "RequestEntityTooLarge",
        ],
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        examples: &[
            (
                400,
                "ErrorMessageSizeExceeded",
                "The message exceeds the maximum supported size.",
            ),
            (413, "RequestEntityTooLarge", "The request entity is too large"),
        ],
        ..BASE
    },
    ApiRule {
        name: "graph_bad_message",
        status: NEGATIVE,
        codes: &[
            "ErrorContentConversionFailed",
            "ErrorInvalidArgument",
            "ErrorInvalidMimeContent",
            "ErrorMimeContentConversionFailed",
            "ErrorMimeContentInvalid",
            "ErrorMimeContentInvalidBase64String",
            "ErrorMissingRecipients",
            "ErrorUnsupportedMimeConversion",
            "RequestBodyRead",
        ],
        class: Class::MessageRefused,
        examples: &[
            (
                400,
                "ErrorMimeContentInvalidBase64String",
                "Invalid base64 string for MIME content.",
            ),
            (
                500,
                "ErrorMimeContentConversionFailed",
                "The MIME content could not be converted.",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "graph_spam_or_virus",
        status: NEGATIVE,
        codes: &["ErrorMessageBlocked", "ErrorVirusDetected", "ErrorVirusMessageDeleted"],
        class: Class::MessageRefused,
        source: OUTLOOK,
        examples: &[
            (
                403,
                "ErrorMessageBlocked",
                "Your message can't be sent because it looks like spam.",
            ),
            (500, "ErrorVirusDetected", "A virus was found in the message."),
        ],
        ..BASE
    },
    ApiRule {
        name: "graph_submission_blocked",
        status: Code::Range(400, 499),
        codes: &[
            "AccountSuspended",
            "ErrorAccountDisabled",
            "ErrorAccountSuspend",
            "ErrorAccountSuspendShowTierUpgrade",
            "ErrorMessageSubmissionBlocked",
        ],
        class: Class::Config,
        source: OUTLOOK,
        examples: &[
            (
                403,
                "ErrorAccountSuspend",
                "Account suspended. Follow the instructions in your Inbox to verify your account.",
            ),
            (
                403,
                "ErrorMessageSubmissionBlocked",
                "Your account has been blocked from sending mail.",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "graph_no_mailbox",
        status: Code::Range(400, 404),
        codes: &[
            "ErrorInvalidLicense",
            "ErrorNonExistentMailbox",
            "ErrorOrganizationAccessBlocked",
            "MailboxNotEnabledForRESTAPI",
            "MailboxNotSupportedForRESTAPI",
            "OrganizationFromTenantGuidNotFound",
            "ResourceNotFound",
        ],
        class: Class::Config,
        examples: &[
            (
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            ),
            (
                404,
                "MailboxNotEnabledForRESTAPI",
                "REST API is not yet supported for this mailbox.",
            ),
            (
                401,
                "OrganizationFromTenantGuidNotFound",
                "The tenant for tenant guid '9fd843f0' does not exist.",
            ),
            (400, "ErrorInvalidLicense", "The user does not have a valid license."),
        ],
        ..BASE
    },
    ApiRule {
        name: "graph_access_denied",
        status: Code::OneOf(&[400, 403]),
        codes: &[
            "AccessDenied",
            "Authorization_RequestDenied",
            "ErrorAccessDenied",
            "ErrorMailboxLogonFailed",
            "ErrorPasswordChangeRequired",
            "ErrorPasswordExpired",
        ],
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
            (
                503,
                "ErrorMailboxStoreUnavailable",
                "The mailbox database is temporarily unavailable.",
            ),
            (503, "ErrorServerBusy", "The server is too busy."),
            (504, "UnknownError", ""),
        ],
        ..BASE
    },
];
