//! `/keys`: API keys.

use crate::api::{CreateKey, RevokeKey, forms, list_keys};
use crate::browser;
use crate::components::{
    Card, Choice, Confirm, EmptyState, ErrorView, Field, Form, Icon, ModeBadge, Notice, PageHeader, StatusBadge,
    Submit, Time, WithFlash, use_form,
};
use crate::layout::use_viewer;
use crate::model::{FormExtra, KeyItem, KeysPage};
use crate::pages::overview::KeyShown;
use leptos::html;
use leptos::prelude::*;

/// The team's keys: make, see, revoke.
#[component]
pub fn Keys() -> impl IntoView {
    view! {
        <PageHeader title="API keys" lead="Applications sign in with a key: over HTTP as a bearer token." />
        <WithFlash>
            <KeysContent />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn KeysContent() -> impl IntoView {
    let create = ServerAction::<CreateKey>::new();
    let revoke = ServerAction::<RevokeKey>::new();
    let (created, revoked) = (use_form(forms::CREATE_KEY, create), use_form(forms::REVOKE_KEY, revoke));
    let keys = Resource::new(
        move || (create.version().get(), revoke.version().get()),
        |_| list_keys(),
    );
    let viewer = use_viewer();
    Effect::watch(
        move || revoke.version().get(),
        |_, _, _| browser::close_confirms(),
        false,
    );
    view! {
        <KeyShown form=created />
        <Notice form=revoked />
        <Transition>
            {move || Suspend::new(async move {
                let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                match keys.await {
                    Ok(page) => view! { <KeyLists page can_configure revoke form=revoked /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
        <Suspense>
            {move || Suspend::new(async move {
                viewer.get().await.is_ok_and(|viewer| viewer.can_configure).then(|| view! { <CreateForm action=create form=created /> })
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn CreateForm(action: ServerAction<CreateKey>, form: Form) -> impl IntoView {
    let node = NodeRef::<html::Form>::new();
    // What was made is not made again by pressing once more.
    Effect::watch(
        move || form.reply().is_some_and(|reply| reply.ok),
        move |made, _, _| {
            if let Some(node) = node.get_untracked().filter(|_| *made) {
                node.reset();
            }
        },
        false,
    );
    view! {
        <Card title="New key">
            {move || {
                let made = matches!(form.reply().and_then(|reply| reply.extra), Some(FormExtra::Key(_)));
                (!made).then(|| view! { <Notice form /> })
            }}
            <ActionForm action=action node_ref=node>
                <div class="space-y-4">
                    <input type="hidden" name="back" value="/keys" />
                    <Field
                        form
                        name="name"
                        label="Name"
                        hint="What uses it, so that you know what stops when you revoke it."
                        placeholder="Shop, production"
                        required=true
                    />
                    <Choice
                        form
                        name="mode"
                        legend="Mode"
                        value="live"
                        options=&[
                            ("live", "Live", "Messages are sent through your providers."),
                            ("test", "Test", "Messages are accepted the same way, kept in the sandbox and never sent."),
                        ]
                    />
                    <Submit form label="Create key" busy="Creating…" />
                </div>
            </ActionForm>
        </Card>
    }
    .into_any()
}

#[component]
fn KeyLists(page: KeysPage, can_configure: bool, revoke: ServerAction<RevokeKey>, form: Form) -> impl IntoView {
    let KeysPage { active, revoked } = page;
    let has_revoked = !revoked.is_empty();
    view! {
        <section class="card-surface mb-6" aria-label="Keys">
            {if active.is_empty() {
                view! {
                    <EmptyState
                        glyph=Icon::Key
                        title="No key works yet"
                        text="Create one below. It is shown once; Sendmux keeps only what it needs to recognise it."
                    />
                }
                    .into_any()
            } else {
                view! { <KeyTable keys=active can_configure revoke form /> }.into_any()
            }}
        </section>
        {has_revoked
            .then(|| {
                view! {
                    <details class="card-surface fold mb-6 px-5">
                        <summary>
                            {crate::components::icon(Icon::ChevronRight, "fold-mark size-4")}
                            <h2 class="text-sm font-semibold">{format!("Revoked keys ({})", revoked.len())}</h2>
                        </summary>
                        <KeyTable keys=revoked can_configure=false revoke form />
                    </details>
                }
            })}
    }
    .into_any()
}

#[component]
fn KeyTable(keys: Vec<KeyItem>, can_configure: bool, revoke: ServerAction<RevokeKey>, form: Form) -> impl IntoView {
    view! {
        <table class="rows">
            <thead>
                <tr>
                    <th scope="col">"Name"</th>
                    <th scope="col">"Key"</th>
                    <th scope="col">"Mode"</th>
                    <th scope="col">"Sends through"</th>
                    <th scope="col">"Created"</th>
                    <th scope="col">"Last used"</th>
                    <th scope="col">
                        <span class="sr-only">"Actions"</span>
                    </th>
                </tr>
            </thead>
            <tbody>
                {keys
                    .into_iter()
                    .map(|key| view! { <KeyRow key_item=key can_configure revoke form /> })
                    .collect_view()}
            </tbody>
        </table>
    }
    .into_any()
}

#[component]
fn KeyRow(key_item: KeyItem, can_configure: bool, revoke: ServerAction<RevokeKey>, form: Form) -> impl IntoView {
    let key = key_item;
    let is_revoked = key.revoked.is_some();
    view! {
        <tr>
            <th scope="row" class="font-medium">{key.name.clone()}</th>
            <td data-label="Key"><code class="text-sm">{key.prefix} "…"</code></td>
            <td data-label="Mode"><ModeBadge mode=key.mode /></td>
            <td data-label="Sends through">{key.scope}</td>
            <td data-label="Created"><Time at=key.created /></td>
            <td data-label="Last used">
                {match key.last_used {
                    Some(at) => view! { <Time at /> }.into_any(),
                    None => "Never".into_any(),
                }}
            </td>
            <td class="actions">
                {is_revoked.then(|| view! { <StatusBadge status="revoked" /> })}
                {(can_configure && !is_revoked)
                    .then(|| {
                        view! {
                            <Confirm
                                label="Revoke"
                                of=key.name.clone()
                                glyph=Icon::Ban
                                question="Requests that use this key are refused from now on. This cannot be undone."
                            >
                                <ActionForm action=revoke>
                                    <input type="hidden" name="id" value=key.id />
                                    <Submit form label="Revoke key" busy="Revoking…" class="btn btn-sm btn-error" of=key.name />
                                </ActionForm>
                            </Confirm>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}
