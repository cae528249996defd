//! The dashboard of Sendmux: pages, components and server functions.
//!
//! Built twice: with `ssr` into the server, which renders every page and answers every form, and with `hydrate` into the
//! WebAssembly that makes those pages live. Nothing here needs scripts to work; with them pages refresh by themselves and
//! forms answer in place.
//!
//! | module | holds |
//! | --- | --- |
//! | `features` | the pages by feature, each with its server functions |
//! | `routes`, `pages` | the addresses of the pages; those behind the sign-in, which the browser fetches apart |
//! | `layout` | the frame around the pages: navigation, viewer, theme |
//! | `components` | parts that pages of several features are made of |
//! | [`model`] | values of several features that travel between server and browser |
//! | `server` | (`ssr`) the request's context, session and flash, CSRF guard, files, words |

#![recursion_limit = "256"]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

mod browser;
mod components;
mod features;
mod layout;
pub mod model;
mod pages;
mod routes;
#[cfg(feature = "ssr")]
pub mod server;
mod shell;
mod url;

pub use routes::App;
pub use shell::shell;
