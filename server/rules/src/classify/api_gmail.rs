//! Answers of the Gmail API. The code is the error's `reason`, or its `status` where it has none.

use super::rule::{ApiRule, Code, Text};
use crate::kind::ProviderKind;
use crate::outcome::{Class, Hint};

const ERRORS: &str = "Gmail API, Resolve errors";
const LIMITS: &str = "Gmail API, Usage limits; Google Cloud, Quota errors";
const SEEN: &str = "googleapis/google-api-dotnet-client, issue 856";
const KIND: &[ProviderKind] = &[ProviderKind::Gmail];
const BASE: ApiRule = ApiRule {
    kinds: KIND,
    source: ERRORS,
    ..ApiRule::BASE
};

pub(super) const RULES: &[ApiRule] = &[
    ApiRule {
        name: "gmail_daily_limit",
        status: Code::OneOf(&[403, 429]),
        codes: &["dailyLimitExceeded", "dailyLimitExceededUnreg"],
        class: Class::Quota,
        examples: &[(403, "dailyLimitExceeded", "Daily Limit Exceeded")],
        ..BASE
    },
    // The daily limit has the same reason and status as the limit for a minute; the name of the limit tells them apart.
    ApiRule {
        name: "gmail_daily_metric",
        status: Code::OneOf(&[403, 429]),
        text: Text {
            any: &["per day"],
            ..Text::all(&["quota metric"])
        },
        class: Class::Quota,
        source: LIMITS,
        examples: &[(
            429,
            "rateLimitExceeded",
            "Quota exceeded for quota metric 'Queries' and limit 'Queries per day' of service 'gmail.googleapis.com' for consumer 'project_number:42'.",
        )],
        ..BASE
    },
    ApiRule {
        name: "gmail_mail_sending",
        status: Code::OneOf(&[403, 429]),
        text: Text::any(&["mail sending", "mail-sending"]),
        class: Class::Quota,
        examples: &[(
            429,
            "rateLimitExceeded",
            "User-rate limit exceeded.  Retry after 2026-03-01T12:00:00.000Z (Mail sending)",
        )],
        ..BASE
    },
    ApiRule {
        name: "gmail_rate",
        status: Code::OneOf(&[403, 429]),
        codes: &[
            "rateLimitExceeded",
            "userRateLimitExceeded",
            "quotaExceeded",
            "RATE_LIMIT_EXCEEDED",
            "RESOURCE_EXHAUSTED",
        ],
        class: Class::Throttled,
        examples: &[
            (403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
            (403, "rateLimitExceeded", "Rate Limit Exceeded"),
            (429, "rateLimitExceeded", "Too many concurrent requests for user"),
            (
                403,
                "userRateLimitExceeded",
                "User-rate limit exceeded.  Retry after 2026-03-01T12:00:00.000Z",
            ),
            (
                403,
                "rateLimitExceeded",
                "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service 'gmail.googleapis.com' for consumer 'project_number:42'.",
            ),
            (
                429,
                "RESOURCE_EXHAUSTED",
                "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "gmail_domain_policy",
        status: Code::Is(403),
        codes: &["domainPolicy"],
        class: Class::Config,
        examples: &[(
            403,
            "domainPolicy",
            "The domain administrators have disabled Gmail apps.",
        )],
        ..BASE
    },
    ApiRule {
        name: "gmail_api_disabled",
        status: Code::Is(403),
        codes: &["accessNotConfigured", "SERVICE_DISABLED"],
        class: Class::Config,
        hint: Some(Hint::Installation),
        examples: &[
            (
                403,
                "accessNotConfigured",
                "Gmail API has not been used in project 42 before or it is disabled.",
            ),
            (
                403,
                "SERVICE_DISABLED",
                "Gmail API has not been used in project 42 before.",
            ),
        ],
        ..BASE
    },
    ApiRule {
        name: "gmail_scope",
        status: Code::Is(403),
        codes: &[
            "insufficientPermissions",
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "PERMISSION_DENIED",
            "forbidden",
        ],
        class: Class::Auth,
        examples: &[
            (
                403,
                "insufficientPermissions",
                "Request had insufficient authentication scopes.",
            ),
            (403, "forbidden", "Delegation denied for box@example.com"),
        ],
        ..BASE
    },
    ApiRule {
        name: "gmail_no_mailbox",
        status: Code::Is(400),
        codes: &["failedPrecondition", "FAILED_PRECONDITION"],
        class: Class::Config,
        examples: &[
            (400, "failedPrecondition", "Mail service not enabled"),
            (400, "failedPrecondition", "Precondition check failed."),
        ],
        ..BASE
    },
    ApiRule {
        name: "gmail_too_large",
        status: Code::Is(400),
        text: Text::any(&["payload size exceeds", "message too large"]),
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        source: SEEN,
        examples: &[(
            400,
            "badRequest",
            "Request payload size exceeds the limit: 36700160 bytes.",
        )],
        ..BASE
    },
    ApiRule {
        name: "gmail_bad_request",
        status: Code::Is(400),
        class: Class::MessageRefused,
        examples: &[
            (400, "invalidArgument", "Recipient address required"),
            (400, "invalidArgument", "Invalid To header"),
            (400, "badRequest", "Bad Request"),
        ],
        ..BASE
    },
];
