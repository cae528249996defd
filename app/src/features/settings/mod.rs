//! Settings of the team and of its viewer.

pub mod api;
mod page;
#[cfg(feature = "ssr")]
pub mod server;

pub use page::Settings;
