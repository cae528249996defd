//! Waiting messages: for what they wait, and when the next of them goes.

use super::model::WaitItem;
use crate::components::{Card, Countdown, Icon, icon};
use crate::model::{Moment, grouped};
use leptos::prelude::*;

/// The messages that wait, by reason; nothing while none does.
#[component]
pub fn Waits(
    /// Waiting messages.
    waits: Vec<WaitItem>,
) -> impl IntoView {
    if waits.is_empty() {
        return ().into_any();
    }
    view! {
        <Card title="What waits">
            <ul class="-my-2 divide-y divide-base-300">{waits.into_iter().map(|wait| view! { <Wait wait /> }).collect_view()}</ul>
            <p class="mt-4 text-sm"><a class="link" href="/messages?status=queued">"Show these messages"</a></p>
        </Card>
    }
    .into_any()
}

#[component]
fn Wait(wait: WaitItem) -> impl IntoView {
    let glyph = match wait.reason.as_str() {
        "cap" | "scheduled" => Icon::Clock,
        "throttled" => Icon::Pause,
        "blocked" => Icon::Ban,
        "retry" => Icon::Refresh,
        _ => Icon::Send,
    };
    let is_line = wait.reason.is_empty();
    let when = |next: Option<Moment>, by_hand: bool| match next {
        Some(at) => view! { <span>"the next goes " <Countdown at /></span> }.into_any(),
        None if by_hand => view! { <span class="text-danger">"until somebody puts one back"</span> }.into_any(),
        None => "now".into_any(),
    };
    let by_hand = wait.by_hand;
    // With one scope the line says it all.
    let scopes = if wait.scopes.len() > 1 {
        wait.scopes.clone()
    } else {
        Vec::new()
    };
    let only = wait
        .scopes
        .first()
        .filter(|_| wait.scopes.len() == 1)
        .map(|scope| scope.scope.clone());
    view! {
        <li class="py-2.5 text-sm" data-waiting-reason=wait.reason.clone()>
            <div class="flex flex-wrap items-center gap-x-3 gap-y-0.5">
                <span class="flex items-center gap-2">
                    {icon(glyph, "size-4 shrink-0 self-center text-muted")}
                    <span class="text-base font-semibold tabular-nums">{grouped(wait.messages)}</span>
                    <span>{wait.label}</span>
                </span>
                <span class="text-muted">{only}</span>
                <span class="text-muted sm:ml-auto">{(!is_line).then(|| when(wait.next, by_hand))}</span>
            </div>
            {(!scopes.is_empty())
                .then(|| {
                    view! {
                        <ul class="mt-1 space-y-0.5 pl-6 text-muted">
                            {scopes
                                .into_iter()
                                .map(|scope| {
                                    view! {
                                        <li class="flex flex-wrap gap-x-3">
                                            <span class="tabular-nums">{grouped(scope.messages)}</span>
                                            <span class="min-w-0 break-words">{scope.scope}</span>
                                            <span class="sm:ml-auto">{(!is_line).then(|| when(scope.next, by_hand))}</span>
                                        </li>
                                    }
                                })
                                .collect_view()}
                        </ul>
                    }
                })}
        </li>
    }
    .into_any()
}
