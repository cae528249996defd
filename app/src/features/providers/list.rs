//! `/providers`: what the team sends through.

use super::actions::{Buttons, Outcomes, ProviderActions};
use super::api::list_providers;
use super::caps::CapBar;
use super::model::{CapItem, ProviderItem};
use crate::browser;
use crate::components::{
    Countdown, EmptyState, ErrorView, Icon, NewButton, PageHeader, Rows, ShareBar, StatusBadge, Time, WithFlash,
};
use crate::features::managed::ManagedRouteCard;
use crate::layout::use_viewer;
use leptos::prelude::*;

/// The list of providers.
#[component]
pub fn Providers() -> impl IntoView {
    view! {
        <PageHeader title="Providers" lead="The accounts that your messages are sent through.">
            <NewButton href="/providers/new" label="Add a provider" />
        </PageHeader>
        <WithFlash>
            <ProviderList />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn ProviderList() -> impl IntoView {
    let actions = ProviderActions::new();
    let providers = Resource::new(move || actions.version(), |_| list_providers());
    let viewer = use_viewer();
    Effect::watch(move || actions.version(), |_, _, _| browser::close_confirms(), false);
    browser::while_visible(10, move || providers.refetch());
    view! {
        <Outcomes actions />
        <Transition>
            {move || Suspend::new(async move {
                let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                match providers.await {
                    Ok(providers) => view! { <Table providers can_configure actions /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
        <div class="mt-6"><ManagedRouteCard back="/providers" /></div>
    }
    .into_any()
}

#[component]
fn Table(providers: Vec<ProviderItem>, can_configure: bool, actions: ProviderActions) -> impl IntoView {
    let has_own = providers.iter().any(|provider| provider.editable);
    view! {
        <section class="card-surface" aria-label="Providers">
            <Rows columns=&["Name", "Status", "Share", "Caps", "Last used"] actions=true>
                {providers
                    .into_iter()
                    .map(|provider| view! { <Row provider can_configure actions /> })
                    .collect_view()}
            </Rows>
            {(!has_own)
                .then(|| {
                    view! {
                        <div class="border-t border-base-300">
                            <EmptyState
                                glyph=Icon::Server
                                title="No provider of your own yet"
                                text="Until you add one, messages go through the managed route. Add a provider, and they leave under your own sender address."
                            />
                        </div>
                    }
                })}
        </section>
    }
    .into_any()
}

#[component]
fn Row(provider: ProviderItem, can_configure: bool, actions: ProviderActions) -> impl IntoView {
    let page = format!("/providers/{}", provider.id);
    let server = provider
        .smtp
        .as_ref()
        .map(|smtp| format!("{}:{}", smtp.host, smtp.port));
    let weight = provider
        .editable
        .then(|| format!("Weight {}", provider.weight.unwrap_or(100)));
    let share = (provider.kind != "sandbox").then_some(provider.share_now);
    let caps = tightest(&provider.caps);
    let last_used = match provider.last_used.clone() {
        Some(at) => view! { <Time at /> }.into_any(),
        None => "Never".into_any(),
    };
    let buttons = can_configure.then(|| view! { <Buttons provider=provider.clone() actions back="/providers" /> });
    view! {
        <tr data-provider=provider.id.clone()>
            <th scope="row">
                <a class="font-medium hover:underline" href=page>{provider.name.clone()}</a>
                <span class="block text-sm font-normal text-muted">{provider.kind_label.clone()}</span>
                {provider
                    .mailbox
                    .clone()
                    .and_then(|mailbox| mailbox.email)
                    .filter(|email| *email != provider.name)
                    .map(|email| view! { <span class="block text-sm font-normal break-all text-muted">{email}</span> })}
                {provider
                    .ses
                    .clone()
                    .map(|ses| view! { <span class="block text-sm font-normal text-muted">{ses.region}</span> })}
                {server.map(|server| view! { <span class="block text-sm font-normal break-all text-muted">{server}</span> })}
            </th>
            <td data-label="Status"><ProviderState provider=provider.clone() /></td>
            <td data-label="Share">
                <ShareBar share />
                {weight.map(|weight| view! { <span class="mt-0.5 block text-muted">{weight}</span> })}
            </td>
            <td data-label="Caps">
                {match caps {
                    Some(cap) => {
                        let unit = format!("a {}", cap.window);
                        view! { <CapBar cap unit /> }.into_any()
                    }
                    None => view! { <span class="text-muted">"None"</span> }.into_any(),
                }}
            </td>
            <td data-label="Last used">{last_used}</td>
            <td class="actions">{buttons}</td>
        </tr>
    }
    .into_any()
}

/// The cap of which most is used.
fn tightest(caps: &[CapItem]) -> Option<CapItem> {
    let used = |cap: &&CapItem| cap.percent();
    let most = caps
        .iter()
        .filter(|cap| cap.cap.is_some())
        .max_by(|one, other| used(one).partial_cmp(&used(other)).unwrap_or(std::cmp::Ordering::Equal));
    most.cloned()
}

/// The state of a provider, with its reason and when it ends.
#[component]
pub fn ProviderState(
    /// The provider.
    provider: ProviderItem,
) -> impl IntoView {
    view! {
        <StatusBadge status=provider.state />
        {provider
            .reason
            .map(|reason| {
                view! {
                    <span class="mt-1 block max-w-xs min-w-40 text-sm break-words text-muted">
                        {reason} {provider.until.map(|at| view! { <span>" Ends " <Countdown at /> "."</span> })}
                    </span>
                }
            })}
    }
    .into_any()
}
