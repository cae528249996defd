//! `/sign-in`.

use super::api::{SIGN_IN, SignIn};
use super::model::VisitorState;
use super::sign_up::VisitorPage;
use crate::components::{Field, Notice, PageHeader, Submit, use_form};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// Signs in.
#[component]
pub fn SignInPage() -> impl IntoView {
    view! { <VisitorPage shown=|state| view! { <SignInForm state /> }.into_any() /> }.into_any()
}

#[component]
fn SignInForm(state: VisitorState) -> impl IntoView {
    let action = ServerAction::<SignIn>::new();
    let form = use_form(SIGN_IN, action);
    let next = use_query_map()
        .with_untracked(|query| query.get("next"))
        .unwrap_or_default();
    view! {
        <PageHeader title="Sign in" />
        <Notice form />
        <ActionForm action=action>
            <div class="space-y-4">
                <input type="hidden" name="next" value=next />
                <Field
                    form
                    name="email"
                    label="Email address"
                    kind="email"
                    autocomplete="username"
                    required=true
                    autofocus=true
                />
                <Field
                    form
                    name="password"
                    label="Password"
                    kind="password"
                    autocomplete="current-password"
                    required=true
                />
                <Submit form label="Sign in" busy="Signing in…" class="btn btn-primary w-full" />
            </div>
        </ActionForm>
        <p class="mt-4 text-center text-sm"><a class="link" href="/forgot-password">"Forgot your password?"</a></p>
        {state
            .sign_up_open
            .then(|| {
                view! {
                    <p class="mt-6 text-center text-sm text-muted">
                        "No account yet? " <a class="link" href="/sign-up">"Sign up"</a>
                    </p>
                }
            })}
    }
    .into_any()
}
