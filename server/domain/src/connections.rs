//! Limits on the open connections of a service, in total and from one address.

use crate::proxies::client_network;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Slots for connections. Clones share them.
#[derive(Clone, Debug)]
pub struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    most_per_client: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// Slot of one connection, free again when dropped.
#[derive(Debug)]
pub struct Slot {
    shared: Arc<Shared>,
    client: Option<IpAddr>,
}

impl Slots {
    /// Slots for so many connections in total and from one address.
    pub fn new(most: usize, most_per_client: usize) -> Self {
        Self(Arc::new(Shared {
            most,
            most_per_client,
            open: Mutex::default(),
        }))
    }

    /// A slot for a connection whose client is not known yet; `None` when all are taken.
    pub fn take(&self) -> Option<Slot> {
        let mut open = self.0.open.lock();
        if open.all >= self.0.most {
            return None;
        }
        open.all += 1;
        Some(Slot {
            shared: self.0.clone(),
            client: None,
        })
    }
}

impl Slot {
    /// The same slot for a client at this address; `None` when it has too many.
    pub fn of(mut self, address: IpAddr) -> Option<Self> {
        let client = client_network(address);
        let most = self.shared.most_per_client;
        let mut open = self.shared.open.lock();
        let count = open.by_client.get(&client).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        open.by_client.insert(client, count + 1);
        drop(open);
        self.client = Some(client);
        Some(self)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.shared.open.lock();
        open.all = open.all.saturating_sub(1);
        let Some(client) = self.client else { return };
        if let Some(count) = open.by_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                open.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_come_back() {
        let slots = Slots::new(3, 2);
        let take = |text: &str| slots.take()?.of(text.parse().unwrap());
        let first = take("192.0.2.1").unwrap();
        let _second = take("::ffff:192.0.2.1").unwrap();
        assert!(take("192.0.2.1").is_none(), "two from one address");
        let third = take("2001:db8::1").unwrap();
        assert!(slots.take().is_none(), "three in all");
        drop(first);
        let fourth = take("2001:db8::2").unwrap();
        assert!(take("192.0.2.9").is_none());
        drop((third, fourth));
        let nobodys = slots.take().unwrap();
        let fifth = take("192.0.2.1").unwrap();
        assert!(slots.take().is_none(), "one that is nobody's counts too");
        drop((nobodys, fifth));
        let open = slots.0.open.lock();
        assert_eq!(
            (open.all, open.by_client.len()),
            (1, 1),
            "quiet addresses are forgotten"
        );
    }
}
