//! Navigation: a side bar on wide screens, a top bar with a menu on narrow ones. Both work without scripts.

use super::api::SetTheme;
use super::model::{Theme, Viewer};
use super::team::TeamSwitch;
use crate::browser;
use crate::components::{Icon, icon};
use leptos::html::Details;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_location;

/// Path, label and icon of every page that stands in the navigation.
const PAGES: &[(&str, &str, Icon)] = &[
    ("/overview", "Overview", Icon::Grid),
    ("/messages", "Messages", Icon::Mail),
    ("/sandbox", "Sandbox", Icon::Inbox),
    ("/providers", "Providers", Icon::Server),
    ("/groups", "Groups", Icon::Layers),
    ("/keys", "API keys", Icon::Key),
    ("/routing", "Dry run", Icon::Route),
    ("/smtp", "SMTP setup", Icon::Terminal),
    ("/team", "Team", Icon::Users),
    ("/settings", "Settings", Icon::Settings),
];

/// The pages of the operator.
const OPERATOR_PAGES: &[(&str, &str, Icon)] = &[
    ("/operator/requests", "Quota requests", Icon::CheckCircle),
    ("/operator/teams", "Teams", Icon::Users),
    ("/operator/managed", "Managed route", Icon::Send),
    ("/operator/mail", "System mail", Icon::Mail),
    ("/operator/audit", "Audit log", Icon::Clock),
];

/// The navigation of wide screens.
#[component]
pub fn SideBar(
    /// The viewer.
    viewer: Viewer,
) -> impl IntoView {
    view! {
        <aside class="hidden border-r border-base-300 bg-base-100 lg:block">
            <div class="sticky top-0 flex h-dvh flex-col overflow-y-auto">
            <div class="px-5 pt-5 pb-4">
                <Brand />
                <div class="mt-3"><TeamSwitch viewer=viewer.clone() /></div>
            </div>
            <Links label="Main" is_operator=viewer.is_operator />
            <Foot viewer />
            </div>
        </aside>
    }
    .into_any()
}

/// The navigation of narrow screens.
#[component]
pub fn TopBar(
    /// The viewer.
    viewer: Viewer,
) -> impl IntoView {
    let menu = NodeRef::<Details>::new();
    let location = use_location();
    // A page was chosen: the menu gives way to it.
    Effect::watch(
        move || location.pathname.get(),
        move |_, _, _| {
            if let Some(menu) = menu.get_untracked() {
                menu.set_open(false);
            }
        },
        false,
    );
    view! {
        <header class="sticky top-0 z-20 border-b border-base-300 bg-base-100 lg:hidden">
            <details class="group" node_ref=menu>
                <summary class="flex h-14 cursor-pointer list-none items-center justify-between px-4 sm:px-8">
                    <Brand />
                    <span class="btn btn-sm btn-ghost">{icon(Icon::Menu, "size-5")} "Menu"</span>
                </summary>
                <div class="max-h-[calc(100dvh-3.5rem)] overflow-y-auto border-t border-base-300 pt-3">
                    <div class="px-5 pb-3"><TeamSwitch viewer=viewer.clone() /></div>
                    <Links label="Menu" is_operator=viewer.is_operator />
                    <Foot viewer />
                </div>
            </details>
        </header>
    }
    .into_any()
}

#[component]
fn Brand() -> impl IntoView {
    view! {
        <span class="flex items-center gap-2.5 font-semibold tracking-tight">
            <span class="grid size-7 place-items-center rounded-field bg-primary text-primary-content">
                {icon(Icon::Send, "size-4")}
            </span>
            "Sendmux"
        </span>
    }
    .into_any()
}

#[component]
fn Links(label: &'static str, is_operator: bool) -> impl IntoView {
    view! {
        <nav class="flex-1 px-3" aria-label=label>
            <PageLinks pages=PAGES />
            {is_operator
                .then(|| {
                    view! {
                        <p class="px-3 pt-5 pb-1 text-xs font-medium text-muted">"Operator"</p>
                        <PageLinks pages=OPERATOR_PAGES />
                    }
                })}
        </nav>
    }
    .into_any()
}

#[component]
fn PageLinks(pages: &'static [(&'static str, &'static str, Icon)]) -> impl IntoView {
    view! {
        <ul class="space-y-0.5">
            {pages
                .iter()
                .map(|(path, label, glyph)| {
                    view! {
                        <li>
                            <A href=*path attr:class="nav-link">
                                {icon(*glyph, "size-4.5 shrink-0")}
                                {*label}
                            </A>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

#[component]
fn Foot(viewer: Viewer) -> impl IntoView {
    view! {
        <div class="mt-4 border-t border-base-300 px-5 py-4">
            <ThemeSwitch theme=viewer.theme />
            <div class="mt-4 flex items-center justify-between gap-3">
                <div class="min-w-0 text-sm">
                    <p class="truncate font-medium">{viewer.name}</p>
                    <p class="truncate text-muted" title=viewer.email.clone()>{viewer.email.clone()}</p>
                </div>
                // A plain form: the whole page, and all that it remembers, goes with the session.
                <form method="post" action="/fn/sign_out">
                    <button class="btn btn-sm btn-ghost btn-square" title="Sign out">
                        {icon(Icon::Logout, "size-4.5")}
                        <span class="sr-only">"Sign out"</span>
                    </button>
                </form>
            </div>
        </div>
    }
    .into_any()
}

/// Chooses the theme. One for all switches of the page, so that they agree.
#[derive(Clone, Copy)]
pub struct ThemeAction(ServerAction<SetTheme>);

impl ThemeAction {
    /// An action that also shows what was chosen, at once.
    pub fn new() -> Self {
        let set = ServerAction::<SetTheme>::new();
        let shown = move || set.value().get().and_then(Result::ok);
        let show = |name: &Option<String>| {
            if let Some(name) = name {
                browser::show_theme(Theme::parse(name).data_theme());
            }
        };
        Effect::watch(shown, move |name, _, _| show(name), false);
        Self(set)
    }
}

/// The choice of the theme.
#[component]
pub fn ThemeSwitch(
    /// Current choice.
    theme: Theme,
) -> impl IntoView {
    let ThemeAction(set) = expect_context();
    let location = use_location();
    let chosen = move || match set.value().get() {
        Some(Ok(name)) => Theme::parse(&name),
        _ => theme,
    };
    view! {
        <ActionForm action=set>
            <input type="hidden" name="back" value=move || location.pathname.get() />
            <div class="join w-full" role="group" aria-label="Theme">
                {[(Theme::System, Icon::Monitor, "System"), (Theme::Light, Icon::Sun, "Light"), (Theme::Dark, Icon::Moon, "Dark")]
                    .into_iter()
                    .map(|(option, glyph, label)| {
                        view! {
                            <button
                                class="btn btn-sm join-item flex-1 gap-1.5 px-1 font-normal"
                                name="theme"
                                value=option.as_str()
                                aria-pressed=move || (chosen() == option).to_string()
                            >
                                {icon(glyph, "size-4")}
                                {label}
                            </button>
                        }
                    })
                    .collect_view()}
            </div>
        </ActionForm>
    }
    .into_any()
}
