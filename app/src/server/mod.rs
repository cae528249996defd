//! The server's half of the dashboard.
//!
//! The server binary mounts [`files::router`] and [`csrf::guard`], and puts a `sendmux_domain::Domain` into the
//! extensions of every request (`axum::Extension(domain)`), beside the `tower_sessions::Session` that the session layer
//! puts there. Server functions and handlers take both from the request.

pub mod authentication;
pub mod client;
pub mod connect;
pub mod context;
pub mod convert;
pub mod csrf;
pub mod dry_run;
pub mod files;
pub mod flash;
pub mod groups;
pub mod headers;
pub mod keys;
pub mod links;
pub mod mail;
pub mod managed;
pub mod messages;
pub mod moment;
pub mod oauth;
pub mod operator;
pub mod overview;
pub mod providers;
pub mod routing;
pub mod team;
pub mod theme;
