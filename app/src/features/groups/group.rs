//! `/groups/new` and `/groups/:id`: one group, its members and who uses it.

use super::api::{DELETE_GROUP, DeleteGroup, GROUP, SaveGroup, get_group};
use super::editor::Editor;
use super::list::{DeleteButton, KeyLinks, MemberShares};
use super::model::GroupView;
use crate::browser;
use crate::components::{Card, Crumbs, ErrorView, Icon, Notice, PageHeader, WithFlash, icon, use_form};
use crate::layout::use_viewer;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// Makes a group.
#[component]
pub fn NewGroup() -> impl IntoView {
    view! {
        <Crumbs path=&[("/groups", "Groups")] />
        <PageHeader title="New group" lead="Choose its members, and weight them if they are not to share equally." />
        <WithFlash>
            <NewForm />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn NewForm() -> impl IntoView {
    let action = ServerAction::<SaveGroup>::new();
    let form = use_form(GROUP, action);
    let blank = Resource::new(|| (), |()| get_group(String::new()));
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match blank.await {
                    Ok(view) => view! { <Editor view action form /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

/// Shows a group, and changes it.
#[component]
pub fn EditGroup() -> impl IntoView {
    view! {
        <Crumbs path=&[("/groups", "Groups")] />
        <WithFlash>
            <GroupPage />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn GroupPage() -> impl IntoView {
    let params = use_params_map();
    let id = move || params.with(|params| params.get("id")).unwrap_or_default();
    let (save, delete) = (ServerAction::<SaveGroup>::new(), ServerAction::<DeleteGroup>::new());
    let (saved, deleted) = (use_form(GROUP, save), use_form(DELETE_GROUP, delete));
    let group = Resource::new(
        move || (id(), save.version().get() + delete.version().get()),
        |(id, _)| get_group(id),
    );
    let viewer = use_viewer();
    Effect::watch(
        move || delete.version().get(),
        |_, _, _| browser::close_confirms(),
        false,
    );
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                match group.await {
                    Ok(view) => {
                        let group = view.group.clone();
                        view! {
                            <PageHeader title=group.name.clone() lead="Delivery group">
                                {can_configure
                                    .then(|| {
                                        let back = format!("/groups/{}", group.id);
                                        view! {
                                            <a class="btn btn-sm" href=format!("/keys?scope={}#new-key", group.id) rel="external">
                                                {icon(Icon::Key, "size-4")}
                                                "New key for it"
                                            </a>
                                            <DeleteButton id=group.id.clone() name=group.name.clone() delete form=deleted back />
                                        }
                                    })}
                            </PageHeader>
                            <Notice form=deleted />
                            <div class="grid items-start gap-x-6 xl:grid-cols-[1fr_20rem]">
                                <div class="min-w-0">
                                    {if can_configure {
                                        view! { <Editor view action=save form=saved /> }.into_any()
                                    } else {
                                        view! { <Members view /> }.into_any()
                                    }}
                                </div>
                                <Card title="Keys scoped to it">
                                    <KeyLinks keys=group.used_by none="No key uses this group yet." />
                                </Card>
                            </div>
                        }
                            .into_any()
                    }
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

/// The members, for those who may only look.
#[component]
fn Members(view: GroupView) -> impl IntoView {
    view! {
        <Card title="Members and their shares">
            <MemberShares members=view.group.members />
        </Card>
    }
    .into_any()
}
