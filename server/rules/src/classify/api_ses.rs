//! Answers of the Amazon SES API v2. The code is the name of the exception.

use super::rule::{ApiRule, Code, Text};
use crate::kind::ProviderKind;
use crate::outcome::{Class, Hint};

const SEND: &str = "Amazon SES API v2 Reference, SendEmail, Errors";
const COMMON: &str = "Amazon SES API v2 Reference, Common Errors";
const QUOTAS: &str = "Amazon SES Developer Guide, Errors related to the sending quotas";
const ERRORS: &str = "Amazon SES Developer Guide, Amazon SES email sending errors";
const KINDS: &[ProviderKind] = &[ProviderKind::Ses, ProviderKind::ManagedSes];
const BASE: ApiRule = ApiRule {
    kinds: KINDS,
    source: SEND,
    ..ApiRule::BASE
};

pub(super) const RULES: &[ApiRule] = &[
    ApiRule {
        name: "ses_api_daily_quota",
        status: Code::Range(400, 499),
        text: Text::any(&["daily message quota exceeded", "daily sending quota"]),
        class: Class::Quota,
        source: QUOTAS,
        examples: &[
            (400, "ThrottlingException", "Daily message quota exceeded."),
            (429, "TooManyRequestsException", "Daily message quota exceeded."),
        ],
        ..BASE
    },
    ApiRule {
        name: "ses_api_rate",
        status: Code::Range(400, 499),
        codes: &[
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
            "LimitExceededException",
            "RequestThrottled",
            "RequestLimitExceeded",
        ],
        class: Class::Throttled,
        source: QUOTAS,
        examples: &[
            (400, "ThrottlingException", "Maximum sending rate exceeded."),
            (429, "TooManyRequestsException", "Too many requests"),
        ],
        ..BASE
    },
    ApiRule {
        name: "ses_api_account_paused",
        status: Code::Range(400, 499),
        codes: &["SendingPausedException", "AccountSuspendedException"],
        class: Class::Config,
        examples: &[
            (
                400,
                "SendingPausedException",
                "Email sending is disabled for this configuration set.",
            ),
            (
                400,
                "AccountSuspendedException",
                "The account's ability to send email has been permanently restricted.",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "ses_api_sending_paused",
        status: Code::Range(400, 499),
        text: Text::any(&["sending paused", "sending is paused", "sending suspended"]),
        class: Class::Config,
        source: ERRORS,
        examples: &[(400, "MessageRejected", "Sending paused for this account.")],
        ..BASE
    },
    ApiRule {
        name: "ses_api_not_verified",
        status: Code::Range(400, 499),
        text: Text::any(&[
            "address is not verified",
            "identity is not verified",
            "failed the check in region",
        ]),
        class: Class::SenderRefused,
        source: ERRORS,
        examples: &[(
            400,
            "MessageRejected",
            "Email address is not verified. The following identities failed the check in region EU-WEST-1: a@example.com",
        )],
        ..BASE
    },
    ApiRule {
        name: "ses_api_mail_from_domain",
        status: Code::Range(400, 499),
        codes: &["MailFromDomainNotVerifiedException", "MailFromDomainNotVerified"],
        class: Class::SenderRefused,
        examples: &[(
            400,
            "MailFromDomainNotVerifiedException",
            "The sending domain isn't verified.",
        )],
        ..BASE
    },
    ApiRule {
        name: "ses_api_identity_denied",
        status: Code::Range(400, 499),
        codes: &["AccessDeniedException", "AccessDenied"],
        text: Text::any(&[":identity/"]),
        class: Class::SenderRefused,
        source: COMMON,
        examples: &[(
            403,
            "AccessDeniedException",
            "User: arn:aws:iam::123456789012:user/app is not authorized to perform: ses:SendEmail on resource: arn:aws:ses:eu-west-1:123456789012:identity/example.com",
        )],
        ..BASE
    },
    // AWS refuses requests whose time is more than five minutes off.
    ApiRule {
        name: "ses_api_clock",
        status: Code::Range(400, 499),
        text: Text::any(&[
            "signature expired",
            "signature not yet current",
            "date stamp on the request",
        ]),
        class: Class::Config,
        hint: Some(Hint::Installation),
        source: "AWS IAM User Guide, Troubleshoot Signature Version 4 request signing",
        examples: &[(
            403,
            "InvalidSignatureException",
            "Signature expired: 20260301T120000Z is now earlier than 20260301T121000Z (20260301T121500Z - 5 min.)",
        )],
        ..BASE
    },
    ApiRule {
        name: "ses_api_credentials",
        status: Code::Range(400, 499),
        codes: &[
            "AccessDenied",
            "AccessDeniedException",
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "NotAuthorized",
            "OptInRequired",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ],
        class: Class::Auth,
        source: COMMON,
        examples: &[
            (
                403,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            (
                403,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ),
            (
                403,
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/app is not authorized to perform: ses:SendEmail",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "ses_api_not_found",
        status: Code::Range(400, 499),
        codes: &["NotFoundException"],
        class: Class::Config,
        examples: &[(404, "NotFoundException", "Configuration set <events> does not exist.")],
        ..BASE
    },
    ApiRule {
        name: "ses_api_too_large",
        status: Code::Range(400, 499),
        text: Text::any(&["message length is more than", "message too large", "message size"]),
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        source: "Amazon SES service quotas, message size",
        examples: &[(
            400,
            "BadRequestException",
            "Message length is more than 41943040 bytes long: '50000000'.",
        )],
        ..BASE
    },
    ApiRule {
        name: "ses_api_rejected",
        status: Code::Range(400, 499),
        codes: &[
            "MessageRejected",
            "BadRequestException",
            "InvalidParameterValue",
            "ValidationError",
            "ValidationException",
        ],
        class: Class::MessageRefused,
        examples: &[
            (400, "MessageRejected", "The message contains a virus."),
            (400, "BadRequestException", "Missing final '@domain'"),
        ],
        ..BASE
    },
];
