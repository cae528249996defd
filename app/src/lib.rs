//! The dashboard of Sendmux: pages, components and server functions.
//!
//! Built twice: with `ssr` into the server, which renders every page and answers every form, and with `hydrate` into the
//! WebAssembly that makes those pages live. Nothing here needs scripts to work; with them pages refresh by themselves and
//! forms answer in place.
//!
//! | module | holds |
//! | --- | --- |
//! | [`pages`] | one file a page |
//! | [`components`] | what pages are made of |
//! | [`model`] | what travels between server and browser |
//! | [`api`] | the server functions: thin calls of the domain |
//! | `server` | (`ssr`) session, flash, CSRF guard, files, conversion from the domain's types |

#![recursion_limit = "256"]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

pub mod api;
mod browser;
pub mod components;
mod layout;
pub mod model;
pub mod pages;
mod routes;
#[cfg(feature = "ssr")]
pub mod server;
mod shell;
mod url;

pub use routes::App;
pub use shell::shell;
