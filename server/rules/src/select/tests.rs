use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::caps::{Caps, Usage, charge};
use crate::health::{Block, Health, Pause};
use crate::outcome::{BlockKind, Hint};

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const NEED: Need = Need {
    bytes: 2_000,
    recipients: 1,
    headers_all_pending: true,
};

fn later(seconds: u64) -> Timestamp {
    NOW.plus(std::time::Duration::from_secs(seconds))
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(7)
}

fn smtp(id: i64) -> Candidate {
    Candidate::new(id, ProviderKind::Smtp, 100)
}

fn blocked(id: i64, until: Option<Timestamp>, since: Timestamp) -> Candidate {
    let availability = Availability {
        blocked: Some(until),
        out_since: Some(since),
        ..Availability::OPEN
    };
    Candidate {
        availability,
        ..smtp(id)
    }
}

fn capped(id: i64, until: Timestamp) -> Candidate {
    Candidate {
        availability: Availability {
            cap_fit: CapFit::Until(until),
            ..Availability::OPEN
        },
        ..smtp(id)
    }
}

fn paused(id: i64, until: Timestamp) -> Candidate {
    Candidate {
        availability: Availability {
            paused_until: Some(until),
            ..Availability::OPEN
        },
        ..smtp(id)
    }
}

fn left_out(candidate: Candidate, need: Need) -> Option<LeftOut> {
    let selection = select(&[candidate], &need, NOW, &mut rng());
    assert_eq!(selection.chosen.is_some(), selection.considered[0].left_out.is_none());
    selection.considered[0].left_out
}

#[test]
fn every_filter_has_its_reason() {
    let gmail = Candidate::new(1, ProviderKind::Gmail, 100);
    let graph = Candidate::new(1, ProviderKind::Microsoft365, 100);
    let partly = Need {
        headers_all_pending: false,
        ..NEED
    };
    let large = Need {
        bytes: 3_000_001,
        ..NEED
    };
    let many = Need {
        recipients: 501,
        ..NEED
    };
    let cases = [
        (smtp(1), NEED, None),
        (
            Candidate {
                active: false,
                ..smtp(1)
            },
            NEED,
            Some(LeftOut::Inactive),
        ),
        (Candidate { weight: 0, ..smtp(1) }, NEED, Some(LeftOut::ZeroWeight)),
        (Candidate { tried: true, ..smtp(1) }, NEED, Some(LeftOut::Tried)),
        (
            Candidate {
                sender_refused: true,
                ..smtp(1)
            },
            NEED,
            Some(LeftOut::SenderRefused),
        ),
        (
            Candidate {
                lacking: Some(Hint::TooLarge),
                ..smtp(1)
            },
            NEED,
            Some(LeftOut::TooLarge),
        ),
        (
            Candidate {
                lacking: Some(Hint::NoSmtputf8),
                ..smtp(1)
            },
            NEED,
            Some(LeftOut::NoSmtputf8),
        ),
        (
            Candidate {
                lacking: Some(Hint::HeaderRecipients),
                ..smtp(1)
            },
            NEED,
            Some(LeftOut::HeaderRecipients),
        ),
        (blocked(1, None, NOW), NEED, Some(LeftOut::Blocked)),
        (paused(1, later(1)), NEED, Some(LeftOut::Paused)),
        (capped(1, later(1)), NEED, Some(LeftOut::Cap)),
        (graph.clone(), large, Some(LeftOut::TooLarge)),
        (gmail.clone(), large, None),
        (gmail.clone(), many, Some(LeftOut::TooManyRecipients)),
        (smtp(1), many, None),
        (gmail, partly, Some(LeftOut::HeaderRecipients)),
        (graph, partly, Some(LeftOut::HeaderRecipients)),
        (smtp(1), partly, None),
    ];
    for (candidate, need, expected) in cases {
        assert_eq!(left_out(candidate.clone(), need), expected, "{candidate:?}");
    }
}

#[test]
fn what_has_opened_by_now_holds_nothing_back() {
    for candidate in [blocked(1, Some(NOW), NOW), paused(1, NOW), capped(1, NOW)] {
        assert_eq!(left_out(candidate, NEED), None);
    }
}

