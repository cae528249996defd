//! The card of the managed route: how much of the day is used, and how to get more.

use super::api::{INCREASE, RequestIncrease, get_managed_route};
use super::model::{FeedbackItem, ManagedRoute};
use crate::browser;
use crate::components::{Card, Detail, ErrorView, Icon, Notice, StatusBadge, Submit, Time, icon, use_form};
use crate::features::account::api::{SendVerification, VERIFY};
use leptos::prelude::*;

/// The managed route of the team. It stands within a `WithFlash`, and refreshes while it is looked at.
#[component]
pub fn ManagedRouteCard(
    /// The page, to come back to without scripts.
    back: &'static str,
) -> impl IntoView {
    let request = ServerAction::<RequestIncrease>::new();
    let route = Resource::new(move || request.version().get(), |_| get_managed_route());
    let form = use_form(INCREASE, request);
    let verify = ServerAction::<SendVerification>::new();
    let verifying = use_form(VERIFY, verify);
    browser::while_visible(10, move || route.refetch());
    view! {
        <Card title="Managed route" lead="Run by this installation, for transactional mail only: no newsletters, no advertising.">
            <Notice form />
            <Notice form=verifying />
            <Transition>
                {move || Suspend::new(async move {
                    match route.await {
                        Ok(route) => {
                            let ask = may_ask(&route)
                                .then(|| {
                                    view! {
                                        <ActionForm action=request>
                                            <input type="hidden" name="back" value=back />
                                            <Submit form label="Request an increase" busy="Requesting…" class="btn btn-primary btn-sm" />
                                        </ActionForm>
                                    }
                                });
                            let verification = route
                                .awaits_viewer
                                .then(|| {
                                    view! {
                                        <ActionForm action=verify>
                                            <input type="hidden" name="back" value=back />
                                            <Submit form=verifying label="Send the link again" busy="Sending…" class="btn btn-sm" />
                                        </ActionForm>
                                    }
                                });
                            view! { <Shown route /> {ask} {verification} }.into_any()
                        }
                        Err(error) => view! { <ErrorView error /> }.into_any(),
                    }
                })}
            </Transition>
        </Card>
    }
    .into_any()
}

fn may_ask(route: &ManagedRoute) -> bool {
    route.can_request && route.may_request
}

#[component]
fn Shown(route: ManagedRoute) -> impl IntoView {
    let ManagedRoute {
        address,
        cap,
        used,
        resets,
        state,
        can_request,
        may_request,
        pending,
        decided,
        suspended,
        to_sandbox,
        feedback,
        ..
    } = route;
    view! {
        {suspended
            .map(|why| {
                view! {
                    <div class="notice tone-error" role="status">
                        {icon(Icon::Ban, "mt-0.5 size-4 shrink-0")}
                        <div>
                            <p class="font-medium">"Suspended"</p>
                            <p>
                                {why}
                                ". Nothing is sent through it until the operator of this installation lifts the suspension. Remove the addresses that bounced from your lists, and send only what its recipients asked for."
                            </p>
                        </div>
                    </div>
                }
            })}
        {(state == "setup")
            .then(|| {
                view! {
                    <div class="notice tone-warning" role="status">
                        {icon(Icon::Clock, "mt-0.5 size-4 shrink-0")}
                        <p>"It opens once the address of the team's owner is verified: open the link in the mail that was sent to it. Until then the team sends test messages only."</p>
                    </div>
                }
            })}
        <div class="mb-4">
            <UsageBar used cap />
            <p class="mt-1 text-sm text-muted">"The day begins anew at 00:00 UTC, " <Time at=resets /> "."</p>
        </div>
        {pending
            .map(|at| {
                view! {
                    <p class="mb-4 flex items-center gap-2 text-sm" data-increase="pending">
                        <StatusBadge status="pending" />
                        <span>"An increase was requested " <Time at /> ". You get a mail with the outcome."</span>
                    </p>
                }
            })}
        {(can_request && !may_request)
            .then(|| {
                view! { <p class="mb-4 text-sm text-muted">"An owner, admin or developer of this team can request an increase."</p> }
            })}
        <dl class="-my-1 mb-3 divide-y divide-base-300">
            <Detail name="Status"><StatusBadge status=state /></Detail>
            <Detail name="Sends as"><code class="break-all">{address}</code></Detail>
            <Detail name="Last 7 days"><FeedbackNumbers feedback /></Detail>
            {decided
                .map(|outcome| {
                    let (status, text) = match outcome.granted {
                        Some(cap) => ("approved", format!("{cap} recipients a day. ")),
                        None => ("denied", String::new()),
                    };
                    view! {
                        <Detail name="Last request">
                            <StatusBadge status />
                            " "
                            {text}
                            <Time at=outcome.at />
                            {outcome.note.map(|note| view! { <span class="mt-1 block whitespace-pre-line">{note}</span> })}
                        </Detail>
                    }
                })}
        </dl>
        {to_sandbox
            .then(|| {
                view! {
                    <p class="mb-3 text-sm text-muted">
                        "This installation has no Amazon SES account: what is sent through the managed route lands in the "
                        <a class="link" href="/sandbox">"sandbox"</a> "."
                    </p>
                }
            })}
    }
    .into_any()
}

/// Used part of a day's cap.
#[component]
pub fn UsageBar(
    /// Recipients of this day.
    used: u32,
    /// Recipients a day.
    cap: u32,
) -> impl IntoView {
    let near = cap > 0 && u64::from(used) * 5 >= u64::from(cap) * 4;
    let class = if near {
        "progress progress-warning block w-full"
    } else {
        "progress progress-primary block w-full"
    };
    view! {
        <p class="mb-1 text-sm">
            <span class="font-semibold tabular-nums">{used}</span>
            " of "
            <span class="tabular-nums">{cap}</span>
            " recipients today"
        </p>
        <progress class=class max=cap.max(1) value=used.min(cap) aria-label="Used today"></progress>
    }
    .into_any()
}

/// Recipients, bounces and complaints within 7 days.
#[component]
pub fn FeedbackNumbers(
    /// The numbers.
    feedback: FeedbackItem,
) -> impl IntoView {
    view! {
        <span class="tabular-nums">
            {feedback.recipients} " recipients, " {feedback.bounces} " hard bounces, " {feedback.complaints} " complaints"
        </span>
    }
    .into_any()
}
