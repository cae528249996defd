//! Routes of the dashboard's pages.

use crate::layout::Dashboard;
use crate::pages;
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
            <Routes fallback=pages::NotFound>
                <Route path=path!("/") view=pages::Home ssr=SsrMode::Async />
                <Route path=path!("/sign-in") view=pages::SignInPage ssr=SsrMode::Async />
                <Route path=path!("/sign-up") view=pages::SignUpPage ssr=SsrMode::Async />
                <Route path=path!("/verify") view=pages::VerifyPage ssr=SsrMode::Async />
                <Route path=path!("/forgot-password") view=pages::ForgotPasswordPage ssr=SsrMode::Async />
                <Route path=path!("/reset-password") view=pages::ResetPasswordPage ssr=SsrMode::Async />
                <Route path=path!("/invitation") view=pages::InvitationPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Dashboard ssr=SsrMode::Async>
                    <Route path=path!("/overview") view=pages::Overview ssr=SsrMode::Async />
                    <Route path=path!("/providers") view=pages::Providers ssr=SsrMode::Async />
                    <Route path=path!("/providers/new") view=pages::AddProvider ssr=SsrMode::Async />
                    <Route path=path!("/providers/new/smtp") view=pages::NewProvider ssr=SsrMode::Async />
                    <Route path=path!("/providers/new/ses") view=pages::NewSes ssr=SsrMode::Async />
                    <Route path=path!("/providers/:id") view=pages::EditProvider ssr=SsrMode::Async />
                    <Route path=path!("/groups") view=pages::Groups ssr=SsrMode::Async />
                    <Route path=path!("/groups/new") view=pages::NewGroup ssr=SsrMode::Async />
                    <Route path=path!("/groups/:id") view=pages::EditGroup ssr=SsrMode::Async />
                    <Route path=path!("/keys") view=pages::Keys ssr=SsrMode::Async />
                    <Route path=path!("/keys/:id") view=pages::EditKey ssr=SsrMode::Async />
                    <Route path=path!("/smtp") view=pages::Smtp ssr=SsrMode::Async />
                    <Route path=path!("/routing") view=pages::Routing ssr=SsrMode::Async />
                    <Route path=path!("/messages") view=pages::Messages ssr=SsrMode::Async />
                    <Route path=path!("/messages/:id") view=pages::Message ssr=SsrMode::Async />
                    <Route path=path!("/sandbox") view=pages::Sandbox ssr=SsrMode::Async />
                    <Route path=path!("/sandbox/:id") view=pages::SandboxMessage ssr=SsrMode::Async />
                    <Route path=path!("/operator/requests") view=pages::RequestsPage ssr=SsrMode::Async />
                    <Route path=path!("/operator/teams") view=pages::TeamsPage ssr=SsrMode::Async />
                    <Route path=path!("/operator/managed") view=pages::ManagedRoutePage ssr=SsrMode::Async />
                    <Route path=path!("/operator/mail") view=pages::SystemMail ssr=SsrMode::Async />
                    <Route path=path!("/operator/mail/:id") view=pages::SystemMailMessage ssr=SsrMode::Async />
                    <Route path=path!("/team") view=pages::Team ssr=SsrMode::Async />
                    <Route path=path!("/team/new") view=pages::NewTeam ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=pages::Settings ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
