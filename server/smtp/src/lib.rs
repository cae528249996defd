//! SMTP submission (RFC 6409): messages are accepted as over the HTTP API, with the same keys.
//!
//! Built on samotop-core as the protocol core: its session, extension set, interpreter with parsers and actions, and
//! TLS upgrade hook. From top to bottom:
//!
//! - `server` accepts connections, within limits, reads the PROXY header (`proxy_header`), and shuts down;
//! - `connection` sets up a connection: session, parsers, actions, its log line;
//! - `driver` connects the network with samotop's interpreter: reading, deadlines, writing, TLS (`tls`) over the socket
//!   (`wire`);
//! - the parsers: `line` and `command` (RFC 5321 section 4.1), `auth` (RFC 4954), `content` (the text between `DATA`
//!   and the final dot);
//! - the actions, on the `dialogue` of a connection: `transaction` (`EHLO`, `STARTTLS`, `MAIL`, `RCPT`, …), `auth`,
//!   `receive` (`DATA`);
//! - `message` makes the stored message from envelope and content.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

mod auth;
mod command;
mod config;
mod connection;
mod content;
mod dialogue;
mod driver;
#[cfg(any(test, feature = "testing"))]
pub mod in_memory;
mod line;
mod message;
mod proxy_header;
mod receive;
mod reply;
mod server;
#[cfg(test)]
mod splits;
mod tls;
mod trace;
mod transaction;
mod wire;

pub use config::{MAX_MESSAGE, MAX_RECIPIENTS, SmtpConfig, Timeouts};
pub use connection::Security;
pub use server::{Handle, Server};
