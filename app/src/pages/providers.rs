//! `/providers`: what the team sends through.

use crate::api::{DeleteProvider, SetProviderActive, TestProvider, UnblockProvider, forms, list_providers};
use crate::browser;
use crate::components::{
    Confirm, EmptyState, ErrorView, Form, Icon, Notice, PageHeader, StatusBadge, Submit, TestResult, Time, WithFlash,
    icon, use_form,
};
use crate::layout::use_viewer;
use crate::model::{FormExtra, ProviderItem};
use leptos::prelude::*;

/// What can be done to a provider, and what came of it.
#[derive(Clone, Copy)]
pub struct ProviderActions {
    test: ServerAction<TestProvider>,
    switch: ServerAction<SetProviderActive>,
    unblock: ServerAction<UnblockProvider>,
    delete: ServerAction<DeleteProvider>,
    tested: Form,
    switched: Form,
    unblocked: Form,
    deleted: Form,
}

impl ProviderActions {
    /// The actions of one page.
    pub fn new() -> Self {
        let (test, switch) = (ServerAction::new(), ServerAction::new());
        let (unblock, delete) = (ServerAction::new(), ServerAction::new());
        Self {
            test,
            switch,
            unblock,
            delete,
            tested: use_form(forms::TEST_PROVIDER, test),
            switched: use_form(forms::SWITCH_PROVIDER, switch),
            unblocked: use_form(forms::UNBLOCK_PROVIDER, unblock),
            deleted: use_form(forms::DELETE_PROVIDER, delete),
        }
    }

    /// Grows with every action that was done, so that what is shown is fetched again.
    pub fn version(self) -> usize {
        self.test.version().get()
            + self.switch.version().get()
            + self.unblock.version().get()
            + self.delete.version().get()
    }
}

