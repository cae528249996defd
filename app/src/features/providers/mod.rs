//! Providers: the accounts that the team sends through.

mod actions;
mod add;
pub mod api;
pub mod caps;
mod connect;
#[cfg(feature = "ssr")]
pub mod convert;
mod health;
mod list;
mod mailbox;
pub mod model;
mod provider;
mod routing;
#[cfg(feature = "ssr")]
pub mod server;
mod ses;

pub use add::AddProvider;
pub use list::Providers;
pub use provider::{EditProvider, NewProvider};
pub use ses::NewSes;
