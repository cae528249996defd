//! Faults behind the errors of the AWS SDK.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use sendmux_rules::{Class, Outcome, ProviderKind, Stage};

use crate::fault::ApiFault;
use crate::http::RequestFailure;

/// The fault behind an error of the SDK: what AWS answered, or what the transport or the role's credentials said.
pub(super) fn fault_of<E>(kind: ProviderKind, error: &SdkError<E, HttpResponse>) -> Found
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(response) = error.raw_response() {
        let status = response.status().as_u16();
        let code = error.code().unwrap_or_default();
        let message = error.message().unwrap_or_default();
        return Found::Fault(Outcome::from_api(kind, status, code, message, None).into());
    }
    let mut deepest: &(dyn Error + 'static) = error;
    while let Some(cause) = deepest.source() {
        if let Some(fault) = cause.downcast_ref::<ApiFault>() {
            return Found::Fault(fault.clone());
        }
        if let Some(failure) = cause.downcast_ref::<RequestFailure>() {
            return Found::Failed(failure.clone());
        }
        deepest = cause;
    }
    Found::Fault(ApiFault::here(
        Class::Config,
        Stage::Connect,
        "local.bad_settings",
        deepest.to_string(),
    ))
}

/// Cause of an error of the SDK.
pub(super) enum Found {
    /// It is known what it means.
    Fault(ApiFault),
    /// There was no answer: what that means depends on how far the request got.
    Failed(RequestFailure),
}

impl Found {
    /// The fault of a call that hands nothing over.
    pub fn while_signing_in(self) -> ApiFault {
        match self {
            Self::Fault(fault) => fault,
            Self::Failed(failure) => failure.while_signing_in(),
        }
    }
}
