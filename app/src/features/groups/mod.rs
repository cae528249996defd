//! Delivery groups: the pools that keys can be scoped to.

pub mod api;
#[cfg(feature = "ssr")]
pub mod convert;
mod editor;
mod group;
mod list;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;

pub use group::{EditGroup, NewGroup};
pub use list::Groups;
