use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::ProviderKind;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600_000;

fn at(offset: i64) -> Timestamp {
    Timestamp::from_millis(NEW_YEAR + offset)
}

fn day_cap(day: u32, day_rule: DayRule) -> Caps {
    Caps {
        day: Some(day),
        day_rule,
        ..Caps::NONE
    }
}

#[test]
fn windows_are_aligned_in_utc() {
    let caps = Caps {
        second: Some(1),
        minute: Some(2),
        ..Caps::NONE
    };
    let mut usage = Usage::default();
    charge(&mut usage, at(58_999), 1);
    assert_eq!(cap_fit(&caps, &usage, at(58_999), 1), CapFit::Until(at(59_000)));
    assert_eq!(cap_fit(&caps, &usage, at(59_000), 1), CapFit::Now);
    charge(&mut usage, at(59_000), 1);
    assert_eq!(cap_fit(&caps, &usage, at(59_500), 1), CapFit::Until(at(60_000)));
}

#[test]
fn a_rolling_day_opens_24_hours_after_the_last_charge_of_its_oldest_hour() {
    let caps = day_cap(3, DayRule::Rolling);
    let mut usage = Usage::default();
    charge(&mut usage, at(10 * MINUTE), 1);
    charge(&mut usage, at(50 * MINUTE), 1);
    charge(&mut usage, at(5 * HOUR), 1);
    assert_eq!(
        cap_fit(&caps, &usage, at(6 * HOUR), 1),
        CapFit::Until(at(DAY + 50 * MINUTE))
    );
    assert_eq!(
        cap_fit(&caps, &usage, at(6 * HOUR), 2),
        CapFit::Until(at(DAY + 50 * MINUTE))
    );
    assert_eq!(
        cap_fit(&caps, &usage, at(6 * HOUR), 3),
        CapFit::Until(at(DAY + 5 * HOUR))
    );
    assert_eq!(headroom(&caps, &usage, at(DAY + 50 * MINUTE - 1)), 0);
    assert_eq!(headroom(&caps, &usage, at(DAY + 50 * MINUTE)), 2);
}

#[test]
fn the_utc_day_opens_at_midnight() {
    let caps = ProviderKind::ManagedSes.default_caps();
    let mut usage = Usage::default();
    charge(&mut usage, at(23 * HOUR), 50);
    assert_eq!(cap_fit(&caps, &usage, at(DAY - 1), 1), CapFit::Until(at(DAY)));
    assert_eq!(cap_fit(&caps, &usage, at(DAY), 50), CapFit::Now);
    assert_eq!(cap_fit(&caps, &usage, at(DAY), 51), CapFit::Never);
}

#[test]
fn both_day_rules_read_the_same_usage() {
    let mut usage = Usage::default();
    charge(&mut usage, at(-2 * HOUR), 4);
    charge(&mut usage, at(HOUR), 1);
    let rolling = usage.used(DayRule::Rolling, at(2 * HOUR));
    let utc = usage.used(DayRule::UtcDay, at(2 * HOUR));
    assert_eq!((rolling.day, utc.day, utc.hour), (5, 1, 0));
}

#[test]
fn the_latest_of_the_closed_windows_decides() {
    let caps = Caps {
        second: Some(1),
        hour: Some(1),
        ..Caps::NONE
    };
    let mut usage = Usage::default();
    charge(&mut usage, at(0), 1);
    assert_eq!(cap_fit(&caps, &usage, at(0), 1), CapFit::Until(at(HOUR)));
}

#[test]
fn a_refund_reaches_only_the_windows_that_it_was_taken_from() {
    let caps = Caps {
        second: Some(1),
        minute: Some(2),
        ..Caps::NONE
    };
    let mut usage = Usage::default();
    let first = charge(&mut usage, at(0), 1);
    charge(&mut usage, at(SECOND), 1);
    refund(&mut usage, first);
    let used = usage.used(DayRule::Rolling, at(SECOND));
    assert_eq!((used.second, used.minute, used.hour, used.day), (1, 1, 1, 1));
    assert_eq!(cap_fit(&caps, &usage, at(SECOND), 1), CapFit::Until(at(2 * SECOND)));
}

