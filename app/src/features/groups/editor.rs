//! The form of a group: its name, its members and their weights, with the shares that they come to.

use super::api::SaveGroup;
use super::model::{GroupCandidate, GroupEntry, GroupOutlook, GroupView, group_outlook};
use crate::browser;
use crate::components::{
    EmptyState, Field, FieldError, Form, Icon, Notice, NumberField, Rows, ShareBar, StatusBadge, SubmitOrCancel, icon,
};
use leptos::html;
use leptos::prelude::*;

/// Makes a group, or changes one. With scripts the shares follow what is typed.
#[component]
pub fn Editor(
    /// The group, and what it could be made of.
    view: GroupView,
    /// Saves it.
    action: ServerAction<SaveGroup>,
    /// The state of that form.
    form: Form,
) -> impl IntoView {
    let GroupView { group, providers } = view;
    if providers.is_empty() {
        return view! { <NoProviders /> }.into_any();
    }
    let is_new = group.id.is_empty();
    let rows: Vec<(GroupCandidate, GroupEntry)> = providers
        .into_iter()
        .map(|provider| {
            let member = group.members.iter().find(|member| member.id == provider.id);
            let weight = member.and_then(|member| member.weight);
            let entry = GroupEntry {
                name: provider.name.clone(),
                is_active: provider.is_active,
                is_member: form.ticked(&member_field(&provider.id), member.is_some()),
                weight: form.value(
                    &weight_field(&provider.id),
                    &weight.map(|weight| weight.to_string()).unwrap_or_default(),
                ),
            };
            (provider, entry)
        })
        .collect();
    let live = Live::new(&rows);
    // The answer says at the fields what is wrong with what was sent.
    Effect::watch(move || form.reply(), move |_, _, _| live.is_edited.set(false), false);
    view! {
        <Notice form />
        <ActionForm action=action node_ref=live.node>
            <input type="hidden" name="id" value=group.id />
            <div on:input=move |_| live.typed()>
                <div class="card-surface mb-6 p-5">
                    <div class="max-w-md">
                        <Field form name="name" label="Name" value=group.name placeholder="Transactional" required=true />
                    </div>
                </div>
                <section class="card-surface mb-6" aria-labelledby="members">
                    <div class="border-b border-base-300 px-5 py-4">
                        <h2 id="members" class="text-sm font-semibold">"Members"</h2>
                        <p class="mt-0.5 text-sm text-muted">
                            "Give every member a weight, or none for an equal split. A weight of 0 drains a member: it stays, and is sent nothing."
                        </p>
                        <FieldError form name="members" id="members-error".to_owned() />
                    </div>
                    <Rows columns=&["Provider", "Status", "Weight", "Share"]>
                        {rows
                            .into_iter()
                            .enumerate()
                            .map(|(place, (provider, entry))| view! { <Row place provider entry form live /> })
                            .collect_view()}
                    </Rows>
                    <Verdict live />
                </section>
                <div class="mb-6">
                    <SubmitOrCancel
                        form
                        label=if is_new { "Create group" } else { "Save" }
                        busy=if is_new { "Creating…" } else { "Saving…" }
                        cancel="/groups"
                    />
                </div>
            </div>
        </ActionForm>
    }
    .into_any()
}

/// State of the form, and its outlook.
#[derive(Clone, Copy)]
struct Live {
    node: NodeRef<html::Form>,
    ids: StoredValue<Vec<String>>,
    entries: RwSignal<Vec<GroupEntry>>,
    outlook: Memo<GroupOutlook>,
    /// Something was typed since the form was last sent.
    is_edited: RwSignal<bool>,
}

impl Live {
    fn new(rows: &[(GroupCandidate, GroupEntry)]) -> Self {
        let entries = RwSignal::new(rows.iter().map(|(_, entry)| entry.clone()).collect::<Vec<_>>());
        let live = Self {
            node: NodeRef::new(),
            ids: StoredValue::new(rows.iter().map(|(provider, _)| provider.id.clone()).collect()),
            entries,
            outlook: Memo::new(move |_| entries.with(|entries| group_outlook(entries))),
            is_edited: RwSignal::new(false),
        };
        // The form itself knows best: the browser may have filled it in, and what was typed outlives a refresh.
        Effect::new(move |_| live.read());
        live
    }

