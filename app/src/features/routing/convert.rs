//! Selections in words: why one provider and not another, and what waits for what.

use super::model::{CandidateItem, DryRunView};
use crate::features::overview::model::{WaitItem, WaitScope};
use crate::server::words::moment;
use sendmux_domain::dry_run::{DryRun, DryRunCandidate, ExpectedWait};
use sendmux_domain::lanes::ScopeKind;
use sendmux_domain::messages::query::CandidateView;
use sendmux_domain::routing::LaneWaiting;
use sendmux_rules::shares::{Member, shares};
use sendmux_rules::{LeftOut, Mode, Timestamp, WaitReason};
use std::collections::BTreeMap;

/// Reason for which a provider is left out.
fn left_out(reason: LeftOut) -> &'static str {
    match reason {
        LeftOut::TooLarge => "The message is larger than it takes",
        LeftOut::TooManyRecipients => "The message has more recipients than it takes",
        LeftOut::NoSmtputf8 => "It does not take addresses or headers beyond ASCII (SMTPUTF8)",
        LeftOut::HeaderRecipients => {
            "It sends to everyone in the headers, and some of them are not to have the message"
        }
        LeftOut::SenderRefused => "It does not let this sender send",
        LeftOut::Tried => "Tried in this round already",
        LeftOut::Inactive => "Switched off",
        LeftOut::ZeroWeight => "Drained: its weight is 0",
        LeftOut::Blocked => "Pulled from rotation",
        LeftOut::Paused => "It asked for a pause",
        LeftOut::Cap => "Its caps leave no room",
        LeftOut::Busy => "All its connections are in use, and it is slow to free one",
    }
}

/// The candidates of a dry run.
pub fn candidates(candidates: Vec<DryRunCandidate>, now: Timestamp) -> Vec<CandidateItem> {
    candidates
        .into_iter()
        .map(|one| CandidateItem {
            id: one.public_id,
            name: one.name,
            weight: one.weight,
            chance: one.chance,
            left_out: one.left_out.map(left_out).map(str::to_owned),
            opens: one.opens_at.map(|at| moment(at, now)),
            is_chosen: false,
        })
        .collect()
}

/// The candidates of an attempt that was made at the provider `chosen`.
pub fn considered(views: Vec<CandidateView>, chosen: Option<&str>, now: Timestamp) -> Vec<CandidateItem> {
    let drawn: Vec<Member> = (0i64..)
        .zip(&views)
        .filter(|(_, view)| view.left_out.is_none())
        .map(|(id, view)| Member {
            id,
            weight: Some(i64::from(view.weight)),
        })
        .collect();
    let chances: BTreeMap<i64, f64> = shares(&drawn)
        .into_iter()
        .map(|share| (share.id, share.percent))
        .collect();
    (0i64..)
        .zip(views)
        .map(|(place, view)| CandidateItem {
            is_chosen: chosen == Some(view.public_id.as_str()),
            chance: chances.get(&place).copied().unwrap_or(0.0),
            left_out: view.left_out.map(left_out).map(str::to_owned),
            opens: view.opens_at.map(|at| moment(at, now)),
            id: view.public_id,
            name: view.name,
            weight: view.weight,
        })
        .collect()
}

/// A dry run in words.
pub fn dry_run(run: DryRun, now: Timestamp) -> DryRunView {
    let (tone, verdict, detail, opens) = match (&run.refusal, run.waiting) {
        (Some(refusal), _) => (
            "error",
            "It would be refused",
            format!("The answer is: {refusal}."),
            None,
        ),
        (None, Some(ExpectedWait { reason, opens_at })) => {
            let detail = match opens_at {
                Some(_) => format!("It would be accepted, and {}.", waits_for(reason)),
                None => format!(
                    "It would be accepted, and {}, which only somebody's hand can end.",
                    waits_for(reason)
                ),
            };
            ("warning", "It would wait", detail, opens_at)
        }
        (None, None) => {
            let open: Vec<&str> = run
                .candidates
                .iter()
                .filter(|one| one.left_out.is_none())
                .map(|one| one.name.as_str())
                .collect();
            let detail = match open.as_slice() {
                [] => "No provider of its scope is left to try.".to_owned(),
                [only] => format!("{only} is the only provider in its scope that can take it."),
                several => format!("One of {} providers takes it, drawn by their weights.", several.len()),
            };
            ("success", "It would go now", detail, None)
        }
    };
    DryRunView {
        tone: tone.to_owned(),
        verdict: verdict.to_owned(),
        detail,
        opens: opens.map(|at| moment(at, now)),
        candidates: candidates(run.candidates, now),
    }
}

