//! HTTP statuses, for what no provider's own table knows, and the errors of OAuth token endpoints.

use super::rule::{ApiRule, Code, PERMANENT, Text};
use crate::outcome::{Class, Hint};

const HTTP: &str = "RFC 9110 section 15, status codes";
const TOO_MANY: &str = "RFC 6585 section 4";
const OAUTH: &str = "RFC 6749 section 5.2";
const ENTRA: &str = "Microsoft Entra authentication and authorization error codes";

pub(super) const RULES: &[ApiRule] = &[
    ApiRule {
        name: "http_accepted",
        status: Code::Range(200, 299),
        class: Class::Accepted,
        source: HTTP,
        examples: &[(200, "", ""), (202, "", "")],
        ..ApiRule::BASE
    },
    // The address of an API is a setting: a message has no part in what it leads to.
    ApiRule {
        name: "http_redirect",
        status: Code::Range(300, 399),
        class: Class::Config,
        source: HTTP,
        examples: &[(301, "", "Moved Permanently"), (307, "", "")],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "http_no_such_api",
        status: Code::OneOf(&[404, 405, 410]),
        class: Class::Config,
        source: HTTP,
        examples: &[(404, "", "Not Found"), (405, "", "Method Not Allowed")],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "http_too_many_requests",
        status: Code::Is(429),
        class: Class::Throttled,
        source: TOO_MANY,
        examples: &[(429, "", "Too Many Requests")],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "http_unauthorized",
        status: Code::Is(401),
        class: Class::Auth,
        source: HTTP,
        examples: &[
            (401, "authError", "Invalid Credentials"),
            (401, "InvalidAuthenticationToken", "Access token has expired."),
        ],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "http_too_large",
        status: Code::Is(413),
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        source: HTTP,
        examples: &[(413, "", "Request Too Large")],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "http_request_timeout",
        status: Code::Is(408),
        class: Class::Connection,
        source: HTTP,
        examples: &[(408, "RequestTimeoutException", "")],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "http_retry_after",
        status: Code::OneOf(&[400, 403, 503]),
        text: Text {
            delay: true,
            ..Text::ANY
        },
        class: Class::Throttled,
        source: "RFC 9110 section 10.2.3",
        examples: &[(503, "", "Please try again in 30 seconds")],
        ..ApiRule::BASE
    },
    // After those that ask for patience: what is left is about the rights of the account.
    ApiRule {
        name: "http_forbidden",
        status: Code::Is(403),
        class: Class::Auth,
        source: HTTP,
        examples: &[(403, "AccessBlocked", "Access has been blocked by policy.")],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "http_server_error",
        status: PERMANENT,
        class: Class::Connection,
        source: HTTP,
        examples: &[(500, "backendError", "Backend Error"), (502, "", "Bad Gateway")],
        ..ApiRule::BASE
    },
];

/// Errors of token endpoints, for every kind.
pub(super) const TOKEN_RULES: &[ApiRule] = &[
    ApiRule {
        name: "token_application",
        text: Text::any(&["aadsts7000222", "aadsts7000215", "aadsts700016"]),
        class: Class::Config,
        hint: Some(Hint::Installation),
        source: ENTRA,
        examples: &[
            (
                401,
                "invalid_client",
                "AADSTS7000222: The provided client secret keys for app are expired.",
            ),
            (
                400,
                "unauthorized_client",
                "AADSTS700016: Application with identifier was not found in the directory.",
            ),
        ],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "token_client",
        codes: &[
            "invalid_client",
            "unauthorized_client",
            "deleted_client",
            "org_internal",
        ],
        class: Class::Config,
        hint: Some(Hint::Installation),
        source: OAUTH,
        examples: &[(401, "invalid_client", "The OAuth client was not found.")],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "token_grant",
        codes: &[
            "invalid_grant",
            "interaction_required",
            "consent_required",
            "login_required",
            "access_denied",
        ],
        class: Class::Auth,
        source: OAUTH,
        examples: &[
            (400, "invalid_grant", "Token has been expired or revoked."),
            (
                400,
                "interaction_required",
                "AADSTS50076: you must use multi-factor authentication.",
            ),
        ],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "token_too_many_requests",
        status: Code::Is(429),
        class: Class::Throttled,
        source: TOO_MANY,
        examples: &[(429, "", "")],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "token_server_error",
        class: Class::Connection,
        source: OAUTH,
        examples: &[
            (503, "temporarily_unavailable", ""),
            (200, "", "not a token"),
            (400, "invalid_request", ""),
        ],
        ..ApiRule::BASE
    },
];
