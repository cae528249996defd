//! `/smtp`: how programs that speak SMTP send.

use super::api::get_smtp_setup;
use super::model::SmtpSetup;
use super::snippets::{Snippet, snippets};
use crate::components::{
    Card, CodeBlock, CopyButton, Detail, ErrorView, Form, Icon, KeyShown, Notice, PageHeader, Submit, WithFlash, icon,
    made_key, use_form,
};
use crate::features::keys::api::{CREATE_KEY, CreateKey};
use crate::layout::model::Viewer;
use crate::layout::use_viewer;
use leptos::prelude::*;

/// Placeholder of a key that is not known.
const NO_KEY: &str = "smx_live_…";

/// Host, ports, user and key, and snippets that use them.
#[component]
pub fn Smtp() -> impl IntoView {
    view! {
        <PageHeader
            title="SMTP setup"
            lead="Whatever sends over SMTP can send through Sendmux: with the same keys, routing, limits and log as over HTTP."
        >
            <a class="btn" href="/keys">{icon(Icon::Key, "size-4")} "API keys"</a>
        </PageHeader>
        <WithFlash>
            <SetupContent />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn SetupContent() -> impl IntoView {
    let create = ServerAction::<CreateKey>::new();
    let form = use_form(CREATE_KEY, create);
    let setup = Resource::new(|| (), |()| get_smtp_setup());
    let viewer = use_viewer();
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match (setup.await, viewer.get().await) {
                    (Ok(setup), Ok(viewer)) => view! { <Shown setup viewer create form /> }.into_any(),
                    (Err(error), _) | (_, Err(error)) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn Shown(setup: SmtpSetup, viewer: Viewer, create: ServerAction<CreateKey>, form: Form) -> impl IntoView {
    let Some((port, _)) = setup.port() else {
        return view! {
            <div class="notice tone-warning">
                {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")}
                <p>
                    "SMTP submission is switched off on this installation. Its operator can switch it on with the settings "
                    <code>"smtp_addr"</code> " and " <code>"smtps_addr"</code> "."
                </p>
            </div>
        }
        .into_any();
    };
    let can_configure = viewer.can_configure;
    let address = viewer.email;
    let connection = setup.clone();
    view! {
        <Warnings setup=setup.clone() />
        <KeyShown form />
        <div class="grid items-start gap-x-6 xl:grid-cols-[22rem_1fr]">
            <div class="min-w-0">
                <Connection setup=connection />
                {can_configure.then(|| view! { <KeyForm create form /> })}
            </div>
            <section class="card-surface mb-6 min-w-0" aria-labelledby="snippets">
                <div class="border-b border-base-300 px-5 py-4">
                    <h2 id="snippets" class="text-sm font-semibold">"Ready to use"</h2>
                    <p class="mt-0.5 text-sm text-muted">
                        {move || {
                            if made_key(form).is_some() {
                                "Your new key is filled in."
                            } else {
                                "Put your key in the place of smx_live_…, or create one here: it is filled in then."
                            }
                        }}
                    </p>
                </div>
                <div class="px-5 py-1">
                    {move || {
                        let key = made_key(form).map_or_else(|| NO_KEY.to_owned(), |key| key.secret);
                        snippets(&setup, port, &key, &address)
                            .into_iter()
                            .enumerate()
                            .map(|(place, snippet)| view! { <SnippetFold snippet is_open=place == 0 /> })
                            .collect_view()
                    }}
                </div>
            </section>
        </div>
    }
    .into_any()
}

/// Conditions under which it works.
#[component]
fn Warnings(setup: SmtpSetup) -> impl IntoView {
    view! {
        {setup
            .is_out_of_reach
            .then(|| {
                view! {
                    <div class="notice tone-warning">
                        {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")}
                        <p>
                            "Only programs on the server itself can connect: SMTP listens on a loopback address. The operator can change that with "
                            <code>"smtp_addr"</code> " and " <code>"smtps_addr"</code> "."
                        </p>
                    </div>
                }
            })}
        {setup
            .is_self_signed
            .then(|| {
                view! {
                    <div class="notice tone-info">
                        {icon(Icon::Info, "mt-0.5 size-4 shrink-0")}
                        <p>
                            "This installation shows a self-signed certificate, which clients do not trust. The snippets say so where it matters; for real use the operator sets "
                            <code>"tls_cert"</code> " and " <code>"tls_key"</code> "."
                        </p>
                    </div>
                }
            })}
    }
    .into_any()
}

#[component]
fn Connection(setup: SmtpSetup) -> impl IntoView {
    let port = |port: Option<u16>| {
        port.map_or_else(
            || "Switched off".into_any(),
            |port| view! { <code>{port}</code> }.into_any(),
        )
    };
    view! {
        <Card title="Connection">
            <dl class="-my-2 divide-y divide-base-300" data-smtp-connection>
                <Detail name="Host">
                    <span class="flex flex-wrap items-center justify-between gap-2">
                        <code class="break-all">{setup.host.clone()}</code>
                        <CopyButton text=setup.host what="host" />
                    </span>
                </Detail>
                <Detail name="STARTTLS">{port(setup.starttls_port)}</Detail>
                <Detail name="TLS">{port(setup.tls_port)}</Detail>
                <Detail name="User name">"Any, "<code>"sendmux"</code>" say"</Detail>
                <Detail name="Password">"An API key that may send"</Detail>
                <Detail name="Log in by">"PLAIN or LOGIN, only under TLS"</Detail>
                <Detail name="Size">"Up to 25 MB a message"</Detail>
            </dl>
        </Card>
    }
    .into_any()
}

/// Makes a key that may send through every provider.
#[component]
fn KeyForm(create: ServerAction<CreateKey>, form: Form) -> impl IntoView {
    view! {
        <Card title="A key for it">
            {move || made_key(form).is_none().then(|| view! { <Notice form /> })}
            <p class="mb-4 text-sm text-muted">
                "It may send through every provider. For another scope, or a test key, make one under "
                <a class="link" href="/keys">"API keys"</a> "."
            </p>
            <ActionForm action=create>
                <input type="hidden" name="name" value="SMTP" />
                <input type="hidden" name="mode" value="live" />
                <input type="hidden" name="permission[send]" value="true" />
                <input type="hidden" name="back" value="/smtp" />
                <Submit form label="Create a key" busy="Creating…" glyph=Icon::Key />
            </ActionForm>
        </Card>
    }
    .into_any()
}

#[component]
fn SnippetFold(snippet: Snippet, is_open: bool) -> impl IntoView {
    view! {
        <details class="fold" open=is_open data-snippet=snippet.id>
            <summary>
                {icon(Icon::ChevronRight, "fold-mark size-4")}
                <h3 class="text-sm font-semibold">{snippet.title}</h3>
                <span class="min-w-0 text-sm wrap-anywhere text-muted">{snippet.hint}</span>
            </summary>
            <div class="pb-4">
                <CodeBlock code=snippet.code what="snippet" />
            </div>
        </details>
    }
    .into_any()
}
