//! Messages.

pub mod api;
#[cfg(feature = "ssr")]
pub mod convert;
mod list;
mod message;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
mod timeline;

pub use list::Messages;
pub use message::Message;
