//! `/`: to the overview, or to the sign-in page.

use crate::api::gatekeeper;
use leptos::prelude::*;
use leptos_router::components::Redirect;

/// Sends the visitor on.
#[component]
pub fn Home() -> impl IntoView {
    let gate = Resource::new(|| (), |()| gatekeeper());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let path = match gate.await {
                    Ok(gate) if gate.signed_in => "/overview",
                    Ok(gate) if gate.first_account => "/sign-up",
                    _ => "/sign-in",
                };
                view! { <Redirect path /> }
            })}
        </Suspense>
    }
    .into_any()
}
