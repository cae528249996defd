//! Answers of the Amazon SES API v2. The code is the name of the exception.

use super::rule::{ApiRule, Code, Text};
use crate::kind::ProviderKind;
use crate::outcome::{Class, Hint};

const SEND: &str = "Amazon SES API v2 Reference, SendEmail, Errors";
const COMMON: &str = "Amazon SES API v2 Reference, Common Errors";
const QUOTAS: &str = "Amazon SES Developer Guide, Errors related to the sending quotas";
const ERRORS: &str = "Amazon SES Developer Guide, Amazon SES email sending errors";
const DENIED: &str = "AWS IAM User Guide, Troubleshoot access denied error messages";
const V1: &str = "Amazon SES API Reference (2010-12-01), SendRawEmail, Errors";
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
            (
                400,
                "LimitExceededException",
                "There are too many instances of the specified resource type.",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "ses_api_account_paused",
        status: Code::Range(400, 499),
        codes: &[
            "AccountSendingPausedException",
            "AccountSuspendedException",
            "ConfigurationSetSendingPausedException",
            "SendingPausedException",
        ],
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
        text: Text::any(&[
            "account is paused",
            "sending is paused",
            "sending paused",
            "sending suspended",
        ]),
        class: Class::Config,
        source: ERRORS,
        examples: &[
            (400, "MessageRejected", "Account is paused"),
            (400, "MessageRejected", "Sending paused for this account."),
            (
                400,
                "MessageRejected",
                "Sending suspended for this account. For more information, please check the inbox of the email address associated with your AWS account.",
            ),
        ],
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
        name: "ses_api_mail_from_text",
        status: Code::Range(400, 499),
        text: Text::any(&["mail from domain is not verified"]),
        class: Class::SenderRefused,
        source: ERRORS,
        examples: &[(400, "MessageRejected", "Mail FROM domain is not verified")],
        ..BASE
    },
    // A denial by the organisation, or by the permissions boundary of the role, applies to every sender, even if an
    // identity is named.
    ApiRule {
        name: "ses_api_organisation_denies",
        status: Code::Range(400, 499),
        codes: &["AccessDeniedException", "AccessDenied"],
        text: Text::any(&[
            "no permissions boundary allows",
            "no resource control policy allows",
            "no service control policy allows",
            "no session policy allows",
            "explicit deny in a permissions boundary",
            "explicit deny in a resource control policy",
            "explicit deny in a service control policy",
            "explicit deny in a session policy",
        ]),
        class: Class::Auth,
        source: DENIED,
        examples: &[
            (
                403,
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/app is not authorized to perform: ses:SendEmail on resource: arn:aws:ses:eu-west-1:123456789012:identity/example.com with an explicit deny in a service control policy",
            ),
            (
                403,
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/app is not authorized to perform: ses:SendEmail on resource: arn:aws:ses:eu-west-1:123456789012:identity/example.com because no service control policy allows the ses:SendEmail action",
            ),
        ],
        ..BASE
    },
    // Sending through a configuration set needs a permission of its own.
    ApiRule {
        name: "ses_api_configuration_set_denied",
        status: Code::Range(400, 499),
        codes: &["AccessDeniedException", "AccessDenied"],
        text: Text::any(&[":configuration-set/"]),
        class: Class::Config,
        source: DENIED,
        examples: &[(
            403,
            "AccessDeniedException",
            "User `arn:aws:sts::123456789012:assumed-role/app/x' is not authorized to perform `ses:SendEmail' on resource `arn:aws:ses:eu-west-1:123456789012:configuration-set/events'",
        )],
        ..BASE
    },
    ApiRule {
        name: "ses_api_identity_denied",
        status: Code::Range(400, 499),
        codes: &["AccessDeniedException", "AccessDenied"],
        text: Text::any(&[":identity/"]),
        class: Class::SenderRefused,
        source: DENIED,
        examples: &[
            (
                403,
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/app is not authorized to perform: ses:SendEmail on resource: arn:aws:ses:eu-west-1:123456789012:identity/example.com",
            ),
            (
                403,
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/app is not authorized to perform: ses:SendEmail on resource: arn:aws:ses:eu-west-1:123456789012:identity/example.com because no identity-based policy allows the ses:SendEmail action",
            ),
        ],
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
        name: "ses_api_request_expired",
        status: Code::Range(400, 499),
        codes: &["RequestExpired", "RequestTimeTooSkewed"],
        class: Class::Config,
        hint: Some(Hint::Installation),
        source: COMMON,
        examples: &[(400, "RequestExpired", "Request has expired.")],
        ..BASE
    },
    ApiRule {
        name: "ses_api_region",
        status: Code::Range(400, 499),
        codes: &["RegionDisabledException"],
        class: Class::Config,
        source: "AWS STS API Reference, AssumeRole, Errors",
        examples: &[(
            403,
            "RegionDisabledException",
            "STS is not activated in this region for account:123456789012. Your account administrator can activate STS in this region using the IAM Console.",
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
            "SubscriptionRequiredException",
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
            (
                403,
                "AccessDenied",
                "User: arn:aws:iam::123456789012:user/app is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/mail",
            ),
            (
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            ),
            (
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
            ),
            (
                403,
                "SubscriptionRequiredException",
                "The AWS Access Key Id needs a subscription for the service",
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
        name: "ses_api_no_configuration_set",
        status: Code::Range(400, 499),
        codes: &["ConfigurationSetDoesNotExist", "ConfigurationSetDoesNotExistException"],
        class: Class::Config,
        source: V1,
        examples: &[(
            400,
            "ConfigurationSetDoesNotExist",
            "Configuration set <events> does not exist.",
        )],
        ..BASE
    },
    ApiRule {
        name: "ses_api_no_configuration_set_text",
        status: Code::Range(400, 499),
        text: Text::all(&["configuration set", "does not exist"]),
        class: Class::Config,
        source: ERRORS,
        examples: &[(400, "MessageRejected", "Configuration set does not exist")],
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
            (400, "BadRequestException", "Illegal address"),
            (
                400,
                "BadRequestException",
                "Local address contains control or whitespace",
            ),
            (400, "BadRequestException", "Domain contains control or whitespace"),
            (400, "InvalidParameterValue", "Recipient count exceeds 50."),
        ],
        ..BASE
    },
];
