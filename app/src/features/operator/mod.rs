//! Pages of the operator of the installation. For everybody else there is nothing.

pub mod api;
#[cfg(feature = "ssr")]
pub mod convert;
mod mail;
mod managed;
pub mod model;
mod requests;
#[cfg(feature = "ssr")]
pub mod server;
mod teams;

pub use mail::{SystemMail, SystemMailMessage};
pub use managed::{Endpoint, ManagedRoutePage};
pub use requests::RequestsPage;
pub use teams::TeamsPage;
