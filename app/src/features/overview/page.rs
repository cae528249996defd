//! `/overview`: the last 24 hours, what needs attention, and what a new team does first.

use super::api::get_overview;
use super::chart::HourlyChart;
use super::first_run::FirstRun;
use super::model::{Attention, Counts, HealthItem, OverviewView};
use super::waits::Waits;
use crate::browser;
use crate::components::{Card, Countdown, ErrorView, Icon, PageHeader, StatusBadge, WithFlash, icon, use_form};
use crate::features::keys::api::{CREATE_KEY, CreateKey};
use crate::features::managed::ManagedRouteCard;
use crate::layout::use_viewer;
use crate::model::grouped;
use leptos::prelude::*;
use leptos::reactive::computed::ScopedFuture;
use std::future::IntoFuture;

/// The overview of the team. It refreshes while it is looked at.
#[component]
pub fn Overview() -> impl IntoView {
    view! {
        <PageHeader title="Overview" lead="The last 24 hours of your team." />
        <WithFlash>
            <OverviewContent />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn OverviewContent() -> impl IntoView {
    let create = ServerAction::<CreateKey>::new();
    let form = use_form(CREATE_KEY, create);
    let overview = Resource::new(move || create.version().get(), |_| get_overview());
    let viewer = use_viewer();
    browser::while_visible(5, move || overview.refetch());

    view! {
        <Transition>
            {move || Suspend::new(async move {
                match overview.await {
                    Ok(view) => view! { <Urgent items=view.attention /> <Cards counts=view.counts /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
        <Transition>
            {move || Suspend::new(async move {
                let viewer = viewer.get().await.ok()?;
                // Untracked: it holds a form and a secret that is shown once, so it follows its own steps alone.
                ScopedFuture::new_untracked(overview.into_future()).await.ok()?;
                Some(view! { <FirstRun viewer overview create form /> })
            })}
        </Transition>
        <Transition>
            {move || Suspend::new(async move { overview.await.map(|view| view! { <Numbers view /> }).ok() })}
        </Transition>
        <ManagedRouteCard back="/overview" />
    }
    .into_any()
}

#[component]
fn Numbers(view: OverviewView) -> impl IntoView {
    view! {
        <div class="grid items-start gap-x-6 xl:grid-cols-[1fr_22rem]">
            <div class="min-w-0">
                <Waits waits=view.waits />
                <HourlyChart bars=view.bars />
            </div>
            <Health providers=view.providers />
        </div>
    }
    .into_any()
}

#[component]
fn Cards(counts: Counts) -> impl IntoView {
    let cards = [
        ("Accepted", counts.accepted, "last 24 hours", "/messages", Icon::Mail),
        (
            "Sent",
            counts.sent,
            "last 24 hours",
            "/messages?status=sent",
            Icon::CheckCircle,
        ),
        (
            "Failed",
            counts.failed,
            "last 24 hours",
            "/messages?status=failed",
            Icon::XCircle,
        ),
        (
            "Bounced",
            counts.bounced,
            "recipients, last 24 hours",
            "/messages?status=bounced",
            Icon::Undo,
        ),
        (
            "Complaints",
            counts.complained,
            "recipients, last 24 hours",
            "/messages?status=complained",
            Icon::Alert,
        ),
        ("Waiting", counts.waiting, "now", "/messages?status=queued", Icon::Clock),
        ("Sending", counts.sending, "now", "/messages?status=sending", Icon::Send),
        (
            "Retrying",
            counts.retrying,
            "now, of those waiting",
            "/messages?status=queued",
            Icon::Refresh,
        ),
    ];
    view! {
        <ul class="mb-6 grid grid-cols-2 gap-3 sm:grid-cols-4" aria-label="Counts">
            {cards
                .into_iter()
                .map(|(label, count, when, href, glyph)| {
                    view! {
                        <li>
                            <a class="card-surface block p-4 hover:border-primary" href=href data-card=label>
                                <span class="flex items-center justify-between gap-2 text-sm text-muted">
                                    {label} {icon(glyph, "size-4")}
                                </span>
                                <span class="mt-1 block text-2xl font-semibold tabular-nums">{grouped(count)}</span>
                                <span class="block text-xs text-muted">{when}</span>
                            </a>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

#[component]
fn Urgent(items: Vec<Attention>) -> impl IntoView {
    items
        .into_iter()
        .map(|item| {
            let class = if item.tone == "error" {
                "notice tone-error"
            } else {
                "notice tone-warning"
            };
            view! {
                <a class=class href=item.href>
                    {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")}
                    <span class="min-w-0 flex-1">
                        <span class="block font-medium">{item.title}</span>
                        <span class="block break-words">
                            {item.detail} {item.until.map(|at| view! { <span>" Ends " <Countdown at /> "."</span> })}
                        </span>
                    </span>
                    {icon(Icon::ChevronRight, "mt-0.5 size-4 shrink-0")}
                </a>
            }
        })
        .collect_view()
}

#[component]
fn Health(providers: Vec<HealthItem>) -> impl IntoView {
    view! {
        <Card title="Providers">
            <ul class="-my-2 divide-y divide-base-300">
                {providers
                    .into_iter()
                    .map(|provider| {
                        view! {
                            <li class="py-2.5">
                                <div class="flex items-center justify-between gap-3">
                                    <span class="min-w-0">
                                        <a class="block truncate text-sm font-medium hover:underline" href=format!("/providers/{}", provider.id)>
                                            {provider.name}
                                        </a>
                                        <span class="block text-sm text-muted">{provider.kind_label}</span>
                                    </span>
                                    <StatusBadge status=provider.state />
                                </div>
                                {provider
                                    .reason
                                    .map(|reason| {
                                        view! {
                                            <p class="mt-1 text-sm break-words text-muted">
                                                {reason}
                                                {provider.until.map(|at| view! { <span>" Ends " <Countdown at /> "."</span> })}
                                            </p>
                                        }
                                    })}
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </Card>
    }
    .into_any()
}
