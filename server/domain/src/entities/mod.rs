//! The tables, as SeaORM entities. The schema itself, with its indexes and the reasons for them, is in `migrations/`.

pub mod api_keys;
pub mod attempts;
pub mod audit_log;
pub mod content_chunks;
pub mod delivery_groups;
pub mod events;
pub mod group_members;
pub mod idempotency;
pub mod invitations;
pub mod lanes;
pub mod mailbox_sign_ins;
pub mod mailboxes;
pub mod memberships;
pub mod messages;
pub mod nodes;
pub mod notification_endpoints;
pub mod notification_messages;
pub mod parked_notices;
pub mod provider_runtime;
pub mod provider_variables;
pub mod providers;
pub mod queue;
pub mod quota_requests;
pub mod rate_windows;
pub mod recipients;
pub mod sandbox_messages;
pub mod sender_refusals;
pub mod sessions;
pub mod settings;
pub mod sign_in_failures;
pub mod split_messages;
pub mod stats_hourly;
pub mod suspensions;
pub mod teams;
pub mod user_tokens;
pub mod users;
pub mod webhook_deliveries;
pub mod webhooks;

use sea_orm::{EntityName, IdenStatic, Iterable};

/// Table of a row with these columns, of which `column` is one: the table that consists of them, otherwise those that
/// have all of them, or at least the one.
pub(crate) fn table_of(row: &[String], column: &str) -> String {
    let tables = tables();
    let having = |names: &[String]| {
        let has = |columns: &[&str]| names.iter().all(|name| columns.contains(&name.as_str()));
        tables.iter().filter(|(_, columns)| has(columns)).collect::<Vec<_>>()
    };
    let mut found = having(row);
    if let Some(whole) = found.iter().position(|(_, columns)| columns.len() == row.len()) {
        found = vec![found.swap_remove(whole)];
    }
    if found.is_empty() {
        found = having(&[column.to_owned()]);
    }
    let names: Vec<&str> = found.into_iter().map(|(table, _)| *table).collect();
    names.join(" or ")
}

/// Every table with its columns.
fn tables() -> Vec<(&'static str, Vec<&'static str>)> {
    macro_rules! tables {
        ($($table:ident)+) => {
            vec![$((
                $table::Entity.table_name(),
                $table::Column::iter().map(|column| column.as_str()).collect(),
            )),+]
        };
    }
    tables! {
        api_keys attempts audit_log content_chunks delivery_groups events group_members idempotency invitations lanes
        mailbox_sign_ins mailboxes memberships messages nodes notification_endpoints notification_messages
        parked_notices provider_runtime provider_variables providers queue quota_requests rate_windows recipients
        sandbox_messages sender_refusals sessions settings sign_in_failures split_messages stats_hourly suspensions
        teams user_tokens users webhook_deliveries webhooks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_listed() {
        let modules = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("pub mod "));
        let listed: Vec<&str> = tables().into_iter().map(|(table, _)| table).collect();
        assert_eq!(
            modules.map(|line| line.trim_end_matches(';')).collect::<Vec<_>>(),
            listed
        );
    }

    #[test]
    fn a_table_is_known_by_its_columns() {
        let of = |columns: &[&str], column: &str| {
            let row: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
            table_of(&row, column)
        };
        assert_eq!(of(&["team_id", "user_id", "role", "created_at"], "role"), "memberships");
        assert_eq!(of(&["id", "mode"], "mode"), "api_keys or lanes or messages");
        assert_eq!(of(&["lane_id", "wait_reason", "messages"], "wait_reason"), "queue");
    }
}
