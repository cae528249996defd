//! The overview: the last 24 hours, what needs attention, and what a new team does first.

pub mod api;
mod chart;
#[cfg(feature = "ssr")]
pub mod convert;
mod first_run;
pub mod model;
mod page;
#[cfg(feature = "ssr")]
pub mod server;
mod waits;

pub use page::Overview;
