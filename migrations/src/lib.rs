//! The database schema, one for SQLite and PostgreSQL.
//!
//! Conventions:
//! - times are `BIGINT` milliseconds since the Unix epoch, UTC, in columns that end in `_at` or `_until`;
//! - small tables have a database-assigned `id`; tables that grow with traffic have ids made by the inserting node
//!   (time-ordered, see `sendmux_domain::ids`), so that a batch of rows can be written without reading ids back;
//! - `public_id` is the id outside the server, `id` never leaves it;
//! - words of a fixed set (`status`, `kind`, `class`) are stored as the text that the API shows;
//! - structured values that are not filtered on are JSON in a `TEXT` column;
//! - tables on the hot path have no foreign keys: their rows are written and removed together by one module.
//!
//! A released migration is never edited: a later one changes its result.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub use apply::{apply, pending};
pub use sea_orm_migration::prelude::*;

mod apply;
mod columns;
mod interrupted;
mod m0001_accounts;
mod m0002_routing;
mod m0003_messages;
mod m0004_events;
mod m0005_mailboxes;
mod m0006_managed_route;
mod m0007_block_ends;
mod m0008_managed_route_told;
mod m0009_hastened_lanes;
mod m0010_groups_of_messages;
mod m0011_claims;
mod m0012_audit_requests;
mod m0013_session_owners;
mod m0014_key_writers;

/// The migrations, in order. A database is brought up to date by [`apply`].
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_routing::Migration),
            Box::new(m0003_messages::Migration),
            Box::new(m0004_events::Migration),
            Box::new(m0005_mailboxes::Migration),
            Box::new(m0006_managed_route::Migration),
            Box::new(m0007_block_ends::Migration),
            Box::new(m0008_managed_route_told::Migration),
            Box::new(m0009_hastened_lanes::Migration),
            Box::new(m0010_groups_of_messages::Migration),
            Box::new(m0011_claims::Migration),
            Box::new(m0012_audit_requests::Migration),
            Box::new(m0013_session_owners::Migration),
            Box::new(m0014_key_writers::Migration),
        ]
    }
}
