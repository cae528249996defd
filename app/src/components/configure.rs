//! Button for content that only members see who may configure the team.

use crate::components::{Icon, icon};
use crate::layout::use_viewer;
use leptos::prelude::*;

/// The button of a list that leads to making something new, for those who may configure the team.
#[component]
pub fn NewButton(
    /// Address of the page that makes it.
    href: &'static str,
    /// Label of the button.
    label: &'static str,
) -> impl IntoView {
    let viewer = use_viewer();
    // The router does not go to a place on the same page.
    let rel = href.starts_with('#').then_some("external");
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                viewer
                    .get()
                    .await
                    .is_ok_and(|viewer| viewer.can_configure)
                    .then(|| view! { <a class="btn btn-primary" href=href rel=rel>{icon(Icon::Plus, "size-4")} {label}</a> })
            })}
        </Suspense>
    }
    .into_any()
}
