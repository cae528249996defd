//! Weights, and the share of each member of a pool.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::names::named_enum;

/// Weight of a member without one: in a group in which no member has one, and for a provider's own weight.
pub const DEFAULT_WEIGHT: u32 = 100;

/// The largest weight, far above any use, so that sums stay exact everywhere.
pub const MAX_WEIGHT: i64 = 1_000_000;

/// A member of a pool with its weight as it was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Id of the provider.
    pub id: i64,
    /// An integer from 0 up; 0 drains the provider.
    pub weight: Option<i64>,
}

/// Kind of a pool, which decides the meaning of a missing weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// A delivery group: either every member has a weight, or none has, which is an equal split.
    Group,
    /// The scopes `all` and `providers`: the provider's own weight counts, [`DEFAULT_WEIGHT`] when unset.
    Own,
}

named_enum! {
    /// Fault of the weights of a pool.
    pub enum WeightFault {
        /// Below 0.
        Negative = "negative",
        /// Above [`MAX_WEIGHT`].
        TooLarge = "too_large",
        /// Some members of a group have a weight; these have none.
        HalfWeighted = "half_weighted",
        /// All weights are 0: nothing would ever be sent.
        AllZero = "all_zero",
    }
}

impl WeightFault {
    /// Message about the weight of the group member with this name, and what to do.
    pub fn in_group(self, name: &str) -> String {
        match self {
            Self::Negative => format!("the weight of {name:?} is below 0: enter 0 to drain it, or more"),
            Self::TooLarge => format!("the weight of {name:?} is above {MAX_WEIGHT}"),
            Self::HalfWeighted => {
                format!("{name:?} has no weight while others have one: give every member a weight, or none")
            }
            Self::AllZero => {
                format!("the weight of {name:?} is 0, and so is every other: nothing would ever be sent")
            }
        }
    }
}

/// A fault with the members that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightProblem {
    /// The fault.
    pub fault: WeightFault,
    /// Members with the fault, in the order given.
    pub members: Vec<i64>,
}

/// Validates the weights of a pool; returns all problems. An empty pool is valid.
pub fn validate_weights(pool: Pool, members: &[Member]) -> Result<(), Vec<WeightProblem>> {
    let named = |holds: &dyn Fn(&Member) -> bool| -> Vec<i64> {
        members
            .iter()
            .filter(|member| holds(member))
            .map(|member| member.id)
            .collect()
    };
    let all_zero = !members.is_empty() && members.iter().all(|member| member.weight == Some(0));
    let weighted = members.iter().any(|member| member.weight.is_some());
    let faults = [
        (
            WeightFault::Negative,
            named(&|member| member.weight.is_some_and(|weight| weight < 0)),
        ),
        (
            WeightFault::TooLarge,
            named(&|member| member.weight.is_some_and(|weight| weight > MAX_WEIGHT)),
        ),
        (
            WeightFault::HalfWeighted,
            named(&|member| pool == Pool::Group && weighted && member.weight.is_none()),
        ),
        (WeightFault::AllZero, named(&|_| all_zero)),
    ];
    let problems: Vec<WeightProblem> = faults
        .into_iter()
        .filter(|(_, members)| !members.is_empty())
        .map(|(fault, members)| WeightProblem { fault, members })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Weight of a member in the draw. Weights that [`validate_weights`] refuses are clamped.
pub fn effective_weight(member: &Member) -> u32 {
    member.weight.map_or(DEFAULT_WEIGHT, |weight| {
        u32::try_from(weight.clamp(0, MAX_WEIGHT)).unwrap_or(0)
    })
}

/// Pool of a scope of several groups, in order of id. A member of more than one counts with the sum of its weights.
pub fn merge_groups<'a>(groups: impl IntoIterator<Item = &'a [Member]>) -> Vec<(i64, u32)> {
    let mut merged = BTreeMap::<i64, u32>::new();
    for member in groups.into_iter().flatten() {
        let weight = merged.entry(member.id).or_default();
        *weight = weight.saturating_add(effective_weight(member));
    }
    merged.into_iter().collect()
}

/// Share of a member in its pool's traffic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Id of the provider.
    pub id: i64,
    /// Percentage, from 0 to 100.
    pub percent: f64,
}

