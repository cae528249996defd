//! `/settings`: the team, the account, the look.

use super::api::{ChangePassword, PASSWORD, RenameTeam, TEAM};
use crate::components::{Card, Detail, ErrorView, Field, NewPassword, Notice, PageHeader, Submit, WithFlash, use_form};
use crate::layout::model::Viewer;
use crate::layout::{ThemeSwitch, use_viewer};
use leptos::prelude::*;

/// The settings of the team and of this browser.
#[component]
pub fn Settings() -> impl IntoView {
    view! {
        <PageHeader title="Settings" />
        <WithFlash>
            <SettingsContent />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn SettingsContent() -> impl IntoView {
    let rename = ServerAction::<RenameTeam>::new();
    let viewer = use_viewer();
    // The name also stands in the navigation.
    Effect::watch(move || rename.version().get(), move |_, _, _| viewer.refetch(), false);
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match viewer.get().await {
                    Ok(viewer) => view! { <Shown viewer rename /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Password() -> impl IntoView {
    let change = ServerAction::<ChangePassword>::new();
    let form = use_form(PASSWORD, change);
    view! {
        <Card title="Password" lead="Changing it signs you out everywhere else, at once.">
            <Notice form />
            <ActionForm action=change>
                <div class="grid items-start gap-4 sm:grid-cols-2">
                    <Field
                        form
                        name="current_password"
                        label="Current password"
                        kind="password"
                        autocomplete="current-password"
                        required=true
                    />
                    <NewPassword form label="New password" />
                </div>
                <div class="mt-4"><Submit form label="Change password" busy="Changing…" class="btn" /></div>
            </ActionForm>
        </Card>
    }
    .into_any()
}

#[component]
fn Shown(viewer: Viewer, rename: ServerAction<RenameTeam>) -> impl IntoView {
    let form = use_form(TEAM, rename);
    view! {
        <div class="max-w-2xl">
            <Card title="Team">
                {if viewer.can_manage_team {
                    view! {
                        <Notice form />
                        <ActionForm action=rename>
                            <div class="flex flex-wrap items-end gap-3">
                                <div class="min-w-48 flex-1">
                                    <Field form name="name" label="Name" value=viewer.team.clone() required=true />
                                </div>
                                <Submit form label="Rename" busy="Saving…" class="btn" />
                            </div>
                        </ActionForm>
                    }
                        .into_any()
                } else {
                    view! { <p class="text-sm">{viewer.team.clone()}</p> }.into_any()
                }}
                <dl class="mt-4 divide-y divide-base-300 border-t border-base-300">
                    <Detail name="Managed address"><code class="break-all">{viewer.managed_address}</code></Detail>
                    <Detail name="Team id"><code class="break-all">{viewer.team_id}</code></Detail>
                </dl>
            </Card>
            <Card title="Account">
                <dl class="-my-2 divide-y divide-base-300">
                    <Detail name="Name">{viewer.name}</Detail>
                    <Detail name="Email address">{viewer.email}</Detail>
                    <Detail name="Role">
                        {viewer.role} {viewer.is_operator.then_some(", and operator of this installation")}
                    </Detail>
                    <Detail name="Signed in"><a class="link" href="/settings/sessions">"Sessions"</a></Detail>
                </dl>
            </Card>
            <Password />
            <Card title="Appearance" lead="Remembered in this browser.">
                <div class="max-w-xs"><ThemeSwitch theme=viewer.theme /></div>
            </Card>
        </div>
    }
    .into_any()
}
