//! The server's half of the dashboard.
//!
//! The server binary mounts [`files::router`] and [`csrf::guard`], and puts a `sendmux_domain::Domain` into the
//! extensions of every request (`axum::Extension(domain)`), beside the `tower_sessions::Session` that the session layer
//! puts there. Server functions and handlers take both from the request.

pub mod client;
pub mod context;
pub mod cookies;
pub mod csrf;
pub mod files;
pub mod flash;
pub mod form;
pub mod headers;
pub mod list;
pub mod mail;
pub mod request;
pub mod theme;
pub mod words;

pub use crate::features::providers::server::oauth;
