//! Routes of the dashboard's pages.

use crate::features::{
    account, groups, keys, messages, operator, overview, providers, routing, sandbox, settings, smtp, team,
};
use crate::layout::{Dashboard, NotFound};
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
                <ParentRoute path=path!("") view=Dashboard ssr=SsrMode::Async>
                    <Route path=path!("/overview") view=overview::Overview ssr=SsrMode::Async />
                    <Route path=path!("/providers") view=providers::Providers ssr=SsrMode::Async />
                    <Route path=path!("/providers/new") view=providers::AddProvider ssr=SsrMode::Async />
                    <Route path=path!("/providers/new/smtp") view=providers::NewProvider ssr=SsrMode::Async />
                    <Route path=path!("/providers/new/ses") view=providers::NewSes ssr=SsrMode::Async />
                    <Route path=path!("/providers/:id") view=providers::EditProvider ssr=SsrMode::Async />
                    <Route path=path!("/groups") view=groups::Groups ssr=SsrMode::Async />
                    <Route path=path!("/groups/new") view=groups::NewGroup ssr=SsrMode::Async />
                    <Route path=path!("/groups/:id") view=groups::EditGroup ssr=SsrMode::Async />
                    <Route path=path!("/keys") view=keys::Keys ssr=SsrMode::Async />
                    <Route path=path!("/keys/:id") view=keys::EditKey ssr=SsrMode::Async />
                    <Route path=path!("/smtp") view=smtp::Smtp ssr=SsrMode::Async />
                    <Route path=path!("/routing") view=routing::Routing ssr=SsrMode::Async />
                    <Route path=path!("/messages") view=messages::Messages ssr=SsrMode::Async />
                    <Route path=path!("/messages/:id") view=messages::Message ssr=SsrMode::Async />
                    <Route path=path!("/sandbox") view=sandbox::Sandbox ssr=SsrMode::Async />
                    <Route path=path!("/sandbox/:id") view=sandbox::SandboxMessage ssr=SsrMode::Async />
                    <Route path=path!("/operator/requests") view=operator::RequestsPage ssr=SsrMode::Async />
                    <Route path=path!("/operator/teams") view=operator::TeamsPage ssr=SsrMode::Async />
                    <Route path=path!("/operator/managed") view=operator::ManagedRoutePage ssr=SsrMode::Async />
                    <Route path=path!("/operator/mail") view=operator::SystemMail ssr=SsrMode::Async />
                    <Route path=path!("/operator/mail/:id") view=operator::SystemMailMessage ssr=SsrMode::Async />
                    <Route path=path!("/team") view=team::Team ssr=SsrMode::Async />
                    <Route path=path!("/team/new") view=team::NewTeam ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=settings::Settings ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
