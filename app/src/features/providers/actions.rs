//! Actions on a provider, on the list and on its page, and their results.

use super::api::{
    DELETE_PROVIDER, DeleteProvider, PROVIDER, ROUTING, SWITCH_PROVIDER, SaveProvider, SaveRouting, SetProviderActive,
    TEST_PROVIDER, TestProvider, UNBLOCK_PROVIDER, UnblockProvider,
};
use super::connect::{ConnectActions, connect_path};
use super::model::ProviderItem;
use crate::components::{Confirm, Form, Icon, Submit, TestResult, latest, reply_notice, use_form};
use crate::model::{FormExtra, FormReply};
use leptos::prelude::*;

/// Actions on a provider, and their replies.
#[derive(Clone, Copy)]
pub struct ProviderActions {
    /// Changes its settings.
    pub save: ServerAction<SaveProvider>,
    /// Its reply.
    pub saved: Form,
    /// Changes its weight and caps.
    pub route: ServerAction<SaveRouting>,
    /// Its reply.
    pub routed: Form,
    test: ServerAction<TestProvider>,
    switch: ServerAction<SetProviderActive>,
    unblock: ServerAction<UnblockProvider>,
    delete: ServerAction<DeleteProvider>,
    tested: Form,
    switched: Form,
    unblocked: Form,
    deleted: Form,
    /// Those of mailboxes and Amazon SES accounts.
    pub connect: ConnectActions,
    last: Memo<Option<FormReply>>,
}

impl ProviderActions {
    /// The actions of one page.
    pub fn new() -> Self {
        let (save, test, switch) = (ServerAction::new(), ServerAction::new(), ServerAction::new());
        let (unblock, delete, route) = (ServerAction::new(), ServerAction::new(), ServerAction::new());
        let (saved, tested) = (use_form(PROVIDER, save), use_form(TEST_PROVIDER, test));
        let routed = use_form(ROUTING, route);
        let switched = use_form(SWITCH_PROVIDER, switch);
        let unblocked = use_form(UNBLOCK_PROVIDER, unblock);
        let deleted = use_form(DELETE_PROVIDER, delete);
        let connect = ConnectActions::new();
        let last = latest([saved, routed, tested, switched, unblocked, deleted, connect.connection]);
        Self {
            save,
            saved,
            route,
            routed,
            test,
            switch,
            unblock,
            delete,
            tested,
            switched,
            unblocked,
            deleted,
            connect,
            last,
        }
    }

    /// Grows with every action that was done, so that the list is fetched again.
    pub fn version(self) -> usize {
        self.version_of_page() + self.delete.version().get()
    }

    /// Grows with every action after which the provider is still there, so that its page is fetched again.
    pub fn version_of_page(self) -> usize {
        self.save.version().get()
            + self.route.version().get()
            + self.test.version().get()
            + self.switch.version().get()
            + self.unblock.version().get()
            + self.connect.version()
    }
}

/// Reply to the last action.
#[component]
pub fn Outcomes(
    /// The actions of the page.
    actions: ProviderActions,
) -> impl IntoView {
    // The forms of the settings show their own.
    let own = [PROVIDER, ROUTING];
    let reply = move || actions.last.get().filter(|reply| !own.contains(&reply.form.as_str()));
    view! {
        <div aria-live="polite">
            {move || match reply()? {
                FormReply { extra: Some(FormExtra::Test(test)), .. } => Some(view! { <TestResult test /> }.into_any()),
                reply => reply_notice(&reply),
            }}
        </div>
    }
    .into_any()
}

/// Buttons of the actions on a provider.
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
    let is_set_up = state != "setup";
    let mailbox_label = match (kind.as_str(), state.as_str()) {
        ("gmail" | "microsoft365", "setup") => Some("Connect"),
        ("gmail" | "microsoft365", "blocked") => Some("Re-authorise"),
        _ => None,
    };
    let connect = mailbox_label.map(|label| {
        view! {
            <a class="btn btn-sm btn-primary" href=connect_path(&id) rel="external">
                {label}
                <span class="sr-only">" " {name.clone()}</span>
            </a>
        }
    });
    let edit = (editable && !back.ends_with(id.as_str())).then(|| {
        view! {
            <a class="btn btn-sm" href=format!("/providers/{id}")>
                "Edit"
                <span class="sr-only">" " {name.clone()}</span>
            </a>
        }
    });
    view! {
        {connect}
        {(is_held(&state) && !managed).then(|| view! { <UnblockButton id=id.clone() name=name.clone() back=back.clone() actions /> })}
        {(is_real && is_set_up && !managed).then(|| view! { <TestButton id=id.clone() name=name.clone() back=back.clone() actions /> })}
        {(is_real && is_set_up)
            .then(|| {
                view! {
                    <SwitchButton id=id.clone() name=name.clone() is_active=state != "inactive" back=back.clone() actions />
                }
            })}
        {edit}
        {editable.then(|| view! { <DeleteButton id=id.clone() name=name.clone() back actions /> })}
    }
    .into_any()
}

/// True while it is out of rotation in a way that the button "Use again now" ends.
fn is_held(state: &str) -> bool {
    matches!(state, "blocked" | "paused")
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
    let pressed = Signal::derive(move || {
        actions
            .test
            .input()
            .with(|sent| sent.as_ref().is_some_and(|sent| sent.id == own))
    });
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
fn DeleteButton(id: String, name: String, back: String, actions: ProviderActions) -> impl IntoView {
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
                <input type="hidden" name="back" value=back />
                <Submit form=actions.deleted label="Delete provider" busy="Deleting…" class="btn btn-sm btn-error" of=name />
            </ActionForm>
        </Confirm>
    }
    .into_any()
}
