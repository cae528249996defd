//! Pages behind the sign-in. In the browser they are a module of their own, which is fetched when the first of them is
//! opened: who signs in loads none of it.

use crate::browser;
use crate::features::audit::{InstallationAudit, TeamAudit};
use crate::features::groups::{EditGroup, Groups, NewGroup};
use crate::features::keys::{EditKey, Keys};
use crate::features::messages::{Message, Messages};
use crate::features::operator::{ManagedRoutePage, RequestsPage, SystemMail, SystemMailMessage, TeamsPage};
use crate::features::overview::Overview;
use crate::features::providers::{AddProvider, EditProvider, NewProvider, NewSes, Providers};
use crate::features::routing::Routing;
use crate::features::sandbox::{Sandbox, SandboxMessage};
use crate::features::sessions::Sessions;
use crate::features::settings::Settings;
use crate::features::smtp::Smtp;
use crate::features::team::{NewTeam, Team};
use crate::layout::Dashboard;
use leptos::prelude::*;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use leptos_router::ChooseView;

/// A page behind the sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The frame around the others.
    Dashboard,
    /// `/overview`
    Overview,
    /// `/providers`
    Providers,
    /// `/providers/new`
    AddProvider,
    /// `/providers/new/smtp`
    NewProvider,
    /// `/providers/new/ses`
    NewSes,
    /// `/providers/:id`
    EditProvider,
    /// `/groups`
    Groups,
    /// `/groups/new`
    NewGroup,
    /// `/groups/:id`
    EditGroup,
    /// `/keys`
    Keys,
    /// `/keys/:id`
    EditKey,
    /// `/smtp`
    Smtp,
    /// `/routing`
    Routing,
    /// `/messages`
    Messages,
    /// `/messages/:id`
    Message,
    /// `/sandbox`
    Sandbox,
    /// `/sandbox/:id`
    SandboxMessage,
    /// `/operator/requests`
    Requests,
    /// `/operator/teams`
    Teams,
    /// `/operator/managed`
    ManagedRoute,
    /// `/operator/mail`
    SystemMail,
    /// `/operator/mail/:id`
    SystemMailMessage,
    /// `/operator/audit`
    InstallationAudit,
    /// `/team`
    Team,
    /// `/team/audit`
    TeamAudit,
    /// `/team/new`
    NewTeam,
    /// `/settings`
    Settings,
    /// `/settings/sessions`
    Sessions,
}

/// The view of a page. Nothing else of the program may name the pages' components, or they are part of the first module.
#[wasm_split(dashboard, wasm_split_path = ::leptos::wasm_split, fallible, preload(preload_view))]
fn view_of(page: Page) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        Page::Dashboard => view! { <Dashboard /> }.into_any(),
        Page::Overview => view! { <Overview /> }.into_any(),
        Page::Providers => view! { <Providers /> }.into_any(),
        Page::AddProvider => view! { <AddProvider /> }.into_any(),
        Page::NewProvider => view! { <NewProvider /> }.into_any(),
        Page::NewSes => view! { <NewSes /> }.into_any(),
        Page::EditProvider => view! { <EditProvider /> }.into_any(),
        Page::Groups => view! { <Groups /> }.into_any(),
        Page::NewGroup => view! { <NewGroup /> }.into_any(),
        Page::EditGroup => view! { <EditGroup /> }.into_any(),
        Page::Keys => view! { <Keys /> }.into_any(),
        Page::EditKey => view! { <EditKey /> }.into_any(),
        Page::Smtp => view! { <Smtp /> }.into_any(),
        Page::Routing => view! { <Routing /> }.into_any(),
        Page::Messages => view! { <Messages /> }.into_any(),
        Page::Message => view! { <Message /> }.into_any(),
        Page::Sandbox => view! { <Sandbox /> }.into_any(),
        Page::SandboxMessage => view! { <SandboxMessage /> }.into_any(),
        Page::Requests => view! { <RequestsPage /> }.into_any(),
        Page::Teams => view! { <TeamsPage /> }.into_any(),
        Page::ManagedRoute => view! { <ManagedRoutePage /> }.into_any(),
        Page::SystemMail => view! { <SystemMail /> }.into_any(),
        Page::SystemMailMessage => view! { <SystemMailMessage /> }.into_any(),
        Page::InstallationAudit => view! { <InstallationAudit /> }.into_any(),
        Page::TeamAudit => view! { <TeamAudit /> }.into_any(),
        Page::Team => view! { <Team /> }.into_any(),
        Page::NewTeam => view! { <NewTeam /> }.into_any(),
        Page::Settings => view! { <Settings /> }.into_any(),
        Page::Sessions => view! { <Sessions /> }.into_any(),
    })
}

impl ChooseView for Page {
    async fn choose(self) -> AnyView {
        let is_rendered = is_rendered();
        match view_of(self).await {
            Ok(view) => view,
            Err(_) => without_the_module(is_rendered).await,
        }
    }

    async fn preload(&self) {
        let is_rendered = is_rendered();
        if preload_view().await.is_err() {
            without_the_module(is_rendered).await
        }
    }
}

/// True if the server has just rendered the page that the browser shows.
fn is_rendered() -> bool {
    Owner::current_shared_context().is_some_and(|context| context.during_hydration())
}

/// Never returns: the module is of another version, or out of reach. A page that the server has just rendered works without
/// it, as with scripts off; on the way to another page the browser asks the server instead.
async fn without_the_module<T>(is_rendered: bool) -> T {
    if !is_rendered {
        browser::reload();
    }
    std::future::pending().await
}
