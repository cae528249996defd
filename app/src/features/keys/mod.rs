//! API keys.

mod actions;
pub mod api;
#[cfg(feature = "ssr")]
pub mod convert;
mod key;
mod list;
pub mod model;
mod scope;
#[cfg(feature = "ssr")]
pub mod server;

pub use key::EditKey;
pub use list::Keys;
