//! The team, its members, and other teams of the viewer.

pub mod api;
pub mod model;
mod new_team;
mod page;
#[cfg(feature = "ssr")]
pub mod server;

pub use new_team::NewTeam;
pub use page::Team;