#[test]
fn windows_do_not_move_backwards() {
    let caps = Caps {
        second: Some(2),
        day: Some(9),
        ..Caps::NONE
    };
    let mut usage = Usage::default();
    charge(&mut usage, at(HOUR), 1);
    charge(&mut usage, at(0), 1);
    assert_eq!(cap_fit(&caps, &usage, at(0), 1), CapFit::Until(at(HOUR + SECOND)));
    let emptied = charge(&mut usage, at(2 * HOUR), 1);
    refund(&mut usage, emptied);
    assert_eq!(charge(&mut usage, at(0), 1).hour(), at(2 * HOUR).as_millis() / HOUR);
}

#[test]
fn what_was_charged_ahead_counts_from_now_once_the_clock_is_set_right() {
    let caps = Caps {
        second: Some(1),
        minute: Some(1),
        hour: Some(2),
        day: Some(3),
        ..Caps::NONE
    };
    let mut usage = Usage::default();
    charge(&mut usage, at(-HOUR), 1);
    let ahead = charge(&mut usage, at(5 * DAY), 1);
    assert_eq!(cap_fit(&caps, &usage, at(0), 1), CapFit::Until(at(5 * DAY + MINUTE)));
    assert!(
        !usage.clone().set_back(at(5 * DAY - 9 * SECOND)),
        "so much clocks wobble"
    );
    assert!(usage.set_back(at(0)) && !usage.set_back(at(0)));
    assert_eq!(cap_fit(&caps, &usage, at(0), 1), CapFit::Until(at(MINUTE)));
    assert_eq!(cap_fit(&caps, &usage, at(MINUTE), 1), CapFit::Now);
    charge(&mut usage, at(MINUTE), 1);
    assert_eq!(cap_fit(&caps, &usage, at(2 * MINUTE), 1), CapFit::Until(at(HOUR)));
    // A minute of the same number is another one: nothing of it is given back.
    refund(&mut usage, ahead);
    charge(&mut usage, at(HOUR), 1);
    assert_eq!(cap_fit(&caps, &usage, at(2 * HOUR), 1), CapFit::Until(at(DAY + MINUTE)));
}

#[test]
fn without_caps_there_is_always_room_and_usage_is_counted_all_the_same() {
    let mut usage = Usage::default();
    charge(&mut usage, at(0), u32::MAX);
    charge(&mut usage, at(0), u32::MAX);
    assert_eq!(cap_fit(&Caps::NONE, &usage, at(0), u32::MAX), CapFit::Now);
    assert_eq!(headroom(&Caps::NONE, &usage, at(0)), u32::MAX);
    assert_eq!(headroom(&day_cap(7, DayRule::Rolling), &usage, at(0)), 0);
}

#[test]
fn usage_is_small_and_round_trips() {
    let mut usage = Usage::default();
    for hour in 0..100 {
        charge(&mut usage, at(hour * HOUR), 1_000_000);
    }
    let json = serde_json::to_string(&usage).unwrap();
    assert!(json.len() < 1_500, "{} bytes", json.len());
    assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
}

/// Moves of the property tests on a provider.
#[derive(Debug, Clone)]
enum Step {
    /// Time moves by this many milliseconds, backwards too.
    Move(i64),
    /// A charge, if the caps permit it.
    Charge(u32),
    /// A refund of the charge at this position, counted from the newest.
    Refund(usize),
    /// A reload of the usage from its JSON.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = prop_oneof![
        4 => 0..2 * SECOND,
        3 => 0..2 * HOUR,
        1 => 0..DAY,
        1 => -2 * DAY..0,
    ];
    let step = prop_oneof![
        3 => time.prop_map(Step::Move),
        6 => (1u32..6).prop_map(Step::Charge),
        1 => (0usize..4).prop_map(Step::Refund),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..200)
}