#[test]
fn more_recipients_than_a_cap_are_never_left_to_wait() {
    let availability = Availability {
        cap_fit: CapFit::Never,
        ..Availability::OPEN
    };
    let managed = Candidate {
        availability,
        ..Candidate::new(1, ProviderKind::ManagedSes, 100)
    };
    let selection = select(std::slice::from_ref(&managed), &NEED, NOW, &mut rng());
    assert_eq!(selection.considered[0].left_out, Some(LeftOut::TooManyRecipients));
    assert_eq!(selection.waiting, None);
    assert_eq!(could_take(&[managed], &NEED), Err(Refusal::TooManyRecipients));
}

#[test]
fn the_longest_hold_of_a_candidate_is_told() {
    let availability = Availability {
        blocked: Some(Some(later(3_600))),
        out_since: Some(NOW),
        paused_until: Some(later(30)),
        cap_fit: CapFit::Until(later(7_200)),
    };
    let selection = select(
        &[Candidate {
            availability,
            ..smtp(1)
        }],
        &NEED,
        NOW,
        &mut rng(),
    );
    assert_eq!(selection.considered[0].left_out, Some(LeftOut::Cap));
    let waiting = selection.waiting.unwrap();
    assert_eq!(
        (waiting.reason, waiting.opens_at),
        (WaitReason::Cap, Some(later(7_200)))
    );
    // It is blocked too, so the message does wait for blocked providers alone.
    assert_eq!(waiting.blocked_since, Some(NOW));
}

#[test]
fn what_is_switched_off_or_drained_is_out_since_it_was_configured_so_whatever_blocks_come_and_go() {
    let off = |candidate: Candidate| Candidate {
        configured_at: NOW,
        ..candidate
    };
    let candidates = [smtp(1), blocked(1, Some(later(60)), later(5)), capped(1, later(60))];
    for candidate in candidates {
        let drained = Candidate {
            weight: 0,
            ..off(candidate.clone())
        };
        let inactive = Candidate {
            active: false,
            ..off(candidate)
        };
        for candidate in [drained, inactive] {
            let tried = Candidate { tried: true, ..smtp(9) };
            let got = select(&[candidate, tried], &NEED, NOW, &mut rng()).waiting.unwrap();
            assert_eq!(
                (got.reason, got.opens_at, got.blocked_since),
                (WaitReason::Blocked, None, Some(NOW))
            );
        }
    }
}

#[test]
fn the_first_to_open_decides_what_is_waited_for() {
    let waiting = |candidates: &[Candidate]| select(candidates, &NEED, NOW, &mut rng()).waiting;
    let tried = Candidate { tried: true, ..smtp(9) };
    let got = waiting(&[
        blocked(1, None, NOW),
        capped(2, later(60)),
        paused(3, later(30)),
        tried.clone(),
    ])
    .unwrap();
    assert_eq!((got.reason, got.opens_at), (WaitReason::Throttled, Some(later(30))));
    assert_eq!(got.blocked_since, None);
    let got = waiting(&[blocked(1, None, NOW), blocked(2, None, later(5))]).unwrap();
    assert_eq!(
        (got.reason, got.opens_at, got.blocked_since),
        (WaitReason::Blocked, None, Some(later(5)))
    );
    assert_eq!(waiting(&[tried]), None);
    assert_eq!(waiting(&[]).unwrap().reason, WaitReason::Blocked);
}

#[test]
fn availability_is_read_from_health_and_usage() {
    let mut usage = Usage::default();
    let caps = Caps {
        minute: Some(1),
        ..Caps::NONE
    };
    charge(&mut usage, NOW, 1);
    let health = Health {
        block: Some(Block {
            kind: BlockKind::Quota,
            since: NOW,
            until: Some(later(60)),
            cause: String::new(),
        }),
        pause: Some(Pause {
            until: later(30),
            step: 1,
        }),
        out_since: Some(NOW),
        ..Health::default()
    };
    let availability = Availability::of(&health, &caps, &usage, 1, NOW);
    assert_eq!(availability.blocked, Some(Some(later(60))));
    assert_eq!(availability.paused_until, Some(later(30)));
    assert_eq!(availability.cap_fit, CapFit::Until(later(60)));
    assert_eq!(
        Availability::of(&health, &caps, &usage, 1, later(60)),
        Availability {
            out_since: Some(NOW),
            ..Availability::OPEN
        }
    );
}

