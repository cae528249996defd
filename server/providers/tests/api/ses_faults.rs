//! Every documented error of SES, replayed one by one to the real SDK.
//!
//! Amazon SES API v2 Reference: SendEmail, Errors; Common Errors. Developer Guide: email sending errors; errors related
//! to the sending quotas.

use sendmux_providers::{Connector, SesConnector};
use sendmux_rules::Class;

use crate::server::{Server, answer};
use crate::ses::settings;
use crate::{http, job};

const ERRORS: &[(u16, &str, &str, Class)] = &[
    (
        400,
        "AccountSuspendedException",
        "The account's ability to send email has been permanently restricted.",
        Class::Config,
    ),
    (
        400,
        "SendingPausedException",
        "Email sending is disabled for this account.",
        Class::Config,
    ),
    (
        400,
        "MailFromDomainNotVerifiedException",
        "The sending domain isn't verified.",
        Class::SenderRefused,
    ),
    (
        400,
        "MessageRejected",
        "Email address is not verified. The following identities failed the check in region EU-WEST-1: box@example.com",
        Class::SenderRefused,
    ),
    (
        400,
        "MessageRejected",
        "Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.",
        Class::Config,
    ),
    (
        400,
        "MessageRejected",
        "The message contains invalid content.",
        Class::MessageRefused,
    ),
    (
        400,
        "BadRequestException",
        "Missing final '@domain'",
        Class::MessageRefused,
    ),
    (
        400,
        "BadRequestException",
        "Message length is more than 41943040 bytes long: '50000000'.",
        Class::MessageRefused,
    ),
    (
        400,
        "LimitExceededException",
        "There are too many instances of the specified resource type.",
        Class::Throttled,
    ),
    (
        404,
        "NotFoundException",
        "Configuration set <events> does not exist.",
        Class::Config,
    ),
    (
        429,
        "TooManyRequestsException",
        "Too many requests have been made to the operation.",
        Class::Throttled,
    ),
    (
        400,
        "ThrottlingException",
        "Maximum sending rate exceeded.",
        Class::Throttled,
    ),
    (
        400,
        "ThrottlingException",
        "Daily message quota exceeded.",
        Class::Quota,
    ),
    (
        429,
        "TooManyRequestsException",
        "Daily message quota exceeded.",
        Class::Quota,
    ),
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::1:user/app is not authorized to perform: ses:SendEmail on resource: arn:aws:ses:eu-west-1:1:identity/example.com",
        Class::SenderRefused,
    ),
    (
        403,
        "AccessDeniedException",
        "You do not have sufficient access to perform this action.",
        Class::Auth,
    ),
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::1:user/app is not authorized to perform: ses:SendEmail on resource: arn:aws:ses:eu-west-1:1:identity/example.com with an explicit deny in a service control policy",
        Class::Auth,
    ),
    (
        403,
        "AccessDeniedException",
        "User `arn:aws:iam::1:user/app' is not authorized to perform `ses:SendEmail' on resource `arn:aws:ses:eu-west-1:1:configuration-set/events'",
        Class::Config,
    ),
    (
        403,
        "SubscriptionRequiredException",
        "The AWS Access Key Id needs a subscription for the service",
        Class::Auth,
    ),
    (400, "MessageRejected", "Account is paused", Class::Config),
    (
        403,
        "ExpiredTokenException",
        "The security token included in the request is expired",
        Class::Auth,
    ),
    (
        403,
        "IncompleteSignature",
        "The request signature does not conform to AWS standards.",
        Class::Auth,
    ),
    (
        403,
        "InvalidClientTokenId",
        "The X.509 certificate or AWS access key ID provided does not exist in our records.",
        Class::Auth,
    ),
    (
        403,
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.",
        Class::Auth,
    ),
    (
        403,
        "InvalidSignatureException",
        "Signature expired: 20260301T120000Z is now earlier than 20260301T121000Z",
        Class::Config,
    ),
    (
        403,
        "MissingAuthenticationToken",
        "The request must contain a valid AWS access key ID.",
        Class::Auth,
    ),
    (
        400,
        "NotAuthorized",
        "You do not have permission to perform this action.",
        Class::Auth,
    ),
    (
        403,
        "OptInRequired",
        "The AWS access key ID needs a subscription for the service.",
        Class::Auth,
    ),
    (
        403,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        Class::Auth,
    ),
    (
        400,
        "ValidationError",
        "The input fails to satisfy the constraints specified by an AWS service.",
        Class::MessageRefused,
    ),
    (
        400,
        "RequestExpired",
        "The request reached the service more than 15 minutes after the date stamp on the request.",
        Class::Config,
    ),
    (
        500,
        "InternalFailure",
        "The request processing has failed because of an unknown error.",
        Class::Connection,
    ),
    (
        503,
        "ServiceUnavailable",
        "The request has failed due to a temporary failure of the server.",
        Class::Connection,
    ),
];

#[tokio::test]
async fn the_documented_errors() {
    for (status, code, message, expected) in ERRORS {
        let body = serde_json::json!({ "message": message }).to_string();
        let server = Server::plays([answer(*status, body).header("x-amzn-errortype", *code)]).await;
        let connector = SesConnector::new(settings(&server), http());
        let report = connector.send(&job(&["a@example.com"])).await;
        assert_eq!(report.overall.class, *expected, "{status} {code}: {message}");
        let reply = report.overall.reply.clone().unwrap();
        assert_eq!(reply.code, *status);
        assert!(reply.text.starts_with(code), "{reply}");
        // Retries are off; only refused credentials are tried once more.
        let calls = if *expected == Class::Auth { 2 } else { 1 };
        assert_eq!(server.seen().len(), calls, "{code}");
        assert_eq!(report.overall.confirmed, *expected == Class::Auth);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_of_ses() {
    let server = Server::plays([answer(503, "<html>Service Unavailable</html>")]).await;
    let report = SesConnector::new(settings(&server), http())
        .send(&job(&["a@example.com"]))
        .await;
    assert_eq!(
        (report.overall.class, report.overall.rule),
        (Class::Connection, "http_server_error")
    );
}
