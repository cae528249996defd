//! SMTP submission, as the dashboard explains it to those who send.

pub mod api;
pub mod model;
mod page;
#[cfg(feature = "ssr")]
pub mod server;
mod snippets;

pub use page::Smtp;
