//! Messages of lanes whose configuration has changed are made due, some at a turn, so that a million of them hold nobody
//! up; see [`sendmux_domain::queue::hasten`].

use crate::claim::Turn;
use parking_lot::Mutex;
use sendmux_domain::db::Transaction;
use sendmux_domain::queue::{self, Place};
use sendmux_domain::{Domain, Result, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// How far this node has come with each lane.
#[derive(Debug)]
pub(crate) struct Hastening {
    /// Messages of a lane that are looked at in one turn.
    per_turn: u64,
    /// By the mark that asked for it.
    places: Mutex<HashMap<i64, (Timestamp, Place)>>,
}

/// What was done for a lane in a transaction that is not committed yet.
#[derive(Debug)]
pub(crate) struct Hastened {
    lane_id: i64,
    mark: Timestamp,
    /// Where to go on; none when it is done.
    place: Option<Place>,
}

impl Hastened {
    /// Whether more of the lane is to be made due.
    pub(crate) const fn has_more(&self) -> bool {
        self.place.is_some()
    }
}

impl Hastening {
    pub(crate) fn new(per_turn: u64) -> Self {
        Self {
            per_turn,
            places: Mutex::default(),
        }
    }

    /// Makes some of the lane's messages due, if it is marked.
    pub(crate) async fn some(
        &self,
        tx: &Transaction,
        domain: &Domain,
        turn: &Turn,
        now: Timestamp,
    ) -> Result<Option<Hastened>> {
        let lane_id = turn.lane_id;
        let Some(mark) = turn.pool.marked_at() else {
            return Ok(None);
        };
        let known = self.places.lock().get(&lane_id).copied();
        // What was begun for an earlier change begins anew.
        let after = known.filter(|(of, _)| *of == mark).map(|(_, place)| place);
        let place = queue::hasten_some(tx, domain.db.backend(), lane_id, after, now, self.per_turn).await?;
        Ok(Some(Hastened { lane_id, mark, place }))
    }

    /// Notes what was committed.
    pub(crate) async fn committed(&self, domain: &Domain, hastened: Vec<Hastened>) -> Result<()> {
        let mut done = BTreeMap::new();
        for Hastened { lane_id, mark, place } in hastened {
            match place {
                Some(place) => {
                    self.places.lock().insert(lane_id, (mark, place));
                }
                None => {
                    self.places.lock().remove(&lane_id);
                    done.insert(lane_id, mark);
                }
            }
        }
        queue::hastened(&domain.db, &done).await?;
        // Their pools say that they are marked.
        for lane_id in done.keys() {
            domain.routes.forget(*lane_id);
        }
        Ok(())
    }
}
