//! Scheduler of lanes: which one may claim next.
//!
//! A lane is ready, waits for a time, waits for a free slot at one of its providers, or has no work. Ready lanes take
//! turns, first by team and then within the team, so that one team's backlog or number of keys never holds up another's
//! message. Nothing here looks at messages: a turn is a handful of them.

use sendmux_rules::Timestamp;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The lanes with work, as far as this node knows.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: HashMap<i64, Lane>,
    /// Teams with ready lanes, in the order of their turns.
    turns: VecDeque<i64>,
    /// The ready lanes of each team in `turns`, in the order of their turns.
    ready: HashMap<i64, VecDeque<i64>>,
    timers: BTreeSet<(Timestamp, i64)>,
    /// Lanes that wait for a slot at this provider.
    starved: HashMap<i64, BTreeSet<i64>>,
    /// Lanes that this provider serves, as of their last turns.
    served: HashMap<i64, BTreeSet<i64>>,
}

#[derive(Debug)]
struct Lane {
    team_id: i64,
    state: State,
    /// The providers of its pool, as of its last turn.
    providers: Vec<i64>,
    /// It stands among the ready ones of its team.
    in_line: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Ready,
    /// Its earliest message is due then.
    Due(Timestamp),
    /// None of its providers takes anything before then, whatever arrives.
    Closed(Timestamp),
    /// Starved of slots at these providers. `until` is when it is looked at all the same; without it every provider is
    /// full, and nothing but a free slot moves it.
    Slot {
        providers: Vec<i64>,
        until: Option<Timestamp>,
    },
}

impl Lanes {
    /// The lane has work that is due at `due_at`; it moves no later than it would have anyway.
    pub(crate) fn wake(&mut self, lane_id: i64, team_id: i64, due_at: Timestamp) {
        match self.lanes.get(&lane_id).map(|lane| lane.state.clone()) {
            None => {
                self.lanes.insert(
                    lane_id,
                    Lane {
                        team_id,
                        state: State::Due(due_at),
                        providers: Vec::new(),
                        in_line: false,
                    },
                );
                self.timers.insert((due_at, lane_id));
            }
            Some(State::Due(until)) if due_at < until => {
                self.timers.remove(&(until, lane_id));
                self.timers.insert((due_at, lane_id));
                self.set(lane_id, State::Due(due_at));
            }
            // What comes may be drawn for a provider that has slots.
            Some(State::Slot {
                providers,
                until: Some(until),
            }) if due_at < until => {
                self.timers.remove(&(until, lane_id));
                self.timers.insert((due_at, lane_id));
                let until = Some(due_at);
                self.set(lane_id, State::Slot { providers, until });
            }
            // A lane whose providers are full or closed gains nothing from more work, and a ready one has its turn anyway.
            Some(_) => {}
        }
    }

    /// Rechecks the lane even if none of its providers takes anything: there is something to decide.
    pub(crate) fn recheck(&mut self, lane_id: i64, now: Timestamp) {
        match self.lanes.get(&lane_id).map(|lane| lane.state.clone()) {
            Some(State::Due(until) | State::Closed(until)) if until > now => {
                self.timers.remove(&(until, lane_id));
                self.due_at(lane_id, now);
            }
            Some(State::Slot { providers, until }) => {
                self.unpark(lane_id, &providers, until);
                self.make_ready(lane_id);
            }
            Some(_) | None => {}
        }
    }

    /// Up to `limit` lanes whose turn it is at `now`. Each must be given back with `again`, `due_at`, `closed_until`,
    /// `park_for_slot` or `idle`.
    pub(crate) fn take_turns(&mut self, now: Timestamp, limit: usize) -> Vec<i64> {
        while let Some(&(until, lane_id)) = self.timers.first() {
            if until > now {
                break;
            }
            self.timers.pop_first();
            if let Some(State::Slot { providers, .. }) = self.lanes.get(&lane_id).map(|lane| lane.state.clone()) {
                self.unpark(lane_id, &providers, None);
            }
            self.make_ready(lane_id);
        }
        let mut taken = Vec::new();
        while taken.len() < limit {
            let Some(team_id) = self.turns.pop_front() else { break };
            let Some(lanes) = self.ready.get_mut(&team_id) else {
                continue;
            };
            let next = lanes.pop_front();
            if let Some(lane) = next.and_then(|lane_id| self.lanes.get_mut(&lane_id)) {
                lane.in_line = false;
            }
            taken.extend(next);
            if lanes.is_empty() {
                self.ready.remove(&team_id);
            } else {
                self.turns.push_back(team_id);
            }
        }
        taken
    }

    /// The lane had more than its turn allowed: it is ready again, behind the others.
    pub(crate) fn again(&mut self, lane_id: i64) {
        self.make_ready(lane_id);
    }

    /// The earliest message of the lane that can move is due then.
    pub(crate) fn due_at(&mut self, lane_id: i64, due_at: Timestamp) {
        if self.set(lane_id, State::Due(due_at)) {
            self.timers.insert((due_at, lane_id));
        }
    }

