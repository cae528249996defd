//! Keys that were just made.

use crate::components::{CopyButton, Form, Icon, icon};
use crate::model::{FormExtra, KeySecret};
use leptos::prelude::*;

/// The secret of a key that was just made: the only time that it is shown.
#[component]
pub fn KeyShown(
    /// The form that makes keys.
    form: Form,
) -> impl IntoView {
    view! {
        <div aria-live="polite">
            {move || {
                let message = form.reply().map(|reply| reply.message).unwrap_or_default();
                made_key(form)
                    .map(|key| {
                        view! {
                            <div class="notice tone-success" data-new-key=key.id>
                                {icon(Icon::Key, "mt-0.5 size-4 shrink-0")}
                                <div class="min-w-0 flex-1">
                                    <p class="font-medium">"Copy your key “" {key.name} "” now: it is not shown again."</p>
                                    <div class="mt-2 flex flex-wrap items-center gap-2">
                                        <code class="secret">{key.secret.clone()}</code>
                                        <CopyButton text=key.secret what="key" />
                                    </div>
                                    {(!message.is_empty()).then(|| view! { <p class="mt-2">{message}</p> })}
                                </div>
                            </div>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

/// The key that this form has made.
pub fn made_key(form: Form) -> Option<KeySecret> {
    match form.reply()?.extra? {
        FormExtra::Key(key) => Some(key),
        FormExtra::Test(_) => None,
    }
}
