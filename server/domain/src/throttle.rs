//! Slowing down addresses that keep presenting wrong keys.
//!
//! A token bucket for each address, stored as the time at which it will be full again (the generic cell rate
//! algorithm): a quiet address costs nothing. Keys have 190 bits, so this is not needed against guessing; it keeps a
//! client with a revoked key from being a load.

use crate::proxies::client_network;
use parking_lot::Mutex;
use sendmux_rules::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Failures that an address may have at once.
const BURST: u32 = 60;
/// Time after which it may have another one.
const INTERVAL: Duration = Duration::from_secs(1);
/// Most addresses that are remembered.
const MAX_ADDRESSES: usize = 10_000;

/// Addresses with recent failures.
#[derive(Debug, Default)]
pub struct Throttle {
    full_at: Mutex<HashMap<IpAddr, Timestamp>>,
}

impl Throttle {
    /// Charges an address for a failure.
    ///
    /// # Errors
    /// The time to wait, when it has failed too often.
    pub fn charge(&self, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let address = client_network(address);
        let mut full_at = self.full_at.lock();
        if !full_at.contains_key(&address) && full_at.len() >= MAX_ADDRESSES {
            full_at.retain(|_, at| *at > now);
            // Only reached by a flood from many networks: forgets the address that is nearest to being quiet.
            if full_at.len() >= MAX_ADDRESSES
                && let Some(quietest) = full_at.iter().min_by_key(|(_, at)| **at).map(|(address, _)| *address)
            {
                full_at.remove(&quietest);
            }
        }
        let at = full_at.entry(address).or_insert(now);
        // At most a whole burst ahead, in case the clock was ahead at the last charge.
        *at = (*at).min(now.plus(INTERVAL * BURST));
        let charged = (*at).max(now).plus(INTERVAL);
        let excess = charged.since(now.plus(INTERVAL * BURST));
        if excess > Duration::ZERO {
            return Err(excess);
        }
        *at = charged;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_burst_then_one_a_second() {
        let throttle = Throttle::default();
        let address = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..BURST {
            assert_eq!(throttle.charge(address, START), Ok(()));
        }
        assert_eq!(throttle.charge(address, START), Err(INTERVAL));
        assert_eq!(throttle.charge(IpAddr::from([192, 0, 2, 2]), START), Ok(()));
        let later = START.plus(INTERVAL);
        assert_eq!(throttle.charge(address, later), Ok(()));
        assert_eq!(throttle.charge(address, later), Err(INTERVAL));
        let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
        assert_eq!(throttle.charge(mapped, later), Err(INTERVAL));
        assert_eq!(throttle.charge(address, later.plus(INTERVAL * BURST)), Ok(()));
    }

    #[test]
    fn a_clock_that_was_ahead_binds_for_a_burst_at_most() {
        let throttle = Throttle::default();
        let address = IpAddr::from([192, 0, 2, 1]);
        let ahead = START.plus(INTERVAL * 86_400);
        for _ in 0..BURST {
            assert_eq!(throttle.charge(address, ahead), Ok(()));
        }
        assert_eq!(throttle.charge(address, START), Err(INTERVAL));
        assert_eq!(throttle.charge(address, START.plus(INTERVAL)), Ok(()));
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let throttle = Throttle::default();
        for host in 0..BURST {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host as u16);
            assert_eq!(throttle.charge(address.into(), START), Ok(()));
        }
        assert_eq!(
            throttle.charge("2001:db8::ffff:1".parse().unwrap(), START),
            Err(INTERVAL)
        );
        assert_eq!(throttle.charge("2001:db8:0:1::1".parse().unwrap(), START), Ok(()));
    }

    #[test]
    fn the_memory_is_bounded() {
        let throttle = Throttle::default();
        for address in 0..(MAX_ADDRESSES as u32 + 50) {
            assert_eq!(throttle.charge(Ipv4Addr::from_bits(address).into(), START), Ok(()));
        }
        assert_eq!(throttle.full_at.lock().len(), MAX_ADDRESSES);
        let later = START.plus(INTERVAL * 2);
        assert_eq!(throttle.charge(Ipv4Addr::from_bits(u32::MAX).into(), later), Ok(()));
        assert_eq!(throttle.full_at.lock().len(), 1);
    }
}
