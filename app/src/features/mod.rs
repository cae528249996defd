//! The dashboard by feature. A folder holds all of one: its pages, its server functions (`api`), the values that travel to
//! the browser (`model`), and, on the server, the functions behind its forms (`server`) and the conversion of the domain's
//! types into the model (`convert`).

pub mod account;
pub mod audit;
pub mod groups;
pub mod keys;
pub mod managed;
pub mod messages;
pub mod operator;
pub mod overview;
pub mod providers;
pub mod routing;
pub mod sandbox;
pub mod sessions;
pub mod settings;
pub mod smtp;
pub mod team;
