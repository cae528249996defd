//! Placeholders of content that could not be loaded, or is not there yet.

use crate::browser;
use crate::components::{Icon, icon};
use crate::model::AppError;
use leptos::prelude::*;
use leptos_meta::Title;

/// Says what went wrong and how to go on.
#[component]
pub fn ErrorView(
    /// The error.
    error: AppError,
) -> impl IntoView {
    let title = match error {
        AppError::NotFound(_) => "Not found",
        AppError::SignedOut => "Signed out",
        AppError::Forbidden(_) => "Not allowed",
        AppError::Refused(_) => "This cannot be done",
        AppError::Unavailable => "Not available at the moment",
        AppError::Internal => "Something went wrong",
        AppError::Unreachable => "No connection",
    };
    let is_signed_out = error == AppError::SignedOut;
    if is_signed_out {
        // The session ended while the page was looked at. A page that is asked for is redirected by the server.
        Effect::new(|_| browser::sign_in_again());
    }
    view! {
        <Title text=title />
        <div class="card-surface flex flex-col items-center px-6 py-14 text-center" role="alert">
            <span class="mb-4 rounded-full bg-base-200 p-3 text-muted">{icon(Icon::Alert, "size-6")}</span>
            <h1 class="text-lg font-semibold">{title}</h1>
            <p class="mt-1 max-w-md text-sm text-muted">{error.to_string()}</p>
            <a
                class="btn btn-primary btn-sm mt-5"
                href=if is_signed_out { "/sign-in" } else { "/overview" }
                rel=is_signed_out.then_some("external")
            >
                {if is_signed_out { "Sign in" } else { "Go to the overview" }}
            </a>
        </div>
    }
    .into_any()
}

/// Holds the place of content that is being fetched.
#[component]
pub fn Loading() -> impl IntoView {
    view! {
        <div class="flex items-center gap-3 py-14 text-sm text-muted" role="status">
            <span class="loading loading-spinner loading-sm" aria-hidden="true"></span>
            "Loading…"
        </div>
    }
    .into_any()
}
