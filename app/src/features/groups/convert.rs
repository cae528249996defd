//! Delivery groups.

use super::model::{GroupCandidate, GroupItem, GroupMemberItem};
use crate::features::providers::convert::state;
use crate::model::Named;
use sendmux_domain::groups::Group;
use sendmux_domain::providers::ProviderView;
use sendmux_rules::{ProviderStatus, Timestamp};

/// A group.
pub fn group(group: Group) -> GroupItem {
    GroupItem {
        id: group.public_id,
        name: group.name,
        members: group
            .members
            .into_iter()
            .map(|member| GroupMemberItem {
                id: member.public_id,
                name: member.name,
                is_active: member.status == ProviderStatus::Active,
                weight: member.weight,
                share: member.share,
            })
            .collect(),
        used_by: group
            .used_by
            .into_iter()
            .map(|key| Named {
                id: key.public_id,
                name: key.name,
            })
            .collect(),
    }
}

/// The providers that can be members: the team's own.
pub fn group_candidates(providers: Vec<ProviderView>, now: Timestamp) -> Vec<GroupCandidate> {
    providers
        .into_iter()
        .filter(|view| view.kind.is_own())
        .map(|view| GroupCandidate {
            state: state(&view, now).0.to_owned(),
            kind_label: view.kind.label().to_owned(),
            is_active: view.status == ProviderStatus::Active,
            id: view.public_id,
            name: view.name,
        })
        .collect()
}
