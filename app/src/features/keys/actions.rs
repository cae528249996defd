//! Actions on a key: rotate and revoke it.

use super::api::{REVOKE_KEY, ROTATE_KEY, RevokeKey, RotateKey};
use super::model::KeyItem;
use crate::components::{Confirm, Form, Icon, KeyShown, Notice, Submit, made_key, use_form};
use leptos::prelude::*;

/// Actions on a key, and their replies.
#[derive(Clone, Copy)]
pub struct KeyActions {
    rotate: ServerAction<RotateKey>,
    revoke: ServerAction<RevokeKey>,
    rotated: Form,
    revoked: Form,
}

impl KeyActions {
    /// The actions of one page.
    pub fn new() -> Self {
        let (rotate, revoke) = (ServerAction::new(), ServerAction::new());
        Self {
            rotate,
            revoke,
            rotated: use_form(ROTATE_KEY, rotate),
            revoked: use_form(REVOKE_KEY, revoke),
        }
    }

    /// Grows with every action that was done, so that what is shown is fetched again.
    pub fn version(self) -> usize {
        self.rotate.version().get() + self.revoke.version().get()
    }
}

/// Replies to the actions.
#[component]
pub fn Outcomes(
    /// The actions of the page.
    actions: KeyActions,
) -> impl IntoView {
    view! {
        <KeyShown form=actions.rotated />
        {move || made_key(actions.rotated).is_none().then(|| view! { <Notice form=actions.rotated /> })}
        <Notice form=actions.revoked />
    }
    .into_any()
}

/// Rotates or revokes a key that is in force.
#[component]
pub fn Buttons(
    /// The key.
    key_item: KeyItem,
    /// The actions of the page.
    actions: KeyActions,
    /// The page, to come back to without scripts.
    #[prop(into)]
    back: String,
) -> impl IntoView {
    let KeyItem { id, name, .. } = key_item;
    view! {
        <RotateButton id=id.clone() name=name.clone() back=back.clone() actions />
        <Confirm
            label="Revoke"
            of=name.clone()
            glyph=Icon::Ban
            question="Requests that use this key are refused from now on. This cannot be undone."
        >
            <ActionForm action=actions.revoke>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="back" value=back />
                <Submit form=actions.revoked label="Revoke key" busy="Revoking…" class="btn btn-sm btn-error" of=name />
            </ActionForm>
        </Confirm>
    }
    .into_any()
}

#[component]
fn RotateButton(id: String, name: String, back: String, actions: KeyActions) -> impl IntoView {
    let select_id = format!("overlap-{id}");
    view! {
        <Confirm
            label="Rotate"
            of=name.clone()
            glyph=Icon::Refresh
            class="btn btn-sm"
            question="Makes a key with the same name, mode, permissions and scope, and another secret."
        >
            <ActionForm action=actions.rotate>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="back" value=back />
                <label class="mb-1 block text-sm font-medium" for=select_id.clone()>"The old one goes on for"</label>
                <select class="select select-sm mb-3 w-full" id=select_id name="overlap_hours">
                    <option value="0">"No time: it ends now"</option>
                    <option value="1">"1 hour"</option>
                    <option value="24" selected=true>"24 hours"</option>
                    <option value="168">"7 days"</option>
                    <option value="720">"30 days"</option>
                </select>
                <Submit form=actions.rotated label="Rotate key" busy="Rotating…" class="btn btn-sm btn-primary" of=name />
            </ActionForm>
        </Confirm>
    }
    .into_any()
}
