//! Pages of the operator.

use super::model::{EndpointItem, FaultItem, RequestItem, TeamItem};
use crate::features::managed::convert::{feedback, state};
use crate::server::words::moment;
use sendmux_domain::feedback::EndpointView;
use sendmux_domain::installation::Fault;
use sendmux_domain::managed::{Review, TeamLine};
use sendmux_domain::system_mail::letters::why;
use sendmux_rules::{ProviderKind, Timestamp};

/// A request in the operator's queue.
pub fn request_item(review: Review, now: Timestamp) -> RequestItem {
    let request = review.request;
    RequestItem {
        id: request.public_id,
        status: request.status.as_str().to_owned(),
        team: review.team,
        team_created: moment(review.team_created_at, now),
        requested_by: review.requested_by,
        created: moment(request.created_at, now),
        current_cap: request.current_cap,
        cap: review.cap,
        granted: request.granted_cap,
        note: request.note,
        decided: request.decided_at.map(|at| moment(at, now)),
        used: review.used,
        feedback: feedback(&review.feedback),
        suspended: review.suspended,
    }
}

/// A team in the operator's list.
pub fn team_item(team: TeamLine, now: Timestamp) -> TeamItem {
    TeamItem {
        id: team.public_id,
        name: team.name,
        address: team.address,
        owners: team.owners,
        created: moment(team.created_at, now),
        cap: team.cap,
        used: team.used,
        feedback: feedback(&team.feedback),
        state: state(team.status).to_owned(),
        suspended: team.suspension.as_ref().map(why),
    }
}

/// Something of the installation that its operator has to mend.
pub fn fault_item(fault: Fault, now: Timestamp) -> FaultItem {
    let (title, advice) = match fault.kind {
        ProviderKind::Gmail => (
            "Google refuses this installation",
            "Look at google_client_id and google_client_secret, correct them, and restart. No Gmail mailbox can send until then; nobody has to connect again.",
        ),
        ProviderKind::Microsoft365 => (
            "Microsoft refuses this installation",
            "Look at microsoft_client_id and microsoft_client_secret (it may have expired), correct them, and restart. No Microsoft 365 mailbox can send until then; nobody has to connect again.",
        ),
        ProviderKind::Ses | ProviderKind::ManagedSes => (
            "Amazon refuses the requests of this installation",
            "Look at the clock of this machine: Amazon takes no request that is more than five minutes off.",
        ),
        _ => ("This installation is refused", "Look at the configuration."),
    };
    FaultItem {
        title: title.to_owned(),
        advice: advice.to_owned(),
        cause: fault.cause,
        at: moment(fault.at, now),
    }
}

/// Endpoint to which notifications are posted.
pub fn endpoint(endpoint: EndpointView, now: Timestamp) -> EndpointItem {
    EndpointItem {
        url: endpoint.url,
        topic: endpoint.topic_arn,
        last: endpoint.last_received_at.map(|at| moment(at, now)),
    }
}
