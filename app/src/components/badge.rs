//! Status badges: an icon and a word, so that colour is never the only sign.

use crate::components::{Icon, icon};
use leptos::prelude::*;

/// A word in a tone: `success`, `info`, `warning`, `error` or `neutral`.
#[component]
pub fn Badge(
    /// The tone.
    tone: &'static str,
    /// The icon.
    glyph: Icon,
    /// The word.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let class = match tone {
        "success" => "tone tone-success",
        "info" => "tone tone-info",
        "warning" => "tone tone-warning",
        "error" => "tone tone-error",
        _ => "tone tone-neutral",
    };
    view! { <span class=class>{icon(glyph, "size-3.5 shrink-0")} {label}</span> }.into_any()
}

/// The state of a message, a recipient or a provider.
#[component]
pub fn StatusBadge(
    /// Its written name.
    #[prop(into)]
    status: String,
) -> impl IntoView {
    let (tone, glyph, label) = match status.as_str() {
        "queued" => ("info", Icon::Clock, "Queued"),
        "pending" => ("info", Icon::Clock, "Pending"),
        "sending" => ("info", Icon::Send, "Sending"),
        "sent" => ("success", Icon::Check, "Sent"),
        "partially_sent" => ("warning", Icon::Alert, "Partly sent"),
        "failed" => ("error", Icon::XCircle, "Failed"),
        "delivered" => ("success", Icon::CheckCircle, "Delivered"),
        "delayed" => ("warning", Icon::Clock, "Delayed"),
        "soft_bounced" => ("warning", Icon::Undo, "Bounced for now"),
        "bounced" => ("error", Icon::Undo, "Bounced"),
        "complained" => ("error", Icon::Alert, "Complained"),
        "rejected" => ("error", Icon::Ban, "Rejected"),
        "cancelled" => ("neutral", Icon::Ban, "Cancelled"),
        "active" => ("success", Icon::Check, "Active"),
        "paused" => ("warning", Icon::Pause, "Paused"),
        "full" => ("warning", Icon::Clock, "At its cap"),
        "blocked" => ("error", Icon::Ban, "Blocked"),
        "suspended" => ("error", Icon::Ban, "Suspended"),
        "approved" => ("success", Icon::Check, "Approved"),
        "denied" => ("error", Icon::XCircle, "Denied"),
        "inactive" => ("neutral", Icon::Power, "Switched off"),
        "setup" => ("warning", Icon::Clock, "Not set up yet"),
        "revoked" => ("neutral", Icon::Ban, "Revoked"),
        "expired" => ("neutral", Icon::Clock, "Expired"),
        _ => ("neutral", Icon::Info, ""),
    };
    let label = if label.is_empty() { status } else { label.to_owned() };
    view! { <Badge tone glyph label /> }.into_any()
}

/// Mode of a key or a message: live or test.
#[component]
pub fn ModeBadge(
    /// `live` or `test`.
    #[prop(into)]
    mode: String,
) -> impl IntoView {
    if mode == "test" {
        view! { <Badge tone="warning" glyph=Icon::Flask label="Test" /> }
    } else {
        view! { <Badge tone="neutral" glyph=Icon::Bolt label="Live" /> }
    }
}
