//! The sandbox: captured messages.

pub mod api;
#[cfg(feature = "ssr")]
pub mod convert;
mod list;
mod message;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;

pub use list::Sandbox;
pub use message::SandboxMessage;
