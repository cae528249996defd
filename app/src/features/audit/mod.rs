//! The audit log: the team's, and the operator's of all teams.

pub mod api;
#[cfg(feature = "ssr")]
pub mod export;
pub mod model;
mod page;
#[cfg(feature = "ssr")]
pub mod server;

pub use page::{InstallationAudit, TeamAudit};
