//! Captured messages.

use super::model::SandboxItem;
use crate::features::messages::convert::{and_others, mailbox};
use crate::server::words::{moment, size};
use sendmux_domain::sandbox::SandboxRow;
use sendmux_rules::Timestamp;

/// A captured message in the list.
pub fn sandbox_item(row: SandboxRow, now: Timestamp) -> SandboxItem {
    let others = u32::try_from(row.recipients.len().saturating_sub(1)).unwrap_or(u32::MAX);
    SandboxItem {
        id: row.public_id,
        subject: row.subject,
        from: mailbox(&row.from_name, &row.from_email),
        to: and_others(row.recipients.into_iter().next().unwrap_or_default(), others),
        mode: row.mode.as_str().to_owned(),
        captured: moment(row.captured_at, now),
        size: size(row.size),
    }
}
