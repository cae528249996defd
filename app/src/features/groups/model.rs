//! Delivery groups, and the shares that their weights come to.

use crate::model::{Named, NotANumber, weight_of};
use sendmux_rules::shares::{Member, Pool, WeightFault, shares, validate_weights};
use serde::{Deserialize, Serialize};

/// A delivery group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupItem {
    /// Public id; empty for one that is to be made.
    pub id: String,
    /// Name given by people.
    pub name: String,
    /// Its members.
    pub members: Vec<GroupMemberItem>,
    /// The keys in force whose scope names it.
    pub used_by: Vec<Named>,
}

/// A provider in a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupMemberItem {
    /// Public id of the provider.
    pub id: String,
    /// Name given by people.
    pub name: String,
    /// It is switched on.
    pub is_active: bool,
    /// Its weight in the group; every member has one, or none has.
    pub weight: Option<u32>,
    /// Its part of what the group sends, 0 to 100.
    pub share: f64,
}

/// A group with everything that it could be made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupView {
    /// The group.
    pub group: GroupItem,
    /// The team's own providers.
    pub providers: Vec<GroupCandidate>,
}

/// A provider that can be a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCandidate {
    /// Public id.
    pub id: String,
    /// Name given by people.
    pub name: String,
    /// The kind in words.
    pub kind_label: String,
    /// `active`, `paused`, `blocked`, `inactive` or `setup`.
    pub state: String,
    /// It is switched on, and has a share where it has a weight.
    pub is_active: bool,
}

/// A provider as it stands in the form of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupEntry {
    /// Name given by people.
    pub name: String,
    /// It is switched on.
    pub is_active: bool,
    /// It is ticked.
    pub is_member: bool,
    /// Its weight, as typed.
    pub weight: String,
}

/// Outlook of a form of members.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupOutlook {
    /// The share of each entry, 0 to 100; none for those that are not members, and while it cannot be told.
    pub shares: Vec<Option<f64>>,
    /// Faults, one sentence each.
    pub faults: Vec<String>,
}

/// The shares that these entries would have, and what is wrong with them: the rules are those of the delivery itself.
pub fn group_outlook(entries: &[GroupEntry]) -> GroupOutlook {
    let mut faults = Vec::new();
    let mut members = Vec::new();
    for (id, entry) in (0i64..).zip(entries).filter(|(_, entry)| entry.is_member) {
        match weight_of(&entry.weight) {
            Ok(weight) => members.push((Member { id, weight }, entry.is_active)),
            Err(NotANumber) => faults.push(format!("the weight of {:?} is not a whole number", entry.name)),
        }
    }
    if faults.is_empty() {
        let all: Vec<Member> = members.iter().map(|(member, _)| *member).collect();
        for problem in validate_weights(Pool::Group, &all).err().unwrap_or_default() {
            let names = problem.members.iter().filter_map(|place| {
                let entry = entries.get(usize::try_from(*place).ok()?)?;
                Some(problem.fault.in_group(&entry.name))
            });
            faults.extend(names);
        }
    }
    let mut outlook = GroupOutlook {
        shares: vec![None; entries.len()],
        faults,
    };
    if outlook.faults.is_empty() {
        let open: Vec<Member> = members
            .iter()
            .filter(|(_, active)| *active)
            .map(|(member, _)| *member)
            .collect();
        let off = members
            .iter()
            .filter(|(_, active)| !active)
            .map(|(member, _)| (member.id, 0.0));
        let known = shares(&open)
            .into_iter()
            .map(|share| (share.id, share.percent))
            .chain(off);
        for (place, percent) in known.collect::<Vec<_>>() {
            if let Some(share) = usize::try_from(place)
                .ok()
                .and_then(|place| outlook.shares.get_mut(place))
            {
                *share = Some(percent);
            }
        }
    }
    outlook
}

/// The share, 0 to 100, that a provider with this weight (as typed; empty is the weight that is set by default) would
/// have beside `others`, the weights of the other providers that are switched on. None while the weight is none.
pub fn own_share(weight: &str, others: &[Option<u32>]) -> Option<f64> {
    let own = Member {
        id: 0,
        weight: weight_of(weight).ok()?,
    };
    let others = (1i64..).zip(others).map(|(id, weight)| Member {
        id,
        weight: weight.map(i64::from),
    });
    let pool: Vec<Member> = std::iter::once(own).chain(others).collect();
    let problems = validate_weights(Pool::Own, &pool).err().unwrap_or_default();
    let is_sound = problems.iter().all(|problem| problem.fault == WeightFault::AllZero);
    shares(&pool).first().filter(|_| is_sound).map(|share| share.percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, weight: &str) -> GroupEntry {
        GroupEntry {
            name: name.to_owned(),
            is_active: true,
            is_member: true,
            weight: weight.to_owned(),
        }
    }

    #[test]
    fn members_share_by_weight_and_those_that_are_off_get_nothing() {
        let mut entries = [entry("A", "3"), entry("B", "1"), entry("C", "4"), entry("D", "9")];
        entries[2].is_active = false;
        entries[3].is_member = false;
        let outlook = group_outlook(&entries);
        assert_eq!(outlook.shares, [Some(75.0), Some(25.0), Some(0.0), None]);
        assert!(outlook.faults.is_empty());
        let equal = group_outlook(&[entry("A", ""), entry("B", " ")]);
        assert_eq!(equal.shares, [Some(50.0), Some(50.0)]);
    }

    #[test]
    fn faults_name_the_members() {
        let faults = |entries: &[GroupEntry]| group_outlook(entries).faults.join("; ");
        let half = faults(&[entry("A", "3"), entry("B", "")]);
        assert!(half.starts_with("\"B\" has no weight while others have one"), "{half}");
        assert!(faults(&[entry("A", "-1")]).contains("\"A\" is below 0"));
        assert!(faults(&[entry("A", "0"), entry("B", "0")]).contains("\"B\" is 0, and so is every other"));
        assert_eq!(
            faults(&[entry("A", "x"), entry("B", "")]),
            "the weight of \"A\" is not a whole number"
        );
        assert_eq!(group_outlook(&[entry("A", "-1"), entry("B", "1")]).shares, [None, None]);
    }

    #[test]
    fn a_providers_own_share_is_told_beside_the_others() {
        assert_eq!(own_share("", &[]), Some(100.0));
        assert_eq!(own_share("", &[Some(300)]), Some(25.0));
        assert_eq!(own_share("0", &[None]), Some(0.0));
        assert_eq!(own_share("-1", &[None]), None);
        assert_eq!(own_share("many", &[None]), None);
    }
}
