//! Answers of the Gmail API. The code is the error's `reason`, or its `status` where it has none.

use super::rule::{ApiRule, Code, Text};
use crate::kind::ProviderKind;
use crate::outcome::Class;

const ERRORS: &str = "Gmail API, Resolve errors";
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
        hint: Some(crate::outcome::Hint::Installation),
        examples: &[(
            403,
            "accessNotConfigured",
            "Gmail API has not been used in project 42 before or it is disabled.",
        )],
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
        examples: &[(
            403,
            "insufficientPermissions",
            "Request had insufficient authentication scopes.",
        )],
        ..BASE
    },
    ApiRule {
        name: "gmail_no_mailbox",
        status: Code::Is(400),
        codes: &["failedPrecondition", "FAILED_PRECONDITION"],
        class: Class::Config,
        examples: &[(400, "failedPrecondition", "Mail service not enabled")],
        ..BASE
    },
    ApiRule {
        name: "gmail_bad_request",
        status: Code::Is(400),
        class: Class::MessageRefused,
        examples: &[
            (400, "invalidArgument", "Recipient address required"),
            (400, "invalid", "Invalid To header"),
        ],
        ..BASE
    },
];
