//! Page for paths that do not exist.

use leptos::prelude::*;
use leptos_meta::Title;

/// Says that there is no such page.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <Title text="Not found" />
        <main id="main" tabindex="-1" class="grid min-h-dvh place-items-center px-6 text-center outline-none">
            <div>
                <p class="text-sm font-medium text-muted">"404"</p>
                <h1 class="mt-1 text-2xl font-semibold tracking-tight">"There is no such page"</h1>
                <p class="mt-2 text-muted">"The address is mistyped, or what was here is gone."</p>
                <a class="btn btn-primary mt-6" href="/" rel="external">"Go to the start"</a>
            </div>
        </main>
    }
    .into_any()
}
