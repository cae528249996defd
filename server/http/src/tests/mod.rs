//! The whole router, on a real domain.

mod auth;
mod send;
mod shape;
mod support;
