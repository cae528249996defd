//! `/keys/:id`: one key, its scope, and the ways to end it.

use super::actions::{Buttons, KeyActions, Outcomes};
use super::api::{KEY_SCOPE, SetKeyScope, get_key};
use super::model::{KeyItem, KeyView};
use super::scope::{ScopePicker, ScopeShown};
use crate::browser;
use crate::components::{
    Card, Crumbs, Detail, ErrorView, Form, Icon, ModeBadge, Notice, PageHeader, StatusBadge, Submit, Time, WithFlash,
    icon, use_form,
};
use crate::layout::use_viewer;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// Shows a key, and changes its scope.
#[component]
pub fn EditKey() -> impl IntoView {
    view! {
        <Crumbs path=&[("/keys", "API keys")] />
        <WithFlash>
            <KeyPage />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn KeyPage() -> impl IntoView {
    let params = use_params_map();
    let id = move || params.with(|params| params.get("id")).unwrap_or_default();
    let save = ServerAction::<SetKeyScope>::new();
    let saved = use_form(KEY_SCOPE, save);
    let actions = KeyActions::new();
    let key = Resource::new(
        move || (id(), save.version().get() + actions.version()),
        |(id, _)| get_key(id),
    );
    let viewer = use_viewer();
    Effect::watch(move || actions.version(), |_, _, _| browser::close_confirms(), false);
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                match key.await {
                    Ok(view) => view! { <Shown view can_configure save saved actions /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Shown(
    view: KeyView,
    can_configure: bool,
    save: ServerAction<SetKeyScope>,
    saved: Form,
    actions: KeyActions,
) -> impl IntoView {
    let KeyView { key, choices } = view;
    let shown = key.clone();
    let title = key.name.clone();
    let can_change = can_configure && key.is_in_force();
    let is_test = key.mode == "test";
    let buttons = can_change.then(|| {
        let back = format!("/keys/{}", key.id);
        view! { <Buttons key_item=key.clone() actions back /> }
    });
    let try_it = (key.is_in_force() && !is_test).then(|| {
        view! {
            <a class="btn btn-sm" href=format!("/routing?key={}", key.id)>
                {icon(Icon::Route, "size-4")}
                "Where would it go?"
            </a>
        }
    });
    let scope = (can_change && !is_test).then(|| {
        view! {
            <Card title="Scope" lead="Which providers its messages may go through.">
                <Notice form=saved />
                <ActionForm action=save>
                    <div class="space-y-5">
                        <input type="hidden" name="id" value=key.id />
                        <ScopePicker form=saved choices scope=key.scope />
                        <Submit form=saved label="Save" busy="Saving…" />
                    </div>
                </ActionForm>
            </Card>
        }
    });
    view! {
        <PageHeader title lead="API key">
            {try_it}
            {buttons}
        </PageHeader>
        <Outcomes actions />
        <div class="grid items-start gap-x-6 xl:grid-cols-[1fr_22rem]">
            <div class="min-w-0">{scope}</div>
            <Details key_item=shown />
        </div>
    }
    .into_any()
}

#[component]
fn Details(key_item: KeyItem) -> impl IntoView {
    let key = key_item;
    let is_test = key.mode == "test";
    let status = match (&key.revoked, key.is_expired) {
        (Some(_), _) => "revoked",
        (None, true) => "expired",
        (None, false) => "active",
    };
    view! {
        <Card title="Key">
            <dl class="-my-2 divide-y divide-base-300">
                <Detail name="Status"><StatusBadge status /></Detail>
                <Detail name="Begins with"><code>{key.prefix} "…"</code></Detail>
                <Detail name="Mode"><ModeBadge mode=key.mode /></Detail>
                <Detail name="Sends through">
                    {if is_test {
                        "The sandbox: nothing that a test key sends leaves.".into_any()
                    } else {
                        view! { <ScopeShown scope=key.scope /> }.into_any()
                    }}
                </Detail>
                <Detail name="May">{key.permissions}</Detail>
                <Detail name="Created"><Time at=key.created /></Detail>
                <Detail name="Last used">
                    {match key.last_used {
                        Some(at) => view! { <Time at /> }.into_any(),
                        None => "Never".into_any(),
                    }}
                </Detail>
                {key.expires.map(|at| view! { <Detail name=if key.is_expired { "Ended" } else { "Ends" }><Time at /></Detail> })}
                {key.revoked.map(|at| view! { <Detail name="Revoked"><Time at /></Detail> })}
                <Detail name="Id"><code class="break-all">{key.id}</code></Detail>
            </dl>
        </Card>
    }
    .into_any()
}
