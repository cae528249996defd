//! The browsers in which the viewer is signed in.

pub mod api;
pub mod model;
mod page;
#[cfg(feature = "ssr")]
pub mod server;

pub use page::Sessions;
