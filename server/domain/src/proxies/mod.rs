//! Addresses of clients behind proxies, for HTTP and SMTP; decided here only.
//!
//! A proxy appends the address that it was connected from to `X-Forwarded-For` (or `Forwarded`, RFC 7239), and passes
//! on the rest. So only the right end of the list is reliable: it is read from the right as long as the writers are
//! trusted. Entries written by the client are further left and are never reached.

mod entries;
#[cfg(test)]
mod tests;

use ipnet::{IpNet, Ipv4Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Address of a request's client, in the extensions of the request. Its only source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The addresses that one client is likely to have, which limits count as one: an IPv4 address, or an IPv6 network of 64
/// bits (RFC 6177), named by its first address.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

/// Networks of proxies that are trusted to name the addresses of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// The machine itself.
    #[must_use]
    pub fn loopback() -> Self {
        Self(vec![
            IpNet::new_assert(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
            IpNet::new_assert(Ipv6Addr::LOCALHOST.into(), 128),
        ])
    }

    /// Parses networks separated by commas: `10.1.0.0/16`, `2001:db8::/32`, or single addresses. An empty text trusts
    /// nobody.
    ///
    /// # Errors
    /// The fault of the first invalid network, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }

    /// True if no proxy is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if this is the address of a trusted proxy.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Address of the client of a request over a connection from `peer`, with the lines of its `X-Forwarded-For` and
    /// `Forwarded` headers as received. `Forwarded` is used only without `X-Forwarded-For`, which all common proxies
    /// write: a client cannot add the other header behind them.
    ///
    /// It is the rightmost address that is not a trusted proxy, or the leftmost when all are. Where a trusted proxy did
    /// not give an address (`unknown`, RFC 7239 section 6.2), it is that proxy.
    pub fn client<'a, X, F>(&self, peer: IpAddr, x_forwarded_for: X, forwarded: F) -> IpAddr
    where
        X: DoubleEndedIterator<Item = &'a [u8]>,
        F: DoubleEndedIterator<Item = &'a [u8]>,
    {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let mut x_forwarded_for = x_forwarded_for.peekable();
        if x_forwarded_for.peek().is_some() {
            let addresses = x_forwarded_for.rev().flat_map(entries::from_the_right);
            self.last(peer, addresses.map(entries::address))
        } else {
            let elements = forwarded.rev().flat_map(entries::from_the_right_quoted);
            self.last(peer, elements.map(entries::forwarded_for))
        }
    }

    /// Follows the addresses from `peer` on as long as their writers are trusted.
    fn last(&self, peer: IpAddr, told: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for address in told {
            let Some(address) = address else { break };
            client = address;
            if !self.contains(client) {
                break;
            }
        }
        client
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{network}")?;
        }
        Ok(())
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let read = match text.parse::<IpAddr>() {
        Ok(address) => Ok(address.into()),
        Err(_) => text.parse::<IpNet>(),
    };
    let network =
        read.map_err(|_| format!("`{text}` is no network such as 10.1.0.0/16 or 2001:db8::/32, nor an address"))?;
    if network.prefix_len() == 0 {
        return Err(format!(
            "`{text}` is every address, so that clients could choose theirs: name the networks of the proxies"
        ));
    }
    Ok(canonical(network.trunc()))
}

/// A network in the form in which addresses are compared: one of IPv4 addresses written as IPv6 (`::ffff:10.0.0.0/104`)
/// becomes IPv4.
fn canonical(network: IpNet) -> IpNet {
    match (network.addr().to_canonical(), network.prefix_len().checked_sub(96)) {
        (IpAddr::V4(address), Some(prefix)) if network.addr().is_ipv6() => {
            Ipv4Net::new(address, prefix).map_or(network, IpNet::V4)
        }
        _ => network,
    }
}
