//! The managed route.

use super::model::{FeedbackItem, ManagedRoute, Outcome};
use crate::server::words::moment;
use sendmux_domain::managed::{IncreaseRequest, Route};
use sendmux_domain::system_mail::letters::why;
use sendmux_rules::managed::Feedback;
use sendmux_rules::{ProviderStatus, Timestamp};

/// A team's managed route on its card.
pub fn managed_route(route: Route, may_request: bool, now: Timestamp) -> ManagedRoute {
    ManagedRoute {
        provider_id: route.provider_id,
        address: route.address,
        cap: route.cap,
        used: route.used,
        resets: moment(route.resets_at, now),
        state: state(route.status).to_owned(),
        can_request: route.can_request,
        may_request,
        pending: route.pending.map(|request| moment(request.created_at, now)),
        awaits_viewer: false,
        decided: route.decided.and_then(|request| outcome(request, now)),
        suspended: route.suspension.as_ref().map(why),
        to_sandbox: route.to_sandbox,
        feedback: feedback(&route.feedback),
    }
}

fn outcome(request: IncreaseRequest, now: Timestamp) -> Option<Outcome> {
    Some(Outcome {
        granted: request.granted_cap,
        note: request.note,
        at: moment(request.decided_at?, now),
    })
}

/// State of a managed route, by its name in badges.
pub fn state(status: ProviderStatus) -> &'static str {
    match status {
        ProviderStatus::Active => "active",
        ProviderStatus::Inactive => "inactive",
        ProviderStatus::Pending => "setup",
        ProviderStatus::Suspended => "suspended",
    }
}

/// Bounces and complaints, with their percentages.
pub fn feedback(feedback: &Feedback) -> FeedbackItem {
    FeedbackItem {
        recipients: feedback.recipients,
        bounces: format!("{} ({:.1}%)", feedback.hard_bounces, feedback.bounce_percent()),
        complaints: format!("{} ({:.2}%)", feedback.complaints, feedback.complaint_percent()),
    }
}