    /// None of the lane's providers takes anything before `until`: more work does not wake it.
    pub(crate) fn closed_until(&mut self, lane_id: i64, until: Timestamp) {
        if self.set(lane_id, State::Closed(until)) {
            self.timers.insert((until, lane_id));
        }
    }

    /// The rest of the lane waits for a free slot at one of these providers, or until then.
    pub(crate) fn park_for_slot(&mut self, lane_id: i64, providers: Vec<i64>, until: Option<Timestamp>) {
        for provider_id in &providers {
            self.starved.entry(*provider_id).or_default().insert(lane_id);
        }
        self.timers.extend(until.map(|until| (until, lane_id)));
        self.set(lane_id, State::Slot { providers, until });
    }

    /// Forgets that the lane waits for slots.
    fn unpark(&mut self, lane_id: i64, providers: &[i64], until: Option<Timestamp>) {
        for provider_id in providers {
            remove(&mut self.starved, *provider_id, lane_id);
        }
        if let Some(until) = until {
            self.timers.remove(&(until, lane_id));
        }
    }

    /// The lane has no work.
    pub(crate) fn idle(&mut self, lane_id: i64) {
        self.serve(lane_id, Vec::new());
        self.lanes.remove(&lane_id);
    }

    /// These providers serve the lane.
    pub(crate) fn serve(&mut self, lane_id: i64, providers: Vec<i64>) {
        let Some(lane) = self.lanes.get_mut(&lane_id) else {
            return;
        };
        if lane.providers == providers {
            return;
        }
        for provider_id in &lane.providers {
            remove(&mut self.served, *provider_id, lane_id);
        }
        for provider_id in &providers {
            self.served.entry(*provider_id).or_default().insert(lane_id);
        }
        lane.providers = providers;
    }

    /// A provider has a free slot: the lanes that wait for one are ready.
    pub(crate) fn slot_freed(&mut self, provider_id: i64) {
        for lane_id in self.starved.remove(&provider_id).unwrap_or_default() {
            let Some(State::Slot { providers, until }) = self.lanes.get(&lane_id).map(|lane| lane.state.clone()) else {
                continue;
            };
            self.unpark(lane_id, &providers, until);
            self.make_ready(lane_id);
        }
    }

    /// Rechecks every lane that waits: the configuration changed.
    pub(crate) fn wake_all(&mut self, now: Timestamp) {
        self.recheck_each(now, |_| true);
    }

    /// Rechecks the lanes of a team whose configuration changed.
    pub(crate) fn wake_team(&mut self, team_id: i64, now: Timestamp) {
        self.recheck_each(now, |lane| lane.team_id == team_id);
    }

    /// Rechecks the lanes that a provider serves which has opened or closed.
    pub(crate) fn wake_served(&mut self, provider_id: i64, now: Timestamp) {
        let lanes: Vec<i64> = self.served.get(&provider_id).into_iter().flatten().copied().collect();
        for lane_id in lanes {
            self.recheck(lane_id, now);
        }
    }

    fn recheck_each(&mut self, now: Timestamp, which: impl Fn(&Lane) -> bool) {
        let mut lanes: Vec<i64> = self
            .lanes
            .iter()
            .filter_map(|(id, lane)| which(lane).then_some(*id))
            .collect();
        lanes.sort_unstable();
        for lane_id in lanes {
            self.recheck(lane_id, now);
        }
    }

    /// Time of the next lane; `now` or earlier while one is ready.
    pub(crate) fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.turns.is_empty() {
            return Some(now);
        }
        self.timers.first().map(|(until, _)| *until)
    }

    fn set(&mut self, lane_id: i64, state: State) -> bool {
        match self.lanes.get_mut(&lane_id) {
            Some(lane) => {
                lane.state = state;
                true
            }
            None => false,
        }
    }

    fn make_ready(&mut self, lane_id: i64) {
        let Some(lane) = self.lanes.get_mut(&lane_id) else {
            return;
        };
        lane.state = State::Ready;
        if std::mem::replace(&mut lane.in_line, true) {
            return;
        }
        let team_id = lane.team_id;
        let lanes = self.ready.entry(team_id).or_default();
        if lanes.is_empty() {
            self.turns.push_back(team_id);
        }
        lanes.push_back(lane_id);
    }
}

