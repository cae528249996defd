//! The managed route of the team.

pub mod api;
mod card;
#[cfg(feature = "ssr")]
pub mod convert;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;

pub use card::{FeedbackNumbers, ManagedRouteCard, UsageBar};
