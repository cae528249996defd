//! `/operator/managed`: the managed route as a whole.

use super::api::{UNBLOCK_ACCOUNT, UnblockManagedAccount, get_managed_overview};
use super::model::{BusyTeam, EndpointItem, FaultItem, ManagedPage};
use crate::browser;
use crate::components::{
    Card, CodeBlock, Countdown, Detail, ErrorView, Form, Icon, Notice, PageHeader, Submit, Time, WithFlash, icon,
    use_form,
};
use crate::features::managed::FeedbackNumbers;
use crate::features::providers::model::{BlockItem, SesQuota};
use leptos::prelude::*;

/// The operator's Amazon SES account, and what teams send through it.
#[component]
pub fn ManagedRoutePage() -> impl IntoView {
    view! {
        <WithFlash>
            <Content />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn Content() -> impl IntoView {
    let unblock = ServerAction::<UnblockManagedAccount>::new();
    let form = use_form(UNBLOCK_ACCOUNT, unblock);
    let page = Resource::new(move || unblock.version().get(), |_| get_managed_overview());
    browser::while_visible(15, move || page.refetch());
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(page) => view! { <Shown page unblock form /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Shown(page: ManagedPage, unblock: ServerAction<UnblockManagedAccount>, form: Form) -> impl IntoView {
    let ManagedPage {
        configured,
        domain,
        region,
        account,
        account_error,
        block,
        paused_until,
        faults,
        feedback,
        suspended,
        pending_requests,
        busiest,
        endpoint,
    } = page;
    view! {
        <PageHeader title="Managed route" lead="The Amazon SES account of this installation, shared by all teams. Transactional mail only." />
        <Notice form />
        {faults.into_iter().map(|fault| view! { <Fault fault /> }).collect_view()}
        {block.map(|block| view! { <Blocked block unblock form /> })}
        {paused_until
            .map(|at| {
                view! {
                    <div class="notice tone-warning" data-account-paused>
                        {icon(Icon::Pause, "mt-0.5 size-4 shrink-0")}
                        <p>"Amazon asked for a pause, for all teams. It goes on " <Countdown at /> "."</p>
                    </div>
                }
            })}
        {(!configured)
            .then(|| {
                view! {
                    <div class="notice tone-warning">
                        {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")}
                        <p>
                            "No Amazon SES account is configured, so the managed route delivers into the sandbox of each team. Set ses_region, ses_access_key_id and ses_secret_access_key, and restart."
                        </p>
                    </div>
                }
            })}
        <div class="grid items-start gap-x-6 lg:grid-cols-2">
            <Card title="Now">
                <dl class="-my-2 divide-y divide-base-300">
                    <Detail name="Sender domain"><code class="break-all">{domain}</code></Detail>
                    {region.map(|region| view! { <Detail name="Region">{region}</Detail> })}
                    <Detail name="Last 7 days"><FeedbackNumbers feedback /></Detail>
                    <Detail name="Requests"><a class="link" href="/operator/requests">{pending_requests} " waiting"</a></Detail>
                    <Detail name="Suspended"><a class="link" href="/operator/teams">{suspended} " teams"</a></Detail>
                </dl>
            </Card>
            <Card title="Amazon SES account" lead="As Amazon reports it now.">
                {match (account, account_error) {
                    (Some(account), _) => view! { <Account account /> }.into_any(),
                    (None, Some(why)) => view! { <p class="text-sm text-danger">{why}</p> }.into_any(),
                    (None, None) => view! { <p class="text-sm text-muted">"There is no account to ask."</p> }.into_any(),
                }}
            </Card>
        </div>
        <Card
            title="Bounces and complaints"
            lead="Subscribe this address to the Amazon SNS topic that your SES identity or configuration set publishes to. The subscription confirms itself."
        >
            <Endpoint endpoint />
        </Card>
        <Card title="Teams by usage" lead="Recipients of the last 7 days.">
            <Busiest teams=busiest />
        </Card>
    }
    .into_any()
}

/// Something of the installation that only its operator can mend.
#[component]
fn Fault(fault: FaultItem) -> impl IntoView {
    view! {
        <div class="notice tone-error" data-fault>
            {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")}
            <div class="min-w-0 flex-1">
                <p class="font-medium">{fault.title} " · " <Time at=fault.at /></p>
                <p class="mt-1 break-words">{fault.cause}</p>
                <p class="mt-1">{fault.advice}</p>
            </div>
        </div>
    }
    .into_any()
}

/// The account is pulled from rotation, for all teams.
#[component]
fn Blocked(block: BlockItem, unblock: ServerAction<UnblockManagedAccount>, form: Form) -> impl IntoView {
    view! {
        <div class="notice tone-error" data-account-block>
            {icon(Icon::Ban, "mt-0.5 size-4 shrink-0")}
            <div class="min-w-0 flex-1">
                <p class="font-medium">"The account is pulled from rotation, for all teams, " <Time at=block.since /> ". " {block.fault} "."</p>
                <p class="mt-1 break-words">{block.cause}</p>
                <p class="mt-1">
                    {match block.until {
                        Some(at) => view! { "It comes back by itself " <Countdown at /> ", with a clean record." }.into_any(),
                        None => "It does not come back by itself: correct the account or its settings first.".into_any(),
                    }}
                </p>
                <div class="mt-3">
                    <ActionForm action=unblock>
                        <Submit form label="Use again now" busy="Putting it back…" class="btn btn-sm" of="the managed route" />
                    </ActionForm>
                </div>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Account(account: SesQuota) -> impl IntoView {
    view! {
        <dl class="-my-2 divide-y divide-base-300">
            <Detail name="Day">{account.day}</Detail>
            <Detail name="Rate">{account.rate}</Detail>
        </dl>
        {account.notes.into_iter().map(|note| view! { <p class="mt-3 text-sm text-danger">{note}</p> }).collect_view()}
    }
    .into_any()
}

/// An address for Amazon SNS, and whether it is used.
#[component]
pub fn Endpoint(
    /// The address.
    endpoint: EndpointItem,
) -> impl IntoView {
    view! {
        <CodeBlock code=endpoint.url what="address for Amazon SNS" />
        <dl class="mt-3 divide-y divide-base-300">
            <Detail name="Topic">
                {match endpoint.topic {
                    Some(topic) => view! { <code class="break-all">{topic}</code> }.into_any(),
                    None => "None is subscribed yet.".into_any(),
                }}
            </Detail>
            <Detail name="Last notification">
                {match endpoint.last {
                    Some(at) => view! { <Time at /> }.into_any(),
                    None => "Never".into_any(),
                }}
            </Detail>
        </dl>
    }
    .into_any()
}

#[component]
fn Busiest(teams: Vec<BusyTeam>) -> impl IntoView {
    if teams.is_empty() {
        return view! { <p class="text-sm text-muted">"Nothing was sent through it within 7 days."</p> }.into_any();
    }
    view! {
        <ul class="-my-2 divide-y divide-base-300">
            {teams
                .into_iter()
                .map(|team| {
                    view! {
                        <li class="flex flex-wrap justify-between gap-x-4 py-2 text-sm">
                            <a class="font-medium break-words hover:underline" href=format!("/operator/teams?search={}", team.id)>
                                {team.name}
                            </a>
                            <FeedbackNumbers feedback=team.feedback />
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}
