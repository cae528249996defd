//! Signing in to a mailbox with the user's consent: OAuth 2.0 (RFC 6749) with PKCE (RFC 7636), for Google and Microsoft.
//!
//! The steps, in the order in which they come: [`OAuthClient::begin`] makes the address that the browser is sent to;
//! [`OAuthClient::connect`] turns the code that comes back into tokens and says whose mailbox it is;
//! [`OAuthClient::refresh`] gets a new access token, for as long as the user does not take the consent back;
//! [`OAuthClient::revoke`] gives it back.

mod app;
mod callback;
mod client;
mod identity;
mod source;

pub use app::{OAuthApp, OAuthEndpoints, OAuthService};
pub use callback::CallbackError;
pub use client::{Authorization, OAuthClient, Tokens};
pub(crate) use identity::identity_at;
pub use identity::{ConnectError, Grant, Identity, RefreshToken};
pub(crate) use source::with_token;
pub use source::{AccessToken, TokenSource};
