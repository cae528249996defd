//! `/operator/…`: the pages of the operator of the installation. For everybody else there is nothing.

mod mail;
mod managed;
mod requests;
mod teams;

pub use mail::{SystemMail, SystemMailMessage};
pub use managed::{Endpoint, ManagedRoutePage};
pub use requests::RequestsPage;
pub use teams::TeamsPage;
