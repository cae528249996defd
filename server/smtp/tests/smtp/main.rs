//! The listener over real TCP and TLS, byte by byte, on SQLite.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod clients;
mod content;
mod dialogue;
mod limits;
mod login;
mod proxies;
mod shutdown;
mod smuggling;
mod support;
mod tls;
