//! The rest of the API: what was sent, and the configuration of the team. One file a thing, with what it looks like in
//! answers beside what can be done with it.

pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod managed_route;
pub(crate) mod messages;
pub(crate) mod provider_settings;
pub(crate) mod providers;
pub(crate) mod routing;
pub(crate) mod statistics;
