//! A Gmail or Microsoft 365 mailbox: whose it is, connecting it, and its settings.

use super::add::{AdminConsent, Refused};
use super::connect::{ConnectActions, ConnectFacts, connect_path};
use super::model::ProviderItem;
use crate::components::{Card, Confirm, Detail, Field, Icon, Notice, Submit, SubmitOrCancel, Time, icon};
use leptos::prelude::*;

/// The connection and the settings of a mailbox.
#[component]
pub fn MailboxSettings(
    /// The mailbox.
    provider: ProviderItem,
    /// The actions of the page.
    actions: ConnectActions,
    /// Further data of the page.
    facts: ConnectFacts,
) -> impl IntoView {
    let form = actions.saved_mailbox;
    let mailbox = provider.mailbox.clone().unwrap_or_default();
    let version = form.value("version", &provider.version.to_string());
    view! {
        <Connection provider=provider.clone() actions facts />
        <Card title="Settings">
            <Notice form />
            <ActionForm action=actions.save_mailbox>
                <div class="space-y-5">
                    <input type="hidden" name="id" value=provider.id />
                    <input type="hidden" name="version" value=version />
                    <Field form name="name" label="Name" value=provider.name required=true />
                    <Field
                        form
                        name="aliases"
                        label="Also sends as"
                        value=mailbox.aliases
                        hint="Addresses that the account has verified as its own, with commas between them. Any other sender \
                              address is replaced by the mailbox's and moves to Reply-To, which breaks a signature over From."
                    />
                    <SubmitOrCancel form label="Save" busy="Saving…" cancel="/providers" />
                </div>
            </ActionForm>
        </Card>
    }
    .into_any()
}

#[component]
fn Connection(provider: ProviderItem, actions: ConnectActions, facts: ConnectFacts) -> impl IntoView {
    let ProviderItem {
        id,
        name,
        kind,
        state,
        mailbox,
        ..
    } = provider;
    let mailbox = mailbox.unwrap_or_default();
    let service = if kind == "gmail" { "Google" } else { "Microsoft" };
    let is_gmail = kind == "gmail";
    let ways = facts.ways;
    let connect = connect_path(&id);
    let back = format!("/providers/{id}");
    let (text, label) = match (&mailbox.email, state.as_str()) {
        (None, _) => (
            format!("No mailbox is connected yet. You sign in at {service}, which asks for your consent."),
            "Connect",
        ),
        (Some(_), "blocked") => (
            format!(
                "When {service} no longer accepts what was granted, authorise the same mailbox again: what waits then goes."
            ),
            "Re-authorise",
        ),
        (Some(_), _) => (
            format!(
                "You can authorise the same mailbox again at any time, for example after a change of its password at {service}."
            ),
            "Re-authorise",
        ),
    };
    let is_urgent = mailbox.email.is_none() || state == "blocked";
    let details = mailbox.email.map(|email| {
        view! {
            <dl class="-my-2 mb-2 divide-y divide-base-300">
                <Detail name="Mailbox"><span class="break-all">{email}</span></Detail>
                {mailbox.connected.map(|at| view! { <Detail name="Connected"><Time at /></Detail> })}
            </dl>
        }
    });
    let disconnect = details.is_some().then(|| {
        view! {
            <Confirm
                label="Disconnect"
                of=name.clone()
                glyph=Icon::XCircle
                question=format!(
                    "Its tokens are deleted, and nothing is sent through it until it is connected again. What waits goes to the \
                     other providers of the same scope. {}",
                    if is_gmail { "The consent is given back to Google." } else { "" },
                )
            >
                <ActionForm action=actions.disconnect>
                    <input type="hidden" name="id" value=id />
                    <input type="hidden" name="back" value=back />
                    <Submit
                        form=actions.connection
                        label="Disconnect mailbox"
                        busy="Disconnecting…"
                        class="btn btn-sm btn-error"
                        of=name
                    />
                </ActionForm>
            </Confirm>
        }
    });
    let class = if is_urgent { "btn btn-primary" } else { "btn" };
    view! {
        <Card title="Connection">
            {details}
            <p class="mb-4 text-sm text-muted">{text}</p>
            <Suspense>
                {move || Suspend::new(async move {
                    let ways = ways.await.ok()?;
                    let registration = if is_gmail { ways.gmail } else { ways.microsoft };
                    Some(
                        view! {
                            <div class="mb-4 space-y-3">
                                {(!registration.is_there).then(|| view! { <NotRegistered service /> })}
                                {registration.fault.map(|cause| view! { <Refused service cause /> })}
                                {registration.admin_consent.map(|address| view! { <AdminConsent address /> })}
                            </div>
                        },
                    )
                })}
            </Suspense>
            <div class="flex flex-wrap items-center gap-3">
                <a class=class href=connect rel="external">{label}</a>
                {disconnect}
            </div>
        </Card>
    }
    .into_any()
}

#[component]
fn NotRegistered(service: &'static str) -> impl IntoView {
    view! {
        <p class="notice tone-warning">
            {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")}
            <span>
                "This installation is not registered with " {service} ". Its operator has to do that first (docs/PROVIDERS.md)."
            </span>
        </p>
    }
    .into_any()
}
