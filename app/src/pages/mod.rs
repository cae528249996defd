//! One file a page.

mod home;
mod keys;
mod links;
mod message;
mod messages;
mod not_found;
mod operator;
mod overview;
mod provider;
mod providers;
mod sandbox;
mod sandbox_message;
mod settings;
mod sign_in;
mod sign_up;
mod team;

pub use home::Home;
pub use keys::Keys;
pub use links::{ForgotPasswordPage, InvitationPage, ResetPasswordPage, VerifyPage};
pub use message::Message;
pub use messages::Messages;
pub use not_found::NotFound;
pub use operator::{ManagedRoutePage, RequestsPage, SystemMail, SystemMailMessage, TeamsPage};
pub use overview::Overview;
pub use provider::{EditProvider, NewProvider};
pub use providers::{AddProvider, NewSes, Providers};
pub use sandbox::Sandbox;
pub use sandbox_message::SandboxMessage;
pub use settings::Settings;
pub use sign_in::SignInPage;
pub use sign_up::SignUpPage;
pub use team::Team;
