//! `/sign-up`.

use super::api::{SIGN_UP, SignUp, current_visitor};
use super::model::VisitorState;
use crate::components::{ErrorView, Field, Icon, NewPassword, Notice, PageHeader, Submit, WithFlash, icon, use_form};
use leptos::prelude::*;
use leptos_router::components::Redirect;

/// Makes an account with its team.
#[component]
pub fn SignUpPage() -> impl IntoView {
    view! {
        <VisitorPage shown=|state| {
            if state.sign_up_open {
                view! { <SignUpForm state /> }.into_any()
            } else {
                view! { <Closed /> }.into_any()
            }
        } />
    }
    .into_any()
}

/// A page for those who are not signed in; leads the others to the overview.
#[component]
pub fn VisitorPage(
    /// The page.
    shown: fn(VisitorState) -> AnyView,
) -> impl IntoView {
    let state = Resource::new(|| (), |()| current_visitor());
    view! {
        <GateFrame>
            <WithFlash>
                <Suspense>
                    {move || Suspend::new(async move {
                        match state.await {
                            Ok(state) if state.signed_in => view! { <Redirect path="/overview" /> }.into_any(),
                            Ok(state) => shown(state),
                            Err(error) => view! { <ErrorView error /> }.into_any(),
                        }
                    })}
                </Suspense>
            </WithFlash>
        </GateFrame>
    }
    .into_any()
}

#[component]
fn SignUpForm(state: VisitorState) -> impl IntoView {
    let action = ServerAction::<SignUp>::new();
    let form = use_form(SIGN_UP, action);
    let lead = if state.first_account {
        "The first account of this installation becomes its operator."
    } else {
        "Your account comes with a team, and the team with a route that can send at once."
    };
    view! {
        <PageHeader title="Create your account" lead />
        <Notice form />
        <ActionForm action=action>
            <div class="space-y-4">
                <Field form name="name" label="Your name" autocomplete="name" required=true autofocus=true />
                <Field form name="email" label="Email address" kind="email" autocomplete="username" required=true />
                <NewPassword form />
                <Field
                    form
                    name="team_name"
                    label="Team"
                    autocomplete="organization"
                    hint="Providers, keys and messages belong to a team."
                    placeholder="Acme"
                />
                {state
                    .needs_setup_token
                    .then(|| {
                        view! {
                            <Field
                                form
                                name="setup_token"
                                label="Setup token"
                                autocomplete="off"
                                hint="The server printed it when it started."
                                required=true
                            />
                        }
                    })}
                <Submit form label="Create account" busy="Creating…" class="btn btn-primary w-full" />
            </div>
        </ActionForm>
        <p class="mt-6 text-center text-sm text-muted">
            "Have an account? " <a class="link" href="/sign-in">"Sign in"</a>
        </p>
    }
    .into_any()
}

#[component]
fn Closed() -> impl IntoView {
    view! {
        <PageHeader
            title="Sign-up is closed"
            lead="Accounts on this installation are made by its operator. Ask for one, or for an invitation to a team."
        />
        <a class="btn btn-primary w-full" href="/sign-in">"Sign in"</a>
    }
    .into_any()
}

/// The frame around the pages of those who are not signed in.
#[component]
pub fn GateFrame(
    /// The page.
    children: Children,
) -> impl IntoView {
    view! {
        <main id="main" tabindex="-1" class="grid min-h-dvh place-items-center px-4 py-10 outline-none">
            <div class="w-full max-w-sm">
                <p class="mb-6 flex items-center justify-center gap-2.5 text-lg font-semibold tracking-tight">
                    <span class="grid size-8 place-items-center rounded-field bg-primary text-primary-content">
                        {icon(Icon::Send, "size-4.5")}
                    </span>
                    "Sendmux"
                </p>
                <div class="card-surface p-6 sm:p-7">{children()}</div>
            </div>
        </main>
    }
    .into_any()
}