fn any_caps() -> impl Strategy<Value = Caps> {
    let cap = |most: u32| prop::option::of(1..most);
    (cap(6), cap(20), cap(40), cap(60), any::<bool>()).prop_map(|(second, minute, hour, day, utc)| Caps {
        second,
        minute,
        hour,
        day,
        day_rule: if utc { DayRule::UtcDay } else { DayRule::Rolling },
    })
}

fn read_again<T: Serialize + DeserializeOwned>(written: &T) -> T {
    serde_json::from_str(&serde_json::to_string(written).unwrap()).unwrap()
}

/// Charges that were kept: their time, which never runs backwards, and their units.
type Ledger = Vec<(i64, u32)>;

fn assert_caps_kept(caps: &Caps, ledger: &Ledger) -> Result<(), TestCaseError> {
    let aligned = [(caps.second, SECOND), (caps.minute, MINUTE), (caps.hour, HOUR)];
    let utc_day = if caps.day_rule == DayRule::UtcDay {
        caps.day
    } else {
        None
    };
    for (cap, length) in aligned.into_iter().chain([(utc_day, DAY)]) {
        let Some(cap) = cap else { continue };
        for (time, _) in ledger {
            let window = time.div_euclid(length);
            let held: u32 = ledger
                .iter()
                .filter(|(t, _)| t.div_euclid(length) == window)
                .map(|(_, n)| n)
                .sum();
            prop_assert!(held <= cap, "{held} of {cap} in a window of {length} ms");
        }
    }
    if let (Some(cap), DayRule::Rolling) = (caps.day, caps.day_rule) {
        for (end, _) in ledger {
            let held: u32 = ledger
                .iter()
                .filter(|(t, _)| (end - DAY..=*end).contains(t) && end - t < DAY)
                .map(|(_, n)| n)
                .sum();
            prop_assert!(held <= cap, "{held} of {cap} in 24 hours");
        }
    }
    Ok(())
}

