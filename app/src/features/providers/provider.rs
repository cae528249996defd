//! `/providers/new/smtp` and `/providers/:id`: an SMTP server's settings; the managed route and the sandbox explained.

use super::actions::{Buttons, Outcomes, ProviderActions};
use super::api::{PROVIDER, SaveProvider, get_provider};
use super::connect::ConnectFacts;
use super::health::{HealthNotice, UsageCard};
use super::list::ProviderState;
use super::mailbox::MailboxSettings;
use super::model::{ProviderItem, ProviderPage, SmtpValues};
use super::routing::RoutingForm;
use super::ses::SesSettings;
use crate::browser;
use crate::components::{
    Card, Choice, Crumbs, Detail, ErrorView, Field, Form, Icon, Notice, PageHeader, ShareBar, SubmitOrCancel,
    TestResult, Time, WithFlash, icon, use_form,
};
use crate::layout::use_viewer;
use crate::model::percent;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// Adds a provider.
#[component]
pub fn NewProvider() -> impl IntoView {
    view! {
        <Crumbs path=&[("/providers", "Providers"), ("/providers/new", "Add a provider")] />
        <PageHeader
            title="Add an SMTP server"
            lead="Any server that takes mail for submission: your own, your mail host's, or a relay service's."
        />
        <WithFlash>
            <NewForm />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn NewForm() -> impl IntoView {
    let action = ServerAction::<SaveProvider>::new();
    let form = use_form(PROVIDER, action);
    view! {
        <div class="card-surface max-w-2xl p-5 sm:p-6">
            <SmtpForm provider=ProviderItem::default() action form />
        </div>
    }
    .into_any()
}

/// Shows a provider, and changes it.
#[component]
pub fn EditProvider() -> impl IntoView {
    view! {
        <Crumbs path=&[("/providers", "Providers")] />
        <WithFlash>
            <ProviderContent />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn ProviderContent() -> impl IntoView {
    let params = use_params_map();
    let id = move || params.with(|params| params.get("id")).unwrap_or_default();
    let actions = ProviderActions::new();
    let asked = move || (id(), actions.version_of_page());
    // Its state is looked at again and again; its forms are not, so that they keep what they were filled from.
    let (form, state) = (
        Resource::new(asked, |(id, _)| get_provider(id)),
        Resource::new(asked, |(id, _)| get_provider(id)),
    );
    let facts = ConnectFacts::new(asked);
    let viewer = use_viewer();
    Effect::watch(move || actions.version(), |_, _, _| browser::close_confirms(), false);
    browser::while_visible(5, move || state.refetch());
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                match state.await {
                    Ok(ProviderPage { provider, .. }) => view! { <Head provider can_configure actions /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
        <Outcomes actions />
        <div class="grid items-start gap-x-6 xl:grid-cols-[1fr_22rem]">
            <div class="min-w-0">
                <Transition>
                    {move || Suspend::new(async move {
                        let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                        form.await.map(|page| view! { <Settings page can_configure actions facts /> }).ok()
                    })}
                </Transition>
            </div>
            <div class="min-w-0">
                <Transition>
                    {move || Suspend::new(async move { state.await.map(|page| view! { <State provider=page.provider /> }).ok() })}
                </Transition>
            </div>
        </div>
    }
    .into_any()
}

/// Head of the page: the provider, its actions, and its faults.
#[component]
fn Head(provider: ProviderItem, can_configure: bool, actions: ProviderActions) -> impl IntoView {
    let (title, lead) = (provider.name.clone(), provider.kind_label.clone());
    let back = format!("/providers/{}", provider.id);
    let buttons = can_configure.then(|| view! { <Buttons provider=provider.clone() actions back /> });
    view! {
        <PageHeader title lead>
            {buttons}
        </PageHeader>
        <HealthNotice provider />
    }
    .into_any()
}

/// Body of the page: the provider's purpose, and its forms.
#[component]
fn Settings(page: ProviderPage, can_configure: bool, actions: ProviderActions, facts: ConnectFacts) -> impl IntoView {
    let provider = page.provider.clone();
    let explained = match provider.kind.as_str() {
        "managed_ses" => Some(
            "The managed route is run by the operator of this installation, so that every team can send at once. It sends \
             from your team's address there, keeps your display name, and puts your own address into Reply-To. For keys \
             that may use every provider it only stands in while you have no active provider of your own.",
        ),
        "sandbox" => Some(
            "The sandbox keeps what test keys send, and what the managed route is given while it is not set up. Nothing \
             leaves it.",
        ),
        _ => None,
    };
    let last_test = provider.last_test.clone();
    let forms = (provider.editable && can_configure).then(|| {
        let connection = match provider.kind.as_str() {
            "ses" => view! { <SesSettings provider actions=actions.connect facts /> }.into_any(),
            "gmail" | "microsoft365" => view! { <MailboxSettings provider actions=actions.connect facts /> }.into_any(),
            _ => view! {
                <Card title="Connection">
                    <SmtpForm provider action=actions.save form=actions.saved />
                </Card>
            }
            .into_any(),
        };
        view! {
            {connection}
            <RoutingForm page actions />
        }
    });
    view! {
        {explained.map(|text| view! { <div class="card-surface mb-6 max-w-2xl p-5 text-sm">{text}</div> })}
        {forms}
        {last_test
            .map(|test| {
                view! {
                    <details class="fold">
                        <summary>
                            {icon(Icon::ChevronRight, "fold-mark size-4")}
                            <h2 class="text-sm font-semibold">"Last connection test"</h2>
                        </summary>
                        <TestResult test />
                    </details>
                }
            })}
    }
    .into_any()
}

/// Current state.
#[component]
fn State(provider: ProviderItem) -> impl IntoView {
    let weight = match provider.weight {
        Some(weight) => weight.to_string(),
        None if provider.editable => "100 (not set)".to_owned(),
        None => "–".to_owned(),
    };
    let last_used = match provider.last_used.clone() {
        Some(at) => view! { <Time at /> }.into_any(),
        None => "Never".into_any(),
    };
    let groups = provider.groups.clone();
    let (share, share_now) = (provider.share, provider.share_now);
    let is_real = provider.kind != "sandbox";
    let usage = is_real.then(|| view! { <UsageCard provider=provider.clone() /> });
    view! {
        <Card title="State">
            <dl class="-my-2 divide-y divide-base-300">
                <Detail name="Status"><ProviderState provider /></Detail>
                <Detail name="Weight">{weight}</Detail>
                <Detail name="Share now">
                    <ShareBar share=Some(share_now) />
                    {(percent(share) != percent(share_now))
                        .then(|| view! { <span class="text-muted">{percent(share)} " while nothing is blocked"</span> })}
                </Detail>
                {(!groups.is_empty())
                    .then(|| {
                        view! {
                            <Detail name="Groups">
                                <ul>
                                    {groups
                                        .into_iter()
                                        .map(|group| {
                                            view! { <li><a class="hover:underline" href=format!("/groups/{}", group.id)>{group.name}</a></li> }
                                        })
                                        .collect_view()}
                                </ul>
                            </Detail>
                        }
                    })}
                <Detail name="Last used">{last_used}</Detail>
            </dl>
        </Card>
        {usage}
    }
    .into_any()
}

#[component]
fn SmtpForm(provider: ProviderItem, action: ServerAction<SaveProvider>, form: Form) -> impl IntoView {
    let is_new = provider.id.is_empty();
    let smtp = provider.smtp.unwrap_or_else(|| SmtpValues {
        port: "587".to_owned(),
        security: "starttls".to_owned(),
        ..SmtpValues::default()
    });
    let password_hint = if smtp.has_password {
        "A password is stored. Leave this empty to keep it."
    } else {
        "Encrypted where it is stored, and never shown again."
    };
    let version = form.value("version", &provider.version.to_string());
    let dialogue = smtp.clone();
    view! {
        <Notice form />
        <ActionForm action=action>
            <div class="space-y-5">
                <input type="hidden" name="id" value=provider.id />
                <input type="hidden" name="version" value=version />
                <Field form name="name" label="Name" value=provider.name placeholder="Postmark, EU" required=true />
                <div class="grid gap-5 sm:grid-cols-[1fr_8rem]">
                    <Field form name="host" label="Host" value=smtp.host placeholder="smtp.example.com" required=true />
                    <Field form name="port" label="Port" value=smtp.port inputmode="numeric" required=true />
                </div>
                <Choice
                    form
                    name="security"
                    legend="Encryption"
                    value=smtp.security
                    options=&[
                        ("starttls", "STARTTLS", "Usually port 587."),
                        ("tls", "TLS", "Usually port 465."),
                        ("none", "None", "Only within your own network."),
                    ]
                />
                <div class="grid gap-5 sm:grid-cols-2">
                    <Field
                        form
                        name="username"
                        label="User name"
                        value=smtp.username
                        hint="Empty for a server that wants no login."
                    />
                    <Field
                        form
                        name="password"
                        label="Password"
                        kind="password"
                        autocomplete="new-password"
                        hint=password_hint
                        hint_yields=smtp.has_password
                    />
                </div>
                <DialogueFields form smtp=dialogue />
                <SubmitOrCancel
                    form
                    label=if is_new { "Add and test" } else { "Save" }
                    busy=if is_new { "Connecting…" } else { "Saving…" }
                    cancel="/providers"
                />
            </div>
        </ActionForm>
    }
    .into_any()
}

/// Settings of the connection that hardly anybody has to change. Open where something in it is wrong.
#[component]
fn DialogueFields(form: Form, smtp: SmtpValues) -> impl IntoView {
    const FIELDS: [&str; 4] = ["helo_name", "connect_timeout", "command_timeout", "data_timeout"];
    let is_wrong = move || FIELDS.iter().any(|field| form.error(field).is_some());
    let is_named = !smtp.helo_name.is_empty();
    view! {
        <details class="fold" open=move || is_named || is_wrong()>
            <summary>
                {icon(Icon::ChevronRight, "fold-mark size-4")} <span class="text-sm font-semibold">"EHLO name and time limits"</span>
            </summary>
            <div class="space-y-5 pt-2 pb-4">
                <Field
                    form
                    name="helo_name"
                    label="EHLO name"
                    value=smtp.helo_name
                    placeholder="mail.example.com"
                    hint="The name that the server is greeted with. Empty is the installation's own."
                />
                <div class="grid gap-5 sm:grid-cols-3">
                    <Field
                        form
                        name="connect_timeout"
                        label="Connect"
                        value=smtp.connect_timeout
                        placeholder="10"
                        inputmode="numeric"
                        hint="Seconds to reach the server."
                    />
                    <Field
                        form
                        name="command_timeout"
                        label="Commands"
                        value=smtp.command_timeout
                        placeholder="30"
                        inputmode="numeric"
                        hint="Seconds for TLS, the greeting and each answer."
                    />
                    <Field
                        form
                        name="data_timeout"
                        label="Content"
                        value=smtp.data_timeout
                        placeholder="60"
                        inputmode="numeric"
                        hint="Seconds for DATA and each 64 KiB."
                    />
                </div>
                <p class="text-sm text-muted">
                    "A server that takes longer loses the message to your other providers. Only the answer to the end of a
                    message has ten minutes, since until it comes nobody knows whether the server has taken it."
                </p>
            </div>
        </details>
    }
    .into_any()
}