/// Share of each member of a pool while all of them are open, in the order given. All 0 when the weights are.
pub fn shares(members: &[Member]) -> Vec<Share> {
    let total: u64 = members.iter().map(|member| u64::from(effective_weight(member))).sum();
    let percent = |weight: u32| {
        if total == 0 {
            0.0
        } else {
            f64::from(weight) * 100.0 / total as f64
        }
    };
    let share = |member: &Member| Share {
        id: member.id,
        percent: percent(effective_weight(member)),
    };
    members.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn members(weights: &[Option<i64>]) -> Vec<Member> {
        weights
            .iter()
            .zip(1..)
            .map(|(weight, id)| Member { id, weight: *weight })
            .collect()
    }

    fn faults(pool: Pool, weights: &[Option<i64>]) -> Vec<(WeightFault, Vec<i64>)> {
        let problems = validate_weights(pool, &members(weights)).err().unwrap_or_default();
        problems
            .into_iter()
            .map(|problem| (problem.fault, problem.members))
            .collect()
    }

    #[test]
    fn a_group_is_weighted_as_a_whole_or_not_at_all() {
        assert_eq!(faults(Pool::Group, &[]), []);
        assert_eq!(faults(Pool::Group, &[None, None]), []);
        assert_eq!(faults(Pool::Group, &[Some(1), Some(0)]), []);
        assert_eq!(
            faults(Pool::Group, &[Some(1), None, None]),
            [(WeightFault::HalfWeighted, vec![2, 3])]
        );
        assert_eq!(faults(Pool::Own, &[Some(1), None]), []);
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_the_members() {
        assert_eq!(
            faults(Pool::Group, &[Some(-1), Some(5), None, Some(MAX_WEIGHT + 1)]),
            [
                (WeightFault::Negative, vec![1]),
                (WeightFault::TooLarge, vec![4]),
                (WeightFault::HalfWeighted, vec![3]),
            ]
        );
        assert_eq!(
            faults(Pool::Group, &[Some(0), Some(0)]),
            [(WeightFault::AllZero, vec![1, 2])]
        );
        assert_eq!(
            faults(Pool::Own, &[Some(0), Some(0)]),
            [(WeightFault::AllZero, vec![1, 2])]
        );
        assert_eq!(faults(Pool::Own, &[Some(0), None]), []);
    }

    #[test]
    fn shares_are_percentages_of_the_pool() {
        let percents = |weights: &[Option<i64>]| -> Vec<f64> {
            shares(&members(weights))
                .into_iter()
                .map(|share| share.percent)
                .collect()
        };
        assert_eq!(percents(&[Some(3), Some(1), Some(0)]), [75.0, 25.0, 0.0]);
        assert_eq!(percents(&[None, None]), [50.0, 50.0]);
        assert_eq!(percents(&[Some(0), Some(0)]), [0.0, 0.0]);
    }

    #[test]
    fn a_member_of_several_groups_counts_with_the_sum() {
        let first = members(&[Some(30), Some(70)]);
        let second = [Member { id: 2, weight: None }, Member { id: 9, weight: None }];
        assert_eq!(merge_groups([&first[..], &second[..]]), [(1, 30), (2, 170), (9, 100)]);
    }

    proptest! {
        #[test]
        fn shares_add_up(weights in prop::collection::vec(prop::option::of(any::<i64>()), 0..30)) {
            let pool = members(&weights);
            let sum: f64 = shares(&pool).iter().map(|share| share.percent).sum();
            let none_counts = pool.iter().all(|member| effective_weight(member) == 0);
            let expected = if none_counts { 0.0 } else { 100.0 };
            prop_assert!((sum - expected).abs() < 1e-6);
        }

        /// A valid pool can be drawn from, in both kinds of pool.
        #[test]
        fn a_sound_pool_sends(weights in prop::collection::vec(prop::option::of(-2i64..4), 1..8)) {
            let pool = members(&weights);
            for kind in [Pool::Group, Pool::Own] {
                if validate_weights(kind, &pool).is_ok() {
                    prop_assert!(pool.iter().any(|member| effective_weight(member) > 0));
                }
            }
        }
    }
}
