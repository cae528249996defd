//! `/groups`: delivery groups, the pools that keys can be scoped to.

use super::api::{DELETE_GROUP, DeleteGroup, list_groups};
use super::model::{GroupItem, GroupMemberItem};
use crate::browser;
use crate::components::{
    Confirm, EmptyState, ErrorView, Form, Icon, NewButton, Notice, PageHeader, Rows, ShareBar, Submit, WithFlash, icon,
    use_form,
};
use crate::layout::use_viewer;
use crate::model::Named;
use leptos::prelude::*;

/// The list of groups.
#[component]
pub fn Groups() -> impl IntoView {
    view! {
        <PageHeader
            title="Groups"
            lead="A delivery group is an isolated pool of your providers. A key that is scoped to groups sends through their members alone, whatever fails."
        >
            <NewButton href="/groups/new" label="New group" />
        </PageHeader>
        <WithFlash>
            <GroupList />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn GroupList() -> impl IntoView {
    let delete = ServerAction::<DeleteGroup>::new();
    let deleted = use_form(DELETE_GROUP, delete);
    let groups = Resource::new(move || delete.version().get(), |_| list_groups());
    let viewer = use_viewer();
    Effect::watch(
        move || delete.version().get(),
        |_, _, _| browser::close_confirms(),
        false,
    );
    view! {
        <Notice form=deleted />
        <Transition>
            {move || Suspend::new(async move {
                let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                match groups.await {
                    Ok(groups) => view! { <Table groups can_configure delete form=deleted /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Table(groups: Vec<GroupItem>, can_configure: bool, delete: ServerAction<DeleteGroup>, form: Form) -> impl IntoView {
    if groups.is_empty() {
        return view! {
            <section class="card-surface" aria-label="Groups">
                <EmptyState
                    glyph=Icon::Layers
                    title="No group yet"
                    text="Without groups a key sends through all of your providers, or through those that it names. Make a group to keep some traffic apart, or to weight providers differently for some keys."
                />
            </section>
        }
        .into_any();
    }
    view! {
        <section class="card-surface" aria-label="Groups">
            <Rows columns=&["Name", "Members and their shares", "Keys"] actions=true>
                {groups
                    .into_iter()
                    .map(|group| {
                        let page = format!("/groups/{}", group.id);
                        view! {
                            <tr data-group=group.id.clone()>
                                <th scope="row">
                                    <a class="font-medium hover:underline" href=page.clone()>{group.name.clone()}</a>
                                </th>
                                <td data-label="Members"><MemberShares members=group.members /></td>
                                <td data-label="Keys"><KeyLinks keys=group.used_by none="None" /></td>
                                <td class="actions">
                                    {can_configure
                                        .then(|| {
                                            view! {
                                                <a class="btn btn-sm" href=page>
                                                    "Edit" <span class="sr-only">" " {group.name.clone()}</span>
                                                </a>
                                                <DeleteButton id=group.id.clone() name=group.name.clone() delete form back="/groups" />
                                            }
                                        })}
                                </td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </Rows>
        </section>
    }
    .into_any()
}

/// The members of a group with their shares.
#[component]
pub(super) fn MemberShares(members: Vec<GroupMemberItem>) -> impl IntoView {
    if members.is_empty() {
        return view! {
            <span class="flex gap-1.5 text-caution">
                {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")}
                "No members: what its keys send is refused."
            </span>
        }
        .into_any();
    }
    view! {
        <ul class="space-y-1">
            {members
                .into_iter()
                .map(|member| {
                    view! {
                        <li class="grid max-w-md items-center gap-x-3 sm:grid-cols-[1fr_9rem]">
                            <span class="min-w-0 truncate">
                                <a class="hover:underline" href=format!("/providers/{}", member.id)>{member.name}</a>
                                {(!member.is_active).then(|| view! { <span class="text-muted">" (switched off)"</span> })}
                            </span>
                            <ShareBar share=Some(member.share) />
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

/// Keys, each with a link to its page.
#[component]
pub(super) fn KeyLinks(keys: Vec<Named>, none: &'static str) -> impl IntoView {
    if keys.is_empty() {
        return view! { <span class="text-sm text-muted">{none}</span> }.into_any();
    }
    view! {
        <ul class="space-y-0.5 text-sm">
            {keys
                .into_iter()
                .map(|key| {
                    view! { <li><a class="break-words hover:underline" href=format!("/keys/{}", key.id)>{key.name}</a></li> }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

#[component]
pub(super) fn DeleteButton(
    id: String,
    name: String,
    delete: ServerAction<DeleteGroup>,
    form: Form,
    #[prop(into)] back: String,
) -> impl IntoView {
    view! {
        <Confirm
            label="Delete"
            of=name.clone()
            glyph=Icon::Trash
            question="The group is deleted; its providers stay. This is not possible while keys are scoped to it, or messages wait for it alone."
        >
            <ActionForm action=delete>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="back" value=back />
                <Submit form label="Delete group" busy="Deleting…" class="btn btn-sm btn-error" of=name />
            </ActionForm>
        </Confirm>
    }
    .into_any()
}
