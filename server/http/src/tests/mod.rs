//! The whole router, on a real domain.

mod auth;
mod bad_input;
mod batch;
mod delivery_groups;
mod idempotency;
mod isolation;
mod manage;
mod sdk;
mod send;
mod shape;
pub(crate) mod support;