/// The list of providers.
#[component]
pub fn Providers() -> impl IntoView {
    let viewer = use_viewer();
    view! {
        <PageHeader title="Providers" lead="The accounts that your messages are sent through.">
            <Suspense>
                {move || Suspend::new(async move {
                    viewer
                        .get()
                        .await
                        .is_ok_and(|viewer| viewer.can_configure)
                        .then(|| {
                            view! {
                                <a class="btn btn-primary" href="/providers/new">
                                    {icon(Icon::Plus, "size-4")}
                                    "Add a provider"
                                </a>
                            }
                        })
                })}
            </Suspense>
        </PageHeader>
        <WithFlash>
            <ProviderList />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn ProviderList() -> impl IntoView {
    let actions = ProviderActions::new();
    let providers = Resource::new(move || actions.version(), |_| list_providers());
    let viewer = use_viewer();
    Effect::watch(move || actions.version(), |_, _, _| browser::close_confirms(), false);
    browser::while_visible(10, move || providers.refetch());
    view! {
        <Outcomes actions />
        <Transition>
            {move || Suspend::new(async move {
                let can_configure = viewer.get().await.is_ok_and(|viewer| viewer.can_configure);
                match providers.await {
                    Ok(providers) => view! { <Table providers can_configure actions /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

/// What came of the last action.
#[component]
pub fn Outcomes(
    /// The actions of the page.
    actions: ProviderActions,
) -> impl IntoView {
    view! {
        <Notice form=actions.switched />
        <Notice form=actions.unblocked />
        <Notice form=actions.deleted />
        <div aria-live="polite">
            {move || match actions.tested.reply()?.extra? {
                FormExtra::Test(test) => Some(view! { <TestResult test /> }),
                FormExtra::Key(_) => None,
            }}
        </div>
        {move || {
            let is_shown = actions.tested.reply().is_some_and(|reply| reply.extra.is_none());
            is_shown.then(|| view! { <Notice form=actions.tested /> })
        }}
    }
    .into_any()
}

#[component]
fn Table(providers: Vec<ProviderItem>, can_configure: bool, actions: ProviderActions) -> impl IntoView {
    let has_own = providers.iter().any(|provider| provider.editable);
    view! {
        <section class="card-surface" aria-label="Providers">
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Weight"</th>
                        <th scope="col">"Share"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">
                            <span class="sr-only">"Actions"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {providers
                        .into_iter()
                        .map(|provider| view! { <Row provider can_configure actions /> })
                        .collect_view()}
                </tbody>
            </table>
            {(!has_own)
                .then(|| {
                    view! {
                        <div class="border-t border-base-300">
                            <EmptyState
                                glyph=Icon::Server
                                title="No provider of your own yet"
                                text="Until you add one, messages go through the managed route. Add an SMTP server, and they leave under your own sender address."
                            />
                        </div>
                    }
                })}
        </section>
    }
    .into_any()
}

#[component]
fn Row(provider: ProviderItem, can_configure: bool, actions: ProviderActions) -> impl IntoView {
    let page = format!("/providers/{}", provider.id);
    let server = provider
        .smtp
        .as_ref()
        .map(|smtp| format!("{}:{}", smtp.host, smtp.port));
    let weight = match provider.weight {
        Some(weight) => weight.to_string(),
        None if provider.editable => "100".to_owned(),
        None => "–".to_owned(),
    };
    let last_used = match provider.last_used.clone() {
        Some(at) => view! { <Time at /> }.into_any(),
        None => "Never".into_any(),
    };
    let buttons = can_configure.then(|| view! { <Buttons provider=provider.clone() actions back="/providers" /> });
    view! {
        <tr data-provider=provider.id.clone()>
            <th scope="row">
                <a class="font-medium hover:underline" href=page>{provider.name.clone()}</a>
                <span class="block text-sm font-normal text-muted">{provider.kind_label.clone()}</span>
                {server.map(|server| view! { <span class="block text-sm font-normal break-all text-muted">{server}</span> })}
            </th>
            <td data-label="Status"><ProviderState provider=provider.clone() /></td>
            <td data-label="Weight">{weight}</td>
            <td data-label="Share">{provider.share.unwrap_or_else(|| "–".to_owned())}</td>
            <td data-label="Last used">{last_used}</td>
            <td class="actions">{buttons}</td>
        </tr>
    }
    .into_any()
}

/// The state of a provider, with its reason and when it ends.
#[component]
pub fn ProviderState(
    /// The provider.
    provider: ProviderItem,
) -> impl IntoView {
    view! {
        <StatusBadge status=provider.state />
        {provider
            .reason
            .map(|reason| {
                view! {
                    <span class="mt-1 block max-w-xs text-sm break-words text-muted">
                        {reason} {provider.until.map(|at| view! { <span>" Ends " <Time at /> "."</span> })}
                    </span>
                }
            })}
    }
    .into_any()
}

/// What can be done to a provider.
#[component]
pub fn Buttons(
    /// The provider.
    provider: ProviderItem,
    /// The actions of the page.
    actions: ProviderActions,
    /// The page, to come back to without scripts.
    #[prop(into)]
    back: String,
) -> impl IntoView {
    let ProviderItem {
        id,
        name,
        kind,
        state,
        managed,
        editable,
        ..
    } = provider;
    let is_real = kind != "sandbox";
    let is_held = matches!(state.as_str(), "blocked" | "paused");
    let edit = (editable && !back.ends_with(id.as_str())).then(|| {
        view! {
            <a class="btn btn-sm" href=format!("/providers/{id}")>
                "Edit"
                <span class="sr-only">" " {name.clone()}</span>
            </a>
        }
    });
    view! {
        {is_held.then(|| view! { <UnblockButton id=id.clone() name=name.clone() back=back.clone() actions /> })}
        {(is_real && !managed).then(|| view! { <TestButton id=id.clone() name=name.clone() back=back.clone() actions /> })}
        {is_real
            .then(|| {
                view! {
                    <SwitchButton id=id.clone() name=name.clone() is_active=state != "inactive" back=back.clone() actions />
                }
            })}
        {edit}
        {editable.then(|| view! { <DeleteButton id=id.clone() name=name.clone() actions /> })}
    }
    .into_any()
}

#[component]
fn UnblockButton(id: String, name: String, back: String, actions: ProviderActions) -> impl IntoView {
    view! {
        <ActionForm action=actions.unblock>
            <input type="hidden" name="id" value=id />
            <input type="hidden" name="back" value=back />
            <Submit form=actions.unblocked label="Use again now" busy="Unblocking…" class="btn btn-sm" of=name />
        </ActionForm>
    }
    .into_any()
}

#[component]
fn TestButton(id: String, name: String, back: String, actions: ProviderActions) -> impl IntoView {
    let own = id.clone();
    let pressed = Signal::derive(move || actions.test.input().with(|sent| sent.as_ref().is_some_and(|sent| sent.id == own)));
    view! {
        <ActionForm action=actions.test>
            <input type="hidden" name="id" value=id />
            <input type="hidden" name="back" value=back />
            <Submit form=actions.tested label="Test" busy="Testing…" class="btn btn-sm" of=name pressed />
        </ActionForm>
    }
    .into_any()
}

#[component]
fn SwitchButton(id: String, name: String, is_active: bool, back: String, actions: ProviderActions) -> impl IntoView {
    let label = if is_active { "Switch off" } else { "Switch on" };
    view! {
        <ActionForm action=actions.switch>
            <input type="hidden" name="id" value=id />
            <input type="hidden" name="active" value=(!is_active).to_string() />
            <input type="hidden" name="back" value=back />
            <Submit form=actions.switched label busy=label class="btn btn-sm" of=name />
        </ActionForm>
    }
    .into_any()
}

#[component]
fn DeleteButton(id: String, name: String, actions: ProviderActions) -> impl IntoView {
    let of = name.clone();
    view! {
        <Confirm
            label="Delete"
            of
            glyph=Icon::Trash
            question="Its settings and password are deleted. What waits for it goes to the other providers of the same scope."
        >
            <ActionForm action=actions.delete>
                <input type="hidden" name="id" value=id />
                <Submit form=actions.deleted label="Delete provider" busy="Deleting…" class="btn btn-sm btn-error" of=name />
            </ActionForm>
        </Confirm>
    }
    .into_any()
}
