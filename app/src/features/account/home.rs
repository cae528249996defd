//! `/`: to the overview, or to the sign-in page.

use super::api::current_visitor;
use leptos::prelude::*;
use leptos_router::components::Redirect;

/// Sends the visitor on.
#[component]
pub fn Home() -> impl IntoView {
    let state = Resource::new(|| (), |()| current_visitor());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let path = match state.await {
                    Ok(state) if state.signed_in => "/overview",
                    Ok(state) if state.first_account => "/sign-up",
                    _ => "/sign-in",
                };
                view! { <Redirect path /> }
            })}
        </Suspense>
    }
    .into_any()
}
