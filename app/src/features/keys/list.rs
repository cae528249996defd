//! `/keys`: API keys.

use super::actions::{Buttons, KeyActions, Outcomes};
use super::api::{CREATE_KEY, CreateKey, list_keys, list_scope_choices};
use super::model::{KeyItem, KeysPage, ScopeChoices, ScopeItem};
use super::scope::{ScopePicker, ScopeShown};
use crate::browser;
use crate::components::{
    Card, Choice, EmptyState, ErrorView, Field, FieldError, Form, Icon, KeyShown, ModeBadge, NewButton, Notice,
    PageHeader, Rows, StatusBadge, Submit, Time, WithFlash, icon, made_key, use_form,
};
use crate::layout::use_viewer;
use crate::model::Named;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// The team's keys: make, see, rotate, revoke.
#[component]
pub fn Keys() -> impl IntoView {
    view! {
        <PageHeader
            title="API keys"
            lead="Applications sign in with a key: over HTTP as a bearer token, over SMTP as the password."
        >
            <a class="btn" href="/smtp">{icon(Icon::Terminal, "size-4")} "SMTP setup"</a>
            <NewButton href="#new-key" label="New key" />
        </PageHeader>
        <WithFlash>
            <KeysContent />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn KeysContent() -> impl IntoView {
    let create = ServerAction::<CreateKey>::new();
    let created = use_form(CREATE_KEY, create);
    let actions = KeyActions::new();
    let keys = Resource::new(move || (create.version().get(), actions.version()), |_| list_keys());
    let choices = Resource::new(|| (), |()| list_scope_choices());
    let viewer = use_viewer();
    Effect::watch(move || actions.version(), |_, _, _| browser::close_confirms(), false);
    view! {
        <KeyShown form=created />
        <Outcomes actions />
        <Transition>
            {move || Suspend::new(async move {
                let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                match keys.await {
                    Ok(page) => view! { <KeyLists page can_configure actions /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
        <Suspense>
            {move || Suspend::new(async move {
                let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                // Where the list could not be had, the page has said why.
                let choices = choices.await.ok().filter(|_| can_configure)?;
                Some(view! { <CreateForm action=create form=created choices /> })
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn CreateForm(action: ServerAction<CreateKey>, form: Form, choices: ScopeChoices) -> impl IntoView {
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
    let asked = use_query_map()
        .with_untracked(|query| query.get("scope"))
        .unwrap_or_default();
    let scope = asked_for(&asked, &choices);
    view! {
        <div id="new-key" class="scroll-mt-20">
            <Card title="New key">
                {move || made_key(form).is_none().then(|| view! { <Notice form /> })}
                <ActionForm action=action node_ref=node>
                    <div class="space-y-5">
                        <input type="hidden" name="back" value="/keys" />
                        <div class="max-w-xl">
                            <Field
                                form
                                name="name"
                                label="Name"
                                hint="What uses it, so that you know what stops when you revoke it."
                                placeholder="Shop, production"
                                required=true
                            />
                        </div>
                        <Choice
                            form
                            name="mode"
                            legend="Mode"
                            value="live"
                            options=&[
                                ("live", "Live", "Messages are sent through your providers."),
                                (
                                    "test",
                                    "Test",
                                    "Messages are accepted the same way, kept in the sandbox and never sent, whatever the scope.",
                                ),
                            ]
                        />
                        <ScopePicker form choices scope />
                        <Permissions form />
                        <Submit form label="Create key" busy="Creating…" />
                    </div>
                </ActionForm>
            </Card>
        </div>
    }
    .into_any()
}

/// The scope that a link to the form asks for: that of one group or provider.
fn asked_for(id: &str, choices: &ScopeChoices) -> ScopeItem {
    let lists = [("groups", &choices.groups), ("providers", &choices.providers)];
    lists
        .into_iter()
        .find_map(|(kind, options)| {
            let option = options.iter().find(|option| option.id == id)?;
            Some(ScopeItem {
                kind: kind.to_owned(),
                targets: vec![Named {
                    id: option.id.clone(),
                    name: option.name.clone(),
                }],
            })
        })
        .unwrap_or_default()
}

/// Value, label and meaning of each permission.
const PERMISSIONS: [(&str, &str, &str); 4] = [
    ("send", "Send", "Hand messages in, over HTTP and SMTP."),
    ("read", "Read", "See messages, statistics and the configuration."),
    ("manage", "Manage", "Change providers and groups by the API."),
    (
        "keys:write",
        "Change keys",
        "Make, change and revoke keys by the API, none wider than this one.",
    ),
];

#[component]
fn Permissions(form: Form) -> impl IntoView {
    view! {
        <fieldset>
            <legend class="mb-1 block text-sm font-medium">"Permissions"</legend>
            <div class="grid gap-2 @2xl:grid-cols-2">
                {PERMISSIONS
                    .into_iter()
                    .map(|(value, label, text)| {
                        let name = format!("permission[{value}]");
                        view! {
                            <label class="choice">
                                <input
                                    type="checkbox"
                                    class="checkbox checkbox-sm checkbox-primary mt-0.5"
                                    checked=form.ticked(&name, value == "send")
                                    name=name
                                    value="true"
                                />
                                <span class="min-w-0">
                                    <span class="block text-sm font-medium">{label}</span>
                                    <span class="block text-sm text-muted">{text}</span>
                                </span>
                            </label>
                        }
                    })
                    .collect_view()}
            </div>
            <FieldError form name="permissions" id="permissions-error".to_owned() />
        </fieldset>
    }
    .into_any()
}

#[component]
fn KeyLists(page: KeysPage, can_configure: bool, actions: KeyActions) -> impl IntoView {
    let KeysPage { active, ended } = page;
    let has_ended = !ended.is_empty();
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
                view! { <KeyTable keys=active can_configure actions /> }.into_any()
            }}
        </section>
        {has_ended
            .then(|| {
                view! {
                    <details class="card-surface fold mb-6 px-5">
                        <summary>
                            {icon(Icon::ChevronRight, "fold-mark size-4")}
                            <h2 class="text-sm font-semibold">{format!("Revoked and expired keys ({})", ended.len())}</h2>
                        </summary>
                        <KeyTable keys=ended can_configure=false actions />
                    </details>
                }
            })}
    }
    .into_any()
}

#[component]
fn KeyTable(keys: Vec<KeyItem>, can_configure: bool, actions: KeyActions) -> impl IntoView {
    view! {
        <Rows columns=&["Name", "Mode", "Sends through", "May", "Last used"] actions=true>
            {keys
                .into_iter()
                .map(|key| view! { <KeyRow key_item=key can_configure actions /> })
                .collect_view()}
        </Rows>
    }
    .into_any()
}

#[component]
fn KeyRow(key_item: KeyItem, can_configure: bool, actions: KeyActions) -> impl IntoView {
    let key = key_item.clone();
    let is_in_force = key.is_in_force();
    view! {
        <tr data-key=key.id.clone()>
            <th scope="row" class="font-medium">
                <a class="hover:underline" href=format!("/keys/{}", key.id)>{key.name}</a>
                <code class="block text-sm font-normal text-muted">{key.prefix} "…"</code>
            </th>
            <td data-label="Mode"><ModeBadge mode=key.mode.clone() /></td>
            <td data-label="Sends through">
                {if key.mode == "test" {
                    "The sandbox".into_any()
                } else {
                    view! { <ScopeShown scope=key.scope /> }.into_any()
                }}
            </td>
            <td data-label="May">{key.permissions}</td>
            <td data-label="Last used">
                {match key.last_used {
                    Some(at) => view! { <Time at /> }.into_any(),
                    None => "Never".into_any(),
                }}
                {key
                    .expires
                    .filter(|_| is_in_force)
                    .map(|at| view! { <span class="block text-caution">"Ends " <Time at /></span> })}
            </td>
            <td class="actions">
                {(!is_in_force)
                    .then(|| view! { <StatusBadge status=if key.revoked.is_some() { "revoked" } else { "expired" } /> })}
                {(can_configure && is_in_force).then(|| view! { <Buttons key_item actions back="/keys" /> })}
            </td>
        </tr>
    }
    .into_any()
}