fn waits_for(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Cap => "wait for room under a cap",
        WaitReason::Throttled => "wait until a pause is over",
        WaitReason::Blocked => "wait for providers that are pulled from rotation or switched off",
        WaitReason::Retry => "wait for its next round",
        WaitReason::Scheduled => "wait for its time",
    }
}

/// Waiting messages by reason, the largest number first.
pub fn waits(lanes: Vec<LaneWaiting>, now: Timestamp) -> Vec<WaitItem> {
    let mut by_reason: BTreeMap<&'static str, WaitItem> = BTreeMap::new();
    let mut earliest: BTreeMap<&'static str, Option<Timestamp>> = BTreeMap::new();
    for lane in lanes {
        let reason = lane.reason.map_or("", WaitReason::as_str);
        let item = by_reason.entry(reason).or_insert_with(|| WaitItem {
            reason: reason.to_owned(),
            by_hand: lane.reason.is_some(),
            ..WaitItem::default()
        });
        item.messages += lane.messages;
        item.label = label(lane.reason, item.messages);
        item.by_hand &= lane.opens_at.is_none();
        let first = earliest.entry(reason).or_default();
        *first = [*first, lane.opens_at].into_iter().flatten().min();
        item.next = first.map(|at| moment(at, now));
        item.scopes.push(WaitScope {
            scope: scope(&lane),
            messages: lane.messages,
            next: lane.opens_at.map(|at| moment(at, now)),
        });
    }
    let mut items: Vec<WaitItem> = by_reason.into_values().collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.messages));
    items
}

/// Words behind the number: `1` `waits for room under caps`.
fn label(reason: Option<WaitReason>, messages: u64) -> String {
    let is_one = messages == 1;
    let what = match reason {
        None => return if is_one { "is next in line" } else { "are next in line" }.to_owned(),
        Some(WaitReason::Cap) => "room under caps",
        Some(WaitReason::Throttled) => "a pause to end",
        Some(WaitReason::Blocked) => "providers out of rotation",
        Some(WaitReason::Retry) => "the next round",
        Some(WaitReason::Scheduled) => "the time that was asked for",
    };
    format!("{} for {what}", if is_one { "waits" } else { "wait" })
}

fn scope(lane: &LaneWaiting) -> String {
    if lane.mode == Mode::Test {
        return "Test keys".to_owned();
    }
    let names = || lane.targets.join(", ");
    match (lane.scope, lane.targets.len()) {
        (ScopeKind::All, _) => "Every provider".to_owned(),
        (_, 0) => "A scope that was deleted".to_owned(),
        (ScopeKind::Providers, 1) => format!("Provider {}", names()),
        (ScopeKind::Providers, _) => format!("Providers {}", names()),
        (ScopeKind::Groups, 1) => format!("Group {}", names()),
        (ScopeKind::Groups, _) => format!("Groups {}", names()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_442_709_000);

    fn lane(reason: Option<WaitReason>, messages: u64, seconds: Option<i64>) -> LaneWaiting {
        LaneWaiting {
            mode: Mode::Live,
            scope: ScopeKind::All,
            targets: Vec::new(),
            messages,
            reason,
            opens_at: seconds.map(|seconds| Timestamp::from_millis(NOW.as_millis() + seconds * 1_000)),
        }
    }

    #[test]
    fn what_waits_is_counted_by_reason_with_the_first_that_goes() {
        let items = waits(
            vec![
                lane(Some(WaitReason::Cap), 3, Some(120)),
                lane(Some(WaitReason::Cap), 4, Some(60)),
                lane(Some(WaitReason::Blocked), 2, None),
                lane(None, 1, None),
            ],
            NOW,
        );
        let told: Vec<(&str, u64, Option<&str>, bool)> = items
            .iter()
            .map(|item| {
                (
                    item.reason.as_str(),
                    item.messages,
                    item.next.as_ref().map(|at| at.text.as_str()),
                    item.by_hand,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("cap", 7, Some("in 1 min"), false),
                ("blocked", 2, None, true),
                ("", 1, None, false)
            ]
        );
        assert_eq!(items[0].scopes.len(), 2);
    }

    #[test]
    fn the_chances_of_an_attempt_are_those_of_the_candidates_in_the_draw() {
        let view = |id: &str, weight, left_out| CandidateView {
            public_id: id.to_owned(),
            name: id.to_owned(),
            weight,
            left_out,
            opens_at: None,
        };
        let views = vec![
            view("a", 30, None),
            view("b", 10, None),
            view("c", 60, Some(LeftOut::Cap)),
        ];
        let items = considered(views, Some("b"), NOW);
        let chances: Vec<f64> = items.iter().map(|item| item.chance).collect();
        assert_eq!(chances, [75.0, 25.0, 0.0]);
        assert!(items[1].is_chosen && !items[0].is_chosen);
        assert_eq!(items[2].left_out.as_deref(), Some("Its caps leave no room"));
    }
}
