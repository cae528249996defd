//! Pages that links in mails lead to: `/verify`, `/forgot-password`, `/reset-password`, `/invitation`.
//!
//! Opening a link changes nothing, since programs that look through mail open links too: a button does it.

use super::api::{
    ACCEPT, AcceptInvitation, FORGOT, ForgotPassword, RESET, ResetPassword, VERIFY, VerifyEmail, can_reset, get_invited,
};
use super::model::InvitedView;
use super::sign_up::GateFrame;
use crate::components::{ErrorView, Field, NewPassword, Notice, PageHeader, Submit, WithFlash, use_form};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// The secret of the link that was opened.
fn token() -> String {
    use_query_map()
        .with_untracked(|query| query.get("token"))
        .unwrap_or_default()
}

/// Verifies an address.
#[component]
pub fn VerifyPage() -> impl IntoView {
    view! {
        <GateFrame>
            <WithFlash>
                <Verify />
            </WithFlash>
        </GateFrame>
    }
    .into_any()
}

#[component]
fn Verify() -> impl IntoView {
    let action = ServerAction::<VerifyEmail>::new();
    let form = use_form(VERIFY, action);
    let token = token();
    let is_open = !token.is_empty();
    let done = move || form.reply().is_some_and(|reply| reply.ok);
    view! {
        <PageHeader title="Verify your address" />
        <Notice form />
        {move || {
            let token = token.clone();
            (is_open && !done())
                .then(|| {
                    view! {
                        <ActionForm action=action>
                            <input type="hidden" name="token" value=token />
                            <Submit form label="Verify my address" busy="Verifying…" class="btn btn-primary w-full" />
                        </ActionForm>
                    }
                })
        }}
        <p class="mt-6 text-center text-sm"><a class="link" href="/overview">"Go to the overview"</a></p>
    }
    .into_any()
}

/// Asks for a link to a new password.
#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    view! {
        <GateFrame>
            <WithFlash>
                <Forgot />
            </WithFlash>
        </GateFrame>
    }
    .into_any()
}

#[component]
fn Forgot() -> impl IntoView {
    let action = ServerAction::<ForgotPassword>::new();
    let form = use_form(FORGOT, action);
    view! {
        <PageHeader title="Forgot your password?" lead="We send you a link to a new one. It works for an hour." />
        <Notice form />
        <ActionForm action=action>
            <div class="space-y-4">
                <Field form name="email" label="Email address" kind="email" autocomplete="username" required=true autofocus=true />
                <Submit form label="Send me a link" busy="Sending…" class="btn btn-primary w-full" />
            </div>
        </ActionForm>
        <p class="mt-6 text-center text-sm"><a class="link" href="/sign-in">"Back to sign in"</a></p>
    }
    .into_any()
}

/// Sets a new password.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    view! {
        <GateFrame>
            <WithFlash>
                <Reset />
            </WithFlash>
        </GateFrame>
    }
    .into_any()
}

#[component]
fn Reset() -> impl IntoView {
    let action = ServerAction::<ResetPassword>::new();
    let form = use_form(RESET, action);
    let token = token();
    let works = {
        let token = token.clone();
        Resource::new(move || token.clone(), can_reset)
    };
    view! {
        <PageHeader title="Choose a new password" />
        <Suspense>
            {move || {
                let token = token.clone();
                Suspend::new(async move {
                    match works.await {
                        Ok(true) => {
                            view! {
                                <Notice form />
                                <ActionForm action=action>
                                    <div class="space-y-4">
                                        <input type="hidden" name="token" value=token />
                                        <NewPassword form label="New password" autofocus=true />
                                        <p class="text-sm text-muted">"Wherever you are signed in with the old one, you are signed out."</p>
                                        <Submit form label="Save and sign in" busy="Saving…" class="btn btn-primary w-full" />
                                    </div>
                                </ActionForm>
                            }
                                .into_any()
                        }
                        Ok(false) => {
                            view! {
                                <p class="text-sm">"This link does not work: it was used, has expired, or is not whole."</p>
                                <a class="btn btn-primary mt-4 w-full" href="/forgot-password">"Ask for a new link"</a>
                            }
                                .into_any()
                        }
                        Err(error) => view! { <ErrorView error /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}

/// Accepts an invitation.
#[component]
pub fn InvitationPage() -> impl IntoView {
    view! {
        <GateFrame>
            <WithFlash>
                <InvitationContent />
            </WithFlash>
        </GateFrame>
    }
    .into_any()
}

#[component]
fn InvitationContent() -> impl IntoView {
    let token = token();
    let invited = {
        let token = token.clone();
        Resource::new(move || token.clone(), get_invited)
    };
    view! {
        <Suspense>
            {move || {
                let token = token.clone();
                Suspend::new(async move {
                    match invited.await {
                        Ok(invited) => view! { <Accept invited token /> }.into_any(),
                        Err(error) => view! { <ErrorView error /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}

#[component]
fn Accept(invited: InvitedView, token: String) -> impl IntoView {
    let action = ServerAction::<AcceptInvitation>::new();
    let form = use_form(ACCEPT, action);
    let InvitedView {
        team,
        email,
        role,
        has_account,
        signed_in_as,
    } = invited;
    let lead = format!("You are invited to the team {team} as {role}.");
    let is_same = signed_in_as
        .as_ref()
        .is_some_and(|signed_in| signed_in.eq_ignore_ascii_case(&email));
    let content = if is_same {
        view! { <Submit form label="Join the team" busy="Joining…" class="btn btn-primary w-full" /> }.into_any()
    } else if let Some(other) = signed_in_as {
        view! {
            <p class="text-sm">
                "The invitation was sent to " <strong class="break-all">{email}</strong> ", and you are signed in as "
                <strong class="break-all">{other}</strong> ". Sign out, sign in with that address, and open the link again."
            </p>
        }
        .into_any()
    } else if has_account {
        view! {
            <p class="text-sm">"There is an account with the address " <strong class="break-all">{email}</strong> "."</p>
            <Field form name="password" label="Its password" kind="password" autocomplete="current-password" required=true autofocus=true />
            <Submit form label="Sign in and join" busy="Joining…" class="btn btn-primary w-full" />
            <p class="text-center text-sm"><a class="link" href="/forgot-password">"Forgot your password?"</a></p>
        }
        .into_any()
    } else {
        view! {
            <p class="text-sm">"Your account will have the address " <strong class="break-all">{email}</strong> "."</p>
            <Field form name="name" label="Your name" autocomplete="name" required=true autofocus=true />
            <NewPassword form />
            <Submit form label="Create account and join" busy="Joining…" class="btn btn-primary w-full" />
        }
        .into_any()
    };
    view! {
        <PageHeader title="Join the team" lead />
        <Notice form />
        <ActionForm action=action>
            <div class="space-y-4">
                <input type="hidden" name="token" value=token />
                {content}
            </div>
        </ActionForm>
    }
    .into_any()
}
