//! OAuth callback of a sign-in that failed (RFC 6749 section 4.1.2.1).

use std::fmt;

use super::app::OAuthService;

/// The `error` of a callback (RFC 6749 section 4.1.2.1). Displays as a sentence for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackError {
    /// The user said no, or closed the page.
    Cancelled,
    /// Only an administrator of the organisation may consent: show the admin-consent link.
    AdminConsentRequired,
    /// The organisation does not let its users use this application.
    BlockedByOrganisation(OAuthService),
    /// The application as it is registered cannot be used; the operator of the installation has to look.
    Application(OAuthService),
    /// The service is at fault, for now.
    TryAgain(OAuthService),
}

impl CallbackError {
    /// Reads `error` and `error_description` of a callback. Both come from the browser and are not repeated.
    pub fn read(service: OAuthService, error: &str, description: &str) -> Self {
        // Microsoft Entra authentication and authorization error codes.
        let says = |codes: &[&str]| codes.iter().any(|code| description.contains(code));
        if says(&["AADSTS65001", "AADSTS90094", "AADSTS90008"]) {
            return Self::AdminConsentRequired;
        }
        if says(&["AADSTS65004"]) {
            return Self::Cancelled;
        }
        if says(&["AADSTS50105", "AADSTS53003", "AADSTS65005", "AADSTS90093"]) {
            return Self::BlockedByOrganisation(service);
        }
        match error {
            "access_denied" => Self::Cancelled,
            "consent_required" | "interaction_required" => Self::AdminConsentRequired,
            "admin_policy_enforced" | "org_internal" | "disallowed_useragent" => Self::BlockedByOrganisation(service),
            "invalid_request"
            | "unauthorized_client"
            | "unsupported_response_type"
            | "invalid_scope"
            | "invalid_client"
            | "redirect_uri_mismatch"
            | "invalid_resource" => Self::Application(service),
            _ => Self::TryAgain(service),
        }
    }
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("Nothing was connected: the sign-in was cancelled."),
            Self::AdminConsentRequired => f.write_str(
                "Your organisation lets only an administrator approve this. Send the approval link to one, and connect \
                 again afterwards.",
            ),
            Self::BlockedByOrganisation(service) => write!(
                f,
                "Your organisation does not allow Sendmux to use its {} mailboxes. Ask an administrator to allow it.",
                service.name()
            ),
            Self::Application(service) => write!(
                f,
                "{} does not accept this installation's application. The operator has to check how it is registered.",
                service.name()
            ),
            Self::TryAgain(service) => write!(f, "{} could not complete the sign-in. Try again.", service.name()),
        }
    }
}

impl std::error::Error for CallbackError {}