#[test]
fn what_none_could_ever_take_is_refused_when_it_is_handed_in() {
    let graph = Candidate::new(1, ProviderKind::Microsoft365, 100);
    let large = Need {
        bytes: 3_000_001,
        ..NEED
    };
    assert_eq!(could_take(&[], &NEED), Err(Refusal::NoActiveProviders));
    assert_eq!(
        could_take(&[Candidate { weight: 0, ..smtp(1) }], &NEED),
        Err(Refusal::NoActiveProviders)
    );
    assert_eq!(
        could_take(
            &[Candidate {
                active: false,
                ..smtp(1)
            }],
            &NEED
        ),
        Err(Refusal::NoActiveProviders)
    );
    assert_eq!(could_take(&[blocked(1, None, NOW)], &NEED), Ok(()));
    assert_eq!(
        could_take(std::slice::from_ref(&graph), &large),
        Err(Refusal::TooLarge(3_000_000))
    );
    assert_eq!(could_take(&[graph, smtp(2)], &large), Ok(()));
}

#[test]
fn the_managed_route_serves_all_only_without_an_active_provider_of_ones_own() {
    let managed = Candidate::new(1, ProviderKind::ManagedSes, 100);
    let ids = |mut candidates: Vec<Candidate>| {
        prefer_own_providers(
            &mut candidates,
            |candidate| candidate.kind,
            |candidate| candidate.active,
        );
        candidates.iter().map(|candidate| candidate.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(vec![managed.clone(), smtp(2)]), [2]);
    assert_eq!(ids(vec![managed.clone(), blocked(2, None, NOW)]), [2]);
    assert_eq!(
        ids(vec![
            managed.clone(),
            Candidate {
                active: false,
                ..smtp(2)
            }
        ]),
        [1, 2]
    );
    assert_eq!(ids(vec![managed]), [1]);
}

#[test]
fn a_selection_round_trips() {
    let selection = select(&[smtp(1), capped(2, later(9))], &NEED, NOW, &mut rng());
    let json = serde_json::to_string(&selection).unwrap();
    assert_eq!(serde_json::from_str::<Selection>(&json).unwrap(), selection);
}

#[test]
fn a_busy_candidate_is_passed_over_and_nobody_waits_for_it() {
    let busy = Candidate { busy: true, ..smtp(1) };
    let selection = select(&[busy.clone(), smtp(2)], &NEED, NOW, &mut rng());
    assert_eq!(selection.chosen, Some(2));
    assert_eq!(selection.considered[0].left_out, Some(LeftOut::Busy));
    let alone = select(&[busy], &NEED, NOW, &mut rng());
    assert_eq!((alone.chosen, alone.waiting), (None, None));
}

/// The weight of a candidate in the draw.
fn share(candidate: &Candidate) -> u32 {
    if candidate.tried { 0 } else { candidate.weight }
}

/// The chi-square statistic of `draws` selections against the weights, and its degrees of freedom.
fn chi_square(candidates: &[Candidate], draws: u32, seed: u64) -> (f64, usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut counts = vec![0u32; candidates.len()];
    for _ in 0..draws {
        let chosen = select(candidates, &NEED, NOW, &mut rng).chosen.unwrap();
        counts[candidates.iter().position(|candidate| candidate.id == chosen).unwrap()] += 1;
    }
    let total: f64 = candidates.iter().map(|candidate| f64::from(share(candidate))).sum();
    let (mut statistic, mut classes) = (0.0, 0);
    for (candidate, count) in candidates.iter().zip(&counts) {
        let expected = f64::from(share(candidate)) / total * f64::from(draws);
        if share(candidate) == 0 {
            assert_eq!(*count, 0);
            continue;
        }
        statistic += (f64::from(*count) - expected).powi(2) / expected;
        classes += 1;
    }
    (statistic, classes - 1)
}

/// A bound that chance exceeds about once in a million (Wilson and Hilferty's approximation, z = 4.75).
fn bound(freedom: usize) -> f64 {
    let k = freedom as f64;
    let spread = 2.0 / (9.0 * k);
    k * (1.0 - spread + 4.75 * spread.sqrt()).powi(3)
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let until = || prop::option::of((-100i64..100).prop_map(|s| Timestamp::from_millis(NOW.as_millis() + s * 1_000)));
    let cap_fit = prop_oneof![
        4 => Just(CapFit::Now),
        2 => (-100i64..100).prop_map(|s| CapFit::Until(Timestamp::from_millis(NOW.as_millis() + s * 1_000))),
        1 => Just(CapFit::Never),
    ];
    (
        (
            0i64..1_000,
            prop::sample::select(ProviderKind::ALL),
            prop_oneof![0u32..5, any::<u32>()],
        ),
        prop::array::uniform4(prop::bool::weighted(0.2)),
        (prop::option::weighted(0.3, until()), until(), until(), cap_fit),
    )
        .prop_map(
            |((id, kind, weight), [inactive, tried, sender_refused, lacks], availability)| Candidate {
                active: !inactive,
                tried,
                sender_refused,
                lacking: lacks.then_some(Hint::NoSmtputf8),
                availability: Availability {
                    blocked: availability.0,
                    out_since: availability.1,
                    paused_until: availability.2,
                    cap_fit: availability.3,
                },
                ..Candidate::new(id, kind, weight)
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    /// Shares converge to the weights of any pool, also among the rest after some were tried without success.
    #[test]
    fn shares_converge_to_the_weights(
        members in prop::collection::vec((0u32..200, prop::bool::weighted(0.2)), 2..10),
        seed in any::<u64>(),
    ) {
        let member = |((weight, tried), id): (&(u32, bool), i64)| Candidate {
            tried: *tried,
            ..Candidate::new(id, ProviderKind::Smtp, *weight)
        };
        let pool: Vec<Candidate> = members.iter().zip(1..).map(member).collect();
        let weights: Vec<u32> = pool.iter().map(share).collect();
        prop_assume!(weights.iter().filter(|weight| **weight > 0).count() >= 2);
        // The chi-square test needs at least five expected draws a class.
        let total: u32 = weights.iter().sum();
        let least = weights.iter().copied().filter(|weight| *weight > 0).min().unwrap();
        let draws = (10 * total).div_ceil(least).max(5_000);
        let (statistic, freedom) = chi_square(&pool, draws, seed);
        prop_assert!(statistic < bound(freedom), "{statistic} for {freedom} degrees of freedom");
    }
}

proptest! {
    /// Only a given and open candidate is chosen, and always one while any is open.
    #[test]
    fn selection_stays_in_scope_and_refuses_nothing_permitted(
        candidates in prop::collection::vec(any_candidate(), 0..8),
        seed in any::<u64>(),
        headers_all_pending in any::<bool>(),
    ) {
        let need = Need { headers_all_pending, ..NEED };
        let selection = select(&candidates, &need, NOW, &mut StdRng::seed_from_u64(seed));
        prop_assert_eq!(selection.considered.len(), candidates.len());
        let open: Vec<i64> =
            selection.considered.iter().filter(|one| one.left_out.is_none()).map(|one| one.id).collect();
        match selection.chosen {
            Some(chosen) => prop_assert!(open.contains(&chosen)),
            None => prop_assert!(open.is_empty()),
        }
        for (candidate, one) in candidates.iter().zip(&selection.considered) {
            let availability = &candidate.availability;
            let speaks_against = !candidate.active
                || candidate.weight == 0
                || candidate.tried
                || candidate.sender_refused
                || candidate.lacking.is_some()
                || availability.block_at(NOW).is_some()
                || availability.paused_until.is_some_and(|until| until > NOW)
                || matches!(availability.cap_fit, CapFit::Never)
                || matches!(availability.cap_fit, CapFit::Until(until) if until > NOW)
                || (candidate.capability.uses_header_recipients && !headers_all_pending);
            prop_assert_eq!(one.left_out.is_some(), speaks_against);
        }
    }

    /// At the time until which a message waits, a candidate is open.
    #[test]
    fn waiting_ends_when_it_says(candidates in prop::collection::vec(any_candidate(), 0..8)) {
        let selection = select(&candidates, &NEED, NOW, &mut rng());
        if let Some(Waiting { opens_at: Some(opens_at), .. }) = selection.waiting {
            prop_assert!(opens_at > NOW);
            prop_assert!(select(&candidates, &NEED, opens_at, &mut rng()).chosen.is_some());
        }
    }
}