    fn typed(self) {
        self.is_edited.set(true);
        self.read();
    }

    fn read(self) {
        let Some(form) = self.node.get() else { return };
        let ids = self.ids.get_value();
        self.entries.update(|entries| {
            for (id, entry) in ids.iter().zip(entries) {
                entry.is_member = browser::typed(&form, &member_field(id)).is_some();
                entry.weight = browser::typed(&form, &weight_field(id)).unwrap_or_default();
            }
        });
    }

    fn share(self, place: usize) -> Option<f64> {
        self.outlook
            .with(|outlook| outlook.shares.get(place).copied().flatten())
    }
}

#[component]
fn Row(place: usize, provider: GroupCandidate, entry: GroupEntry, form: Form, live: Live) -> impl IntoView {
    let box_id = format!("member-{}", provider.id);
    view! {
        <tr data-member=provider.id.clone()>
            <th scope="row">
                <label class="flex cursor-pointer items-start gap-3 font-medium" for=box_id>
                    <input
                        type="checkbox"
                        class="checkbox checkbox-sm checkbox-primary mt-0.5"
                        id=box_id.clone()
                        name=member_field(&provider.id)
                        value="true"
                        checked=entry.is_member
                    />
                    <span class="min-w-0 break-words">
                        {provider.name.clone()}
                        <span class="block text-sm font-normal text-muted">{provider.kind_label}</span>
                    </span>
                </label>
            </th>
            <td data-label="Status"><StatusBadge status=provider.state /></td>
            <td data-label="Weight">
                <NumberField
                    form
                    name=weight_field(&provider.id)
                    label=format!("Weight of {}", provider.name)
                    label_is_heard=true
                    value=entry.weight
                    placeholder="equal split"
                />
            </td>
            <td data-label="Share"><ShareBar share=Signal::derive(move || live.share(place)) /></td>
        </tr>
    }
    .into_any()
}

/// Outlook of the weights while they are edited. The form says the same when it is sent.
#[component]
fn Verdict(live: Live) -> impl IntoView {
    let is_empty = move || {
        live.entries
            .with(|entries| !entries.iter().any(|entry| entry.is_member))
    };
    view! {
        <div class="border-t border-base-300 px-5 py-3 text-sm text-muted empty:hidden" aria-live="polite" data-verdict>
            {move || {
                let faults = live.outlook.with(|outlook| outlook.faults.clone());
                if is_empty() {
                    Some("Without a member, what its keys send is refused.".into_any())
                } else if live.is_edited.get() && !faults.is_empty() {
                    Some(
                        view! {
                            <p class="font-medium text-danger">"This cannot be saved yet:"</p>
                            <ul class="mt-1 space-y-1 text-danger">
                                {faults
                                    .into_iter()
                                    .map(|fault| view! { <li class="flex gap-1.5">{icon(Icon::Alert, "mt-0.5 size-4 shrink-0")} {fault}</li> })
                                    .collect_view()}
                            </ul>
                        }
                            .into_any(),
                    )
                } else {
                    None
                }
            }}
        </div>
    }
    .into_any()
}

#[component]
fn NoProviders() -> impl IntoView {
    view! {
        <section class="card-surface" aria-label="Members">
            <EmptyState
                glyph=Icon::Server
                title="No provider of your own yet"
                text="A group is made of your own providers. The managed route joins no group, since it changes the sender."
            >
                <a class="btn btn-primary" href="/providers/new">{icon(Icon::Plus, "size-4")} "Add a provider"</a>
            </EmptyState>
        </section>
    }
    .into_any()
}

fn member_field(id: &str) -> String {
    format!("member[{id}]")
}

fn weight_field(id: &str) -> String {
    format!("weight[{id}]")
}
