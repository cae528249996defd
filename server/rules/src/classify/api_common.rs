//! HTTP statuses, for answers that no provider's own table covers, and the errors of OAuth token endpoints.

use super::rule::{ApiRule, Code, PERMANENT, Text};
use crate::outcome::{Class, Hint};

const HTTP: &str = "RFC 9110 section 15, status codes";
const TOO_MANY: &str = "RFC 6585 section 4";
const OAUTH: &str = "RFC 6749 section 5.2";
const ENTRA: &str = "Microsoft Entra authentication and authorization error codes";
const GOOGLE: &str = "Google Identity, Using OAuth 2.0 for Web Server Applications, Errors";

pub(super) const RULES: &[ApiRule] = &[
    ApiRule {
        name: "http_accepted",
        status: Code::Range(200, 299),
        class: Class::Accepted,
        source: HTTP,
        examples: &[(200, "", ""), (202, "", "")],
        ..ApiRule::BASE
    },
    // The address of an API is a setting: a redirect has nothing to do with the message.
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
            (
                401,
                "InvalidAuthenticationToken",
                "CompactToken parsing failed with error code: 80049217",
            ),
            (
                401,
                "InvalidAuthenticationToken",
                "IDX14100: JWT is not well formed, there are no dots (.).",
            ),
        ],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "http_too_large",
        status: Code::Is(413),
        class: Class::MessageRefused,
        hint: Some(Hint::TooLarge),
        source: HTTP,
        examples: &[(413, "", "Request Too Large"), (413, "uploadTooLarge", "")],
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
    // After the rows for throttling: the remaining 403s are about the rights of the account.
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
///
/// Microsoft's numbers come first: `invalid_grant` means revoked grants, but also a busy service or a mistake in the
/// application's registration. The colon is part of each number, since one number may be the beginning of another.
pub(super) const TOKEN_RULES: &[ApiRule] = &[
    ApiRule {
        name: "token_application",
        text: Text::any(&[
            // Its registration: unknown, or not in this directory.
            "aadsts700016:",
            "aadsts700011:",
            "aadsts70001:",
            "aadsts7000112:",
            "aadsts90002:",
            "aadsts50194:",
            "aadsts90130:",
            "aadsts9002332:",
            // Its secret.
            "aadsts7000215:",
            "aadsts7000218:",
            "aadsts7000222:",
            "aadsts70002:",
            "aadsts700025:",
            // The permissions that it requests.
            "aadsts65005:",
            "aadsts650056:",
            "aadsts650057:",
            "aadsts70011:",
        ]),
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
            (400, "unauthorized_client", "AADSTS7000112: Application is disabled."),
            (
                400,
                "invalid_request",
                "AADSTS90002: Tenant 'example' not found. Check to make sure you have the correct tenant ID.",
            ),
        ],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "token_entra_busy",
        text: Text::any(&["aadsts50196:", "aadsts90055:", "aadsts50088:", "aadsts50166:"]),
        class: Class::Throttled,
        source: "Microsoft identity platform, What's new: AADSTS50196; Microsoft Entra error codes",
        examples: &[
            (
                400,
                "invalid_grant",
                "AADSTS50196: The server terminated an operation because it encountered a loop while processing a request.",
            ),
            (
                400,
                "invalid_request",
                "AADSTS90055: There are too many incoming requests.",
            ),
        ],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "token_entra_fails",
        text: Text::any(&[
            "aadsts40010:",
            "aadsts50000:",
            "aadsts50033:",
            "aadsts50087:",
            "aadsts70012:",
            "aadsts80001:",
            "aadsts80002:",
            "aadsts90006:",
            "aadsts90012:",
            "aadsts90024:",
            "aadsts90033:",
            "aadsts90090:",
            "aadsts90091:",
        ]),
        class: Class::Connection,
        source: ENTRA,
        examples: &[
            (
                400,
                "invalid_grant",
                "AADSTS90033: A transient error has occurred. Please try again.",
            ),
            (
                400,
                "invalid_request",
                "AADSTS90024: Request budget exceeded. A transient error has occurred.",
            ),
        ],
        ..ApiRule::BASE
    },
    ApiRule {
        name: "token_client",
        codes: &[
            "deleted_client",
            "disabled_client",
            "invalid_client",
            "invalid_scope",
            "org_internal",
            "unauthorized_client",
            "unsupported_grant_type",
        ],
        class: Class::Config,
        hint: Some(Hint::Installation),
        source: OAUTH,
        examples: &[
            (401, "invalid_client", "The OAuth client was not found."),
            (401, "deleted_client", "The OAuth client was deleted."),
            (401, "disabled_client", "The OAuth client was disabled."),
        ],
        ..ApiRule::BASE
    },
    // Set by an administrator of the mailbox's organisation, for all of its mailboxes.
    ApiRule {
        name: "token_domain_policy",
        codes: &["admin_policy_enforced"],
        class: Class::Config,
        source: GOOGLE,
        examples: &[(
            400,
            "admin_policy_enforced",
            "The Google Account is unable to authorize one or more scopes requested due to the policies of their Google Workspace administrator.",
        )],
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
            (400, "invalid_grant", "Account has been deleted"),
            (400, "invalid_grant", "reauth related error (invalid_rapt)"),
            (
                400,
                "invalid_grant",
                "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed.",
            ),
            (
                400,
                "invalid_grant",
                "AADSTS700082: The refresh token has expired due to inactivity.",
            ),
            (
                400,
                "invalid_grant",
                "AADSTS65001: The user or administrator has not consented to use the application.",
            ),
            (400, "invalid_grant", "AADSTS50057: The user account is disabled."),
            (
                400,
                "invalid_grant",
                "AADSTS53003: Access has been blocked by Conditional Access policies.",
            ),
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
