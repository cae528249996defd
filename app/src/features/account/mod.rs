//! Accounts: sign-up, sign-in and sign-out, and the pages that links in mails lead to.

pub mod api;
mod home;
mod links;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
mod sign_in;
mod sign_up;

pub use home::Home;
pub use links::{ForgotPasswordPage, InvitationPage, ResetPasswordPage, VerifyPage};
pub use sign_in::SignInPage;
pub use sign_up::SignUpPage;
