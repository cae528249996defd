//! Routes of the dashboard's pages.

use crate::features::account;
use crate::layout::NotFound;
use crate::pages::Page;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

/// The dashboard.
///
/// Every page is rendered as a whole before it is answered: so it can be read without scripts, and its status code and
/// redirects are right.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Sendmux".to_owned() } else { format!("{title} · Sendmux") }
        } />
        <a class="skip-link" href="#main" rel="external">"Skip to content"</a>
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=account::Home ssr=SsrMode::Async />
                <Route path=path!("/sign-in") view=account::SignInPage ssr=SsrMode::Async />
                <Route path=path!("/sign-up") view=account::SignUpPage ssr=SsrMode::Async />
                <Route path=path!("/verify") view=account::VerifyPage ssr=SsrMode::Async />
                <Route path=path!("/forgot-password") view=account::ForgotPasswordPage ssr=SsrMode::Async />
                <Route path=path!("/reset-password") view=account::ResetPasswordPage ssr=SsrMode::Async />
                <Route path=path!("/invitation") view=account::InvitationPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Page::Dashboard ssr=SsrMode::Async>
                    <Route path=path!("/overview") view=Page::Overview ssr=SsrMode::Async />
                    <Route path=path!("/providers") view=Page::Providers ssr=SsrMode::Async />
                    <Route path=path!("/providers/new") view=Page::AddProvider ssr=SsrMode::Async />
                    <Route path=path!("/providers/new/smtp") view=Page::NewProvider ssr=SsrMode::Async />
                    <Route path=path!("/providers/new/ses") view=Page::NewSes ssr=SsrMode::Async />
                    <Route path=path!("/providers/:id") view=Page::EditProvider ssr=SsrMode::Async />
                    <Route path=path!("/groups") view=Page::Groups ssr=SsrMode::Async />
                    <Route path=path!("/groups/new") view=Page::NewGroup ssr=SsrMode::Async />
                    <Route path=path!("/groups/:id") view=Page::EditGroup ssr=SsrMode::Async />
                    <Route path=path!("/keys") view=Page::Keys ssr=SsrMode::Async />
                    <Route path=path!("/keys/:id") view=Page::EditKey ssr=SsrMode::Async />
                    <Route path=path!("/smtp") view=Page::Smtp ssr=SsrMode::Async />
                    <Route path=path!("/routing") view=Page::Routing ssr=SsrMode::Async />
                    <Route path=path!("/messages") view=Page::Messages ssr=SsrMode::Async />
                    <Route path=path!("/messages/:id") view=Page::Message ssr=SsrMode::Async />
                    <Route path=path!("/sandbox") view=Page::Sandbox ssr=SsrMode::Async />
                    <Route path=path!("/sandbox/:id") view=Page::SandboxMessage ssr=SsrMode::Async />
                    <Route path=path!("/operator/requests") view=Page::Requests ssr=SsrMode::Async />
                    <Route path=path!("/operator/teams") view=Page::Teams ssr=SsrMode::Async />
                    <Route path=path!("/operator/managed") view=Page::ManagedRoute ssr=SsrMode::Async />
                    <Route path=path!("/operator/mail") view=Page::SystemMail ssr=SsrMode::Async />
                    <Route path=path!("/operator/mail/:id") view=Page::SystemMailMessage ssr=SsrMode::Async />
                    <Route path=path!("/operator/audit") view=Page::InstallationAudit ssr=SsrMode::Async />
                    <Route path=path!("/team") view=Page::Team ssr=SsrMode::Async />
                    <Route path=path!("/team/audit") view=Page::TeamAudit ssr=SsrMode::Async />
                    <Route path=path!("/team/new") view=Page::NewTeam ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=Page::Settings ssr=SsrMode::Async />
                    <Route path=path!("/settings/sessions") view=Page::Sessions ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