proptest! {
    /// Under any sequence of steps no cap is exceeded, a refund never underflows, and the reported fit is true.
    #[test]
    fn no_cap_is_ever_exceeded(caps in any_caps(), steps in steps()) {
        let (mut usage, mut now, mut latest) = (Usage::default(), NEW_YEAR, i64::MIN);
        let mut open: Vec<(Charge, (i64, u32))> = Vec::new();
        let mut ledger: Ledger = Vec::new();
        for step in steps {
            match step {
                Step::Move(by) => now += by,
                Step::Charge(units) => {
                    let time = Timestamp::from_millis(now);
                    let fits = cap_fit(&caps, &usage, time, units);
                    prop_assert_eq!(fits == CapFit::Now, units <= headroom(&caps, &usage, time));
                    match fits {
                        CapFit::Now => {
                            latest = latest.max(now);
                            open.push((charge(&mut usage, time, units), (latest, units)));
                            ledger.push((latest, units));
                        }
                        CapFit::Until(opens) => {
                            prop_assert!(opens > time);
                            prop_assert_eq!(cap_fit(&caps, &usage, opens, units), CapFit::Now);
                        }
                        CapFit::Never => prop_assert!(caps.largest_charge().unwrap() < units),
                    }
                }
                Step::Refund(back) if back < open.len() => {
                    let (charge, entry) = open.swap_remove(open.len() - 1 - back);
                    let before = usage.used(caps.day_rule, Timestamp::from_millis(now));
                    refund(&mut usage, charge);
                    let after = usage.used(caps.day_rule, Timestamp::from_millis(now));
                    prop_assert!(after.second <= before.second && after.day <= before.day);
                    let position = ledger.iter().position(|other| *other == entry).unwrap();
                    ledger.remove(position);
                }
                Step::Refund(_) => {}
                Step::Restart => {
                    usage = read_again(&usage);
                    for (charge, _) in &mut open {
                        *charge = read_again(charge);
                    }
                }
            }
            assert_caps_kept(&caps, &ledger)?;
        }
    }

    /// A clock that is ahead for a while and is set right: hours and days hold no more than their caps, with what was
    /// charged ahead dated back and without what it took for a day old; nothing binds for longer than its own length.
    #[test]
    fn a_clock_that_is_set_right_keeps_hours_and_days_and_binds_no_longer(
        caps in any_caps(),
        steps in prop::collection::vec((prop_oneof![
            5 => 0..20 * MINUTE,
            3 => -9 * SECOND..0,
            1 => 0..20 * HOUR,
            1 => -20 * HOUR..0,
        ], 1u32..4, any::<bool>()), 1..150),
    ) {
        let caps = Caps { second: None, minute: None, ..caps };
        let (mut usage, mut now, mut latest) = (Usage::default(), NEW_YEAR, i64::MIN);
        let tolerance = i64::try_from(crate::time::CLOCK_TOLERANCE.as_millis()).unwrap();
        let mut ledger: Ledger = Vec::new();
        for (by, units, looked_after) in steps {
            now += by;
            let time = Timestamp::from_millis(now);
            if looked_after || by < -tolerance {
                usage.set_back(time);
                // An hour that reaches ahead is dated back as a whole.
                let ahead: Vec<i64> = ledger
                    .iter()
                    .filter(|(t, _)| *t > now + tolerance)
                    .map(|(t, _)| t.div_euclid(HOUR))
                    .collect();
                for (t, _) in &mut ledger {
                    if ahead.contains(&t.div_euclid(HOUR)) {
                        *t = now.min(*t);
                    }
                }
                latest = ledger.iter().map(|(t, _)| *t).max().unwrap_or(i64::MIN);
                if let CapFit::Until(opens) = cap_fit(&caps, &usage, time, units) {
                    prop_assert!(opens.as_millis() - now <= DAY + HOUR.max(tolerance), "{opens} at {now}");
                }
            }
            if cap_fit(&caps, &usage, time, units) == CapFit::Now {
                charge(&mut usage, time, units);
                latest = latest.max(now);
                // Charges that the clock takes for a day old are gone, even if the clock is wrong.
                ledger.retain(|(t, _)| now - t < DAY || t.div_euclid(DAY) == latest.div_euclid(DAY));
                let held = |from: i64| ledger.iter().filter(|(t, _)| *t >= from && *t <= latest).map(|(_, n)| n).sum::<u32>() + units;
                if let Some(cap) = caps.hour {
                    prop_assert!(held(latest.div_euclid(HOUR) * HOUR) <= cap);
                }
                if let Some(cap) = caps.day {
                    let from = match caps.day_rule {
                        DayRule::UtcDay => latest.div_euclid(DAY) * DAY,
                        DayRule::Rolling => latest - DAY + 1,
                    };
                    prop_assert!(held(from) <= cap);
                }
                ledger.push((latest, units));
            }
        }
    }

    /// While time runs forward, nothing is refused that every cap permits: usage counts no more than the charges kept,
    /// the oldest hour of a rolling day aside, which stays for an hour at most.
    #[test]
    fn nothing_permitted_is_refused(caps in any_caps(), moves in prop::collection::vec((0..HOUR, 1u32..4), 1..120)) {
        let (mut usage, mut now) = (Usage::default(), NEW_YEAR);
        let mut ledger: Ledger = Vec::new();
        for (by, units) in moves {
            now += by;
            let held = |from: i64| ledger.iter().filter(|(t, _)| *t >= from).map(|(_, n)| n).sum::<u32>();
            let fits = |cap: Option<u32>, from: i64| cap.is_none_or(|cap| held(from) + units <= cap);
            let aligned = |length: i64| now.div_euclid(length) * length;
            let day_start = match caps.day_rule {
                DayRule::UtcDay => aligned(DAY),
                DayRule::Rolling => now - DAY - HOUR,
            };
            let permitted = fits(caps.second, aligned(SECOND))
                && fits(caps.minute, aligned(MINUTE))
                && fits(caps.hour, aligned(HOUR))
                && fits(caps.day, day_start);
            let time = Timestamp::from_millis(now);
            let answer = cap_fit(&caps, &usage, time, units);
            if permitted {
                prop_assert_eq!(answer, CapFit::Now);
            }
            if answer == CapFit::Now {
                charge(&mut usage, time, units);
                ledger.push((now, units));
            }
        }
    }
}