/// Takes a lane out of those of a provider.
fn remove(lanes_of: &mut HashMap<i64, BTreeSet<i64>>, provider_id: i64, lane_id: i64) {
    if let Some(lanes) = lanes_of.get_mut(&provider_id) {
        lanes.remove(&lane_id);
        if lanes.is_empty() {
            lanes_of.remove(&provider_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn teams_take_turns_however_many_lanes_they_have() {
        let mut lanes = Lanes::default();
        for lane_id in 0..10 {
            lanes.wake(lane_id, 1, at(0));
        }
        lanes.wake(100, 2, at(0));
        let taken = lanes.take_turns(at(0), 3);
        assert_eq!(taken.iter().filter(|lane_id| **lane_id == 100).count(), 1, "{taken:?}");
        for lane_id in taken {
            lanes.again(lane_id);
        }
        assert!(lanes.take_turns(at(0), 2).contains(&100));
    }

    #[test]
    fn a_lane_moves_at_the_earliest_time_it_was_woken_for() {
        let mut lanes = Lanes::default();
        lanes.wake(1, 1, at(50));
        lanes.wake(1, 1, at(20));
        lanes.wake(1, 1, at(90));
        assert_eq!(lanes.next_wake(at(0)), Some(at(20)));
        assert_eq!(lanes.take_turns(at(19), 10), Vec::<i64>::new());
        assert_eq!(lanes.take_turns(at(20), 10), [1]);
        lanes.idle(1);
        assert_eq!(lanes.next_wake(at(99)), None);
    }

    #[test]
    fn a_starved_lane_wakes_once_when_any_of_its_providers_has_a_slot() {
        let mut lanes = Lanes::default();
        lanes.wake(1, 1, at(0));
        assert_eq!(lanes.take_turns(at(0), 10), [1]);
        lanes.park_for_slot(1, vec![7, 8], None);
        lanes.wake(1, 1, at(0));
        assert_eq!(
            lanes.take_turns(at(0), 10),
            Vec::<i64>::new(),
            "more work gives no slot"
        );
        lanes.slot_freed(8);
        lanes.slot_freed(7);
        assert_eq!(lanes.take_turns(at(0), 10), [1]);
        assert_eq!(lanes.take_turns(at(0), 10), Vec::<i64>::new());
    }

    #[test]
    fn a_lane_that_is_starved_in_part_moves_for_more_work_and_at_its_time() {
        let mut lanes = Lanes::default();
        lanes.wake(1, 1, at(0));
        assert_eq!(lanes.take_turns(at(0), 10), [1]);
        lanes.park_for_slot(1, vec![7], Some(at(50)));
        lanes.wake(1, 1, at(20));
        assert_eq!(lanes.take_turns(at(19), 10), Vec::<i64>::new());
        assert_eq!(lanes.take_turns(at(20), 10), [1]);
        lanes.park_for_slot(1, vec![7], Some(at(50)));
        assert_eq!(lanes.take_turns(at(50), 10), [1]);
        lanes.due_at(1, at(90));
        lanes.slot_freed(7);
        assert_eq!(
            lanes.take_turns(at(89), 10),
            Vec::<i64>::new(),
            "it waits for no slot any more"
        );
    }

    #[test]
    fn what_is_to_be_decided_wakes_a_closed_lane() {
        let mut lanes = Lanes::default();
        lanes.wake(1, 1, at(0));
        lanes.wake(2, 2, at(0));
        assert_eq!(lanes.take_turns(at(0), 10), [1, 2]);
        lanes.closed_until(1, at(60));
        lanes.closed_until(2, at(60));
        lanes.recheck(1, at(5));
        assert_eq!(lanes.take_turns(at(5), 10), [1]);
        lanes.closed_until(1, at(60));
        lanes.wake_team(2, at(6));
        assert_eq!(lanes.take_turns(at(6), 10), [2]);
    }

    #[test]
    fn a_provider_wakes_the_lanes_that_it_serves_and_no_others() {
        let mut lanes = Lanes::default();
        for lane_id in 1..=3 {
            lanes.wake(lane_id, 1, at(0));
        }
        assert_eq!(lanes.take_turns(at(0), 10), [1, 2, 3]);
        lanes.serve(1, vec![7]);
        lanes.serve(2, vec![7, 8]);
        lanes.serve(3, vec![8]);
        for lane_id in 1..=3 {
            lanes.closed_until(lane_id, at(60));
        }
        lanes.wake_served(7, at(5));
        assert_eq!(lanes.take_turns(at(5), 10), [1, 2]);
        lanes.serve(2, vec![8]);
        lanes.idle(1);
        lanes.closed_until(2, at(60));
        lanes.wake_served(7, at(6));
        assert_eq!(lanes.take_turns(at(6), 10), Vec::<i64>::new());
    }

    #[test]
    fn more_work_does_not_wake_a_closed_lane() {
        let mut lanes = Lanes::default();
        lanes.wake(1, 1, at(0));
        assert_eq!(lanes.take_turns(at(0), 10), [1]);
        lanes.closed_until(1, at(60));
        lanes.wake(1, 1, at(0));
        assert_eq!(lanes.take_turns(at(59), 10), Vec::<i64>::new());
        assert_eq!(lanes.take_turns(at(60), 10), [1]);
    }

    #[test]
    fn a_changed_configuration_wakes_every_waiting_lane() {
        let mut lanes = Lanes::default();
        lanes.wake(1, 1, at(1_000));
        lanes.wake(2, 2, at(0));
        assert_eq!(lanes.take_turns(at(0), 10), [2]);
        lanes.park_for_slot(2, vec![7], None);
        lanes.wake_all(at(5));
        let mut taken = lanes.take_turns(at(5), 10);
        taken.sort_unstable();
        assert_eq!(taken, [1, 2]);
    }
}
