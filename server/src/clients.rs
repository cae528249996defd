//! Whose address a request of HTTP counts under, in the log, the audit log and every limit: decided here, once, before
//! anything else sees the request.

use axum::http::HeaderMap;
use sendmux_domain::{ClientAddress, TrustedProxies};
use sendmux_mime::reach::is_public;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

/// Tells clients of proxies apart.
#[derive(Debug, Default)]
pub struct Clients {
    proxies: TrustedProxies,
    /// Set once a warning said that a proxy is missing among them.
    hinted: AtomicBool,
}

impl Clients {
    /// Those behind these proxies are told apart.
    pub fn new(proxies: TrustedProxies) -> Self {
        Self {
            proxies,
            hinted: AtomicBool::new(false),
        }
    }

    /// The client of a request with these headers, over a connection from `peer`.
    pub fn of(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let lines = |name| headers.get_all(name).into_iter().map(|value| value.as_bytes());
        let client = self.proxies.client(peer, lines(X_FORWARDED_FOR), lines(FORWARDED));
        // The proxies of an installation are on this machine or on private networks.
        if !is_public(peer) && headers.contains_key(X_FORWARDED_FOR) && !self.proxies.contains(peer) {
            self.hint(peer);
        }
        ClientAddress(client)
    }

    /// True if connections from this address are a proxy's, of many clients.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxies.contains(peer)
    }

    /// Once only: what a program on the same network writes must not fill the log.
    fn hint(&self, peer: IpAddr) {
        if !self.hinted.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "a request through a proxy that is not in trusted_proxies (SENDMUX_TRUSTED_PROXIES): if it is the reverse \
                 proxy of this installation, add it, or all clients count as one"
            );
        }
    }
}
