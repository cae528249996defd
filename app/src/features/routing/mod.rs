//! Dry runs: where a message would go now, and why.

pub mod api;
mod candidates;
#[cfg(feature = "ssr")]
pub mod convert;
pub mod model;
mod page;
#[cfg(feature = "ssr")]
pub mod server;

pub use candidates::Candidates;
pub use page::Routing;
