//! `/providers/new`: the ways to add a provider.

use super::api::get_ways_to_add;
use super::connect::ConnectActions;
use super::model::{Registration, WaysToAdd};
use crate::components::{CodeBlock, Crumbs, ErrorView, Icon, Notice, PageHeader, WithFlash, icon};
use leptos::prelude::*;

/// The choice of what to add.
#[component]
pub fn AddProvider() -> impl IntoView {
    view! {
        <Crumbs path=&[("/providers", "Providers")] />
        <PageHeader title="Add a provider" lead="What your messages leave through. You can add several, and weight them." />
        <WithFlash>
            <Ways />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn Ways() -> impl IntoView {
    let ways = Resource::new(|| (), |()| get_ways_to_add());
    let actions = ConnectActions::new();
    view! {
        <Notice form=actions.connection />
        <Suspense>
            {move || Suspend::new(async move {
                match ways.await {
                    Ok(ways) => view! { <Cards ways /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn Cards(ways: WaysToAdd) -> impl IntoView {
    let WaysToAdd {
        gmail,
        microsoft,
        is_operator,
        redirect_uri,
        ..
    } = ways;
    let of_gmail = redirect_uri.clone();
    view! {
        <div class="grid gap-5 lg:grid-cols-2">
            <Way
                glyph=Icon::Server
                title="SMTP server"
                text="Your own server, your mail host's, or a relay service's."
            >
                <a class="btn btn-primary" href="/providers/new/smtp">"Add an SMTP server"</a>
            </Way>
            <Way
                glyph=Icon::Cloud
                title="Amazon SES"
                text="An Amazon SES account of your own, with an access key or a role."
            >
                <a class="btn btn-primary" href="/providers/new/ses">"Add an Amazon SES account"</a>
            </Way>
            <Way
                glyph=Icon::Mail
                title="Gmail"
                text="A Gmail or Google Workspace mailbox. It sends as itself: another sender address moves to Reply-To."
            >
                <Mailbox
                    kind="gmail"
                    service="Google"
                    label="Connect a Gmail mailbox"
                    keys="google_client_id and google_client_secret"
                    registration=gmail
                    is_operator
                    redirect_uri=of_gmail
                />
            </Way>
            <Way
                glyph=Icon::Mail
                title="Microsoft 365"
                text="An Exchange Online mailbox. It sends as itself, messages up to 3 MB: larger ones take another provider."
            >
                <Mailbox
                    kind="microsoft365"
                    service="Microsoft"
                    label="Connect a Microsoft 365 mailbox"
                    keys="microsoft_client_id and microsoft_client_secret"
                    registration=microsoft
                    is_operator
                    redirect_uri
                />
            </Way>
        </div>
    }
    .into_any()
}

#[component]
fn Way(glyph: Icon, title: &'static str, text: &'static str, children: Children) -> impl IntoView {
    view! {
        <section class="card-surface flex flex-col p-5" data-way=title>
            <h2 class="flex items-center gap-2 font-semibold">{icon(glyph, "size-5 text-muted")} {title}</h2>
            <p class="mt-1 mb-4 text-sm text-muted">{text}</p>
            <div class="mt-auto space-y-3">{children()}</div>
        </section>
    }
    .into_any()
}

/// The button that connects a mailbox; or what is missing, and who has to do what about it.
#[component]
fn Mailbox(
    kind: &'static str,
    service: &'static str,
    label: &'static str,
    keys: &'static str,
    registration: Registration,
    is_operator: bool,
    redirect_uri: String,
) -> impl IntoView {
    if !registration.is_there {
        let who = if is_operator {
            format!(
                "You operate this installation: register it with {service} as docs/PROVIDERS.md says, set {keys}, and \
                 restart. The redirect URI to register:",
            )
        } else {
            format!(
                "This installation is not registered with {service} yet. Ask its operator to set {keys} \
                 (docs/PROVIDERS.md).",
            )
        };
        return view! {
            <p class="text-sm" data-unregistered=kind>{who}</p>
            {is_operator.then(|| view! { <CodeBlock code=redirect_uri what="redirect URI" /> })}
        }
        .into_any();
    }
    view! {
        <a class="btn btn-primary" href=format!("/oauth/connect?kind={kind}") rel="external">{label}</a>
        {registration.fault.map(|cause| view! { <Refused service cause /> })}
        {registration.admin_consent.map(|address| view! { <AdminConsent address /> })}
    }
    .into_any()
}

/// The identity provider refuses the application itself.
#[component]
pub fn Refused(
    /// Google or Microsoft.
    service: &'static str,
    /// Answer of the service; empty where the viewer is not the operator.
    cause: String,
) -> impl IntoView {
    let cause = (!cause.is_empty()).then(|| format!(" ({cause})"));
    view! {
        <p class="notice tone-warning" data-installation-fault=service>
            {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")}
            <span class="min-w-0 break-words">
                {service} " does not accept this installation's application at the moment" {cause}
                ". Its operator has to check the client id and the secret. No mailbox has to be connected again for it."
            </span>
        </p>
    }
    .into_any()
}

/// Address at which an administrator approves the application for everybody.
#[component]
pub fn AdminConsent(
    /// The link.
    address: String,
) -> impl IntoView {
    view! {
        <details class="text-sm">
            <summary class="link-quiet cursor-pointer">"Your organisation asks for an administrator's approval?"</summary>
            <p class="mt-2 mb-2">"Send this link to one. Once it is approved there, everybody can connect their mailbox."</p>
            <CodeBlock code=address what="approval link" />
        </details>
    }
    .into_any()
}
