//! The frame of the dashboard: navigation, who is signed in, and the page.

pub mod api;
pub mod model;
mod nav;
mod not_found;
#[cfg(feature = "ssr")]
pub mod server;
mod team;

use crate::browser;
use crate::layout::api::viewer_of;
use crate::layout::model::Viewer;
use crate::model::AppError;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;
pub use nav::ThemeSwitch;
use nav::{SideBar, ThemeAction, TopBar};
pub use not_found::NotFound;

/// The signed-in viewer, for every page.
#[derive(Clone, Copy)]
pub struct ViewerContext(Resource<Result<Viewer, AppError>>);

impl ViewerContext {
    /// The viewer of the page; waits until it is known.
    pub async fn get(self) -> Result<Viewer, AppError> {
        self.0.await
    }

    /// Asks again, after the user or the team was changed.
    pub fn refetch(self) {
        self.0.refetch();
    }
}

/// The viewer of the dashboard.
pub fn use_viewer() -> ViewerContext {
    expect_context::<ViewerContext>()
}

/// The frame around the pages of the signed-in.
#[component]
pub fn Dashboard() -> impl IntoView {
    let viewer = ViewerContext(Resource::new(|| (), |()| viewer_of()));
    provide_context(viewer);
    provide_context(ThemeAction::new());

    let location = use_location();
    Effect::watch(move || location.pathname.get(), |_, _, _| browser::focus_main(), false);
    browser::popups_give_way();
    // Meanwhile another tab may have looked at another team, or signed out: then this page shows what its forms would not
    // act on.
    browser::on_return(move || {
        spawn_local(async move {
            let shown = viewer
                .0
                .get_untracked()
                .and_then(Result::ok)
                .map(|viewer| viewer.team_id);
            if let (Some(shown), Ok(now)) = (shown, viewer_of().await)
                && shown != now.team_id
            {
                browser::reload();
            }
        })
    });

    view! {
        <div class="min-h-dvh lg:grid lg:grid-cols-[15.5rem_1fr]">
            <Suspense>
                {move || Suspend::new(async move {
                    viewer
                        .get()
                        .await
                        .map(|viewer| view! { <TopBar viewer=viewer.clone() /> <SideBar viewer /> })
                        .ok()
                })}
            </Suspense>
            <main id="main" tabindex="-1" class="min-w-0 px-4 py-6 outline-none sm:px-8 lg:py-8">
                <div class="mx-auto max-w-6xl">
                    <Outlet />
                </div>
            </main>
        </div>
    }
    .into_any()
}
