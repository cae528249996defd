//! The domain and the data layer of Sendmux: accounts, keys, providers, messages and the durable queue.
//!
//! Everything outside (HTTP API, SMTP listener, dashboard, command line, delivery engine) goes through the functions
//! here, which take a [`Domain`] and are scoped by team. This crate knows neither axum nor Leptos; the rules it applies
//! are in `sendmux-rules`.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

pub mod accounts;
pub mod actor;
pub mod audit;
pub mod backup;
mod batch;
pub mod clock;
pub mod clock_correction;
pub mod column;
pub mod connections;
pub mod context;
pub mod db;
pub mod dry_run;
pub mod entities;
pub mod error;
pub mod events;
pub mod feedback;
pub mod files;
pub mod groups;
pub mod host;
pub mod idempotency;
pub mod ids;
pub mod installation;
pub mod keys;
pub mod lanes;
pub mod managed;
pub mod messages;
pub mod metrics;
mod names;
pub mod nodes;
pub mod operator;
pub mod overview;
pub mod passwords;
pub mod providers;
pub mod proxies;
pub mod queue;
mod quotas;
pub mod rate_limit;
pub mod readiness;
pub mod routing;
pub mod runtime;
pub mod sandbox;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod signals;
pub mod stats;
pub mod system_mail;
pub mod testing;
pub mod throttle;

pub use actor::{Actor, Role};
pub use context::Domain;
pub use error::{Error, FieldError, Result};
pub use operator::Operator;
pub use proxies::{ClientAddress, TrustedProxies};
pub use sendmux_rules::Timestamp;
pub use settings::{Settings, SignUpPolicy};
