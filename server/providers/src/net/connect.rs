//! From a host to an open TCP connection.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use sendmux_rules::IoFault;
use tokio::net::TcpStream;
use tokio::time;

use super::{Host, is_public};

/// Time for which one address is tried before the next is tried beside it: the "connection attempt delay" of RFC 8305
/// section 5.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Reason that a host could not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetError {
    /// The network said no.
    Io {
        /// Kind of fault.
        fault: IoFault,
        /// The errors of the addresses that were tried.
        detail: String,
    },
    /// The host has only internal addresses, and those are not allowed. They are not told: whoever names the host is not
    /// to learn the addresses of the network inside.
    Internal,
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { detail, .. } => f.write_str(detail),
            Self::Internal => f.write_str(INTERNAL),
        }
    }
}

impl std::error::Error for NetError {}

/// Explanation of [`NetError::Internal`].
const INTERNAL: &str = "the host has only private or local addresses, which this installation does not allow";

/// The addresses of a host that may be connected to. Internal ones are left out unless `allow_internal`.
pub async fn resolve(host: &Host, port: u16, allow_internal: bool) -> Result<Vec<SocketAddr>, NetError> {
    let found = match host {
        Host::Ip(address) => vec![SocketAddr::new(*address, port)],
        Host::Name(name) => lookup(name, port).await?,
    };
    let allowed: Vec<_> = found
        .into_iter()
        .filter(|address| allow_internal || is_public(address.ip()))
        .collect();
    if allowed.is_empty() {
        return Err(NetError::Internal);
    }
    Ok(allowed)
}

/// Asks the system's resolver. The answer is never empty.
async fn lookup(name: &str, port: u16) -> Result<Vec<SocketAddr>, NetError> {
    let no_address = |fault, why: &dyn fmt::Display| NetError::Io {
        fault,
        detail: format!("{name} could not be resolved: {why}"),
    };
    let found: Vec<_> = tokio::net::lookup_host((name, port))
        .await
        .map_err(|error| no_address(lookup_fault(&error), &error))?
        .collect();
    if found.is_empty() {
        return Err(no_address(IoFault::NoSuchName, &"it has no addresses"));
    }
    Ok(found)
}

/// Tells "there is no such name" from "not now". std gives `getaddrinfo`'s result only as text: EAI_NONAME and
/// EAI_NODATA as glibc, musl, the BSDs and macOS put them.
fn lookup_fault(error: &io::Error) -> IoFault {
    const NO_SUCH_NAME: [&str; 5] = [
        "Name or service not known",
        "No address associated with",
        "Name does not resolve",
        "nodename nor servname provided",
        "no address associated with name",
    ];
    if is_local(error) {
        return IoFault::Local;
    }
    let text = error.to_string();
    if NO_SUCH_NAME.iter().any(|known| text.contains(known)) {
        IoFault::NoSuchName
    } else {
        IoFault::Dns
    }
}

/// Connects to the first address that answers, trying them in turn with IPv6 and IPv4 alternating and without waiting
/// for a slow one to fail (RFC 8305).
pub async fn connect(addresses: &[SocketAddr], within: Duration) -> Result<TcpStream, NetError> {
    match time::timeout(within, race(interleave(addresses))).await {
        Ok(result) => result,
        Err(_) => Err(NetError::Io {
            fault: IoFault::Timeout,
            detail: format!("{} did not answer in {} s", list(addresses), within.as_secs_f32()),
        }),
    }
}

async fn race(addresses: Vec<SocketAddr>) -> Result<TcpStream, NetError> {
    let mut waiting = addresses.into_iter();
    let mut trying = FuturesUnordered::new();
    let mut failed = Vec::new();
    loop {
        let more = match waiting.next() {
            Some(address) => {
                trying.push(async move { (address, TcpStream::connect(address).await) });
                true
            }
            None => false,
        };
        let delay = async {
            if more {
                time::sleep(ATTEMPT_DELAY).await;
            } else {
                futures::future::pending::<()>().await;
            }
        };
        tokio::select! {
            Some((address, result)) = trying.next() => match result {
                Ok(stream) => {
                    // Commands are small and answered one by one: waiting to fill a segment only costs time.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => {
                    failed.push((address, error));
                    if trying.is_empty() && waiting.len() == 0 {
                        return Err(all_failed(&failed));
                    }
                }
            },
            () = delay => {}
        }
    }
}

fn all_failed(failed: &[(SocketAddr, io::Error)]) -> NetError {
    let fault = failed
        .first()
        .map_or(IoFault::Refused, |(_, error)| match fault_of(error) {
            // Before a connection stands, whatever the system says (no route, refused, reset) is a refusal.
            IoFault::Reset => IoFault::Refused,
            fault => fault,
        });
    let detail: Vec<_> = failed
        .iter()
        .map(|(address, error)| format!("{address}: {error}"))
        .collect();
    NetError::Io {
        fault,
        detail: detail.join("; "),
    }
}

/// True for an error of this machine: too many open files (in the process or in all), no memory, no buffers, no port
/// left to connect from.
fn is_local(error: &io::Error) -> bool {
    // As Linux, macOS and the BSDs number them; ENOBUFS is 105 on Linux and 55 elsewhere.
    const ENOMEM: i32 = 12;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOBUFS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };
    matches!(
        error.kind(),
        io::ErrorKind::OutOfMemory | io::ErrorKind::AddrNotAvailable
    ) || matches!(error.raw_os_error(), Some(ENOMEM | ENFILE | EMFILE | ENOBUFS))
}

/// The fault that an I/O error of a connection is.
pub fn fault_of(error: &io::Error) -> IoFault {
    if is_local(error) {
        return IoFault::Local;
    }
    match error.kind() {
        io::ErrorKind::TimedOut => IoFault::Timeout,
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::PermissionDenied => IoFault::Refused,
        _ => IoFault::Reset,
    }
}

/// Alternates the address families, beginning with that of the first address (RFC 8305 section 4).
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (same, other): (Vec<_>, Vec<_>) = addresses.iter().partition(|a| a.is_ipv6() == first.is_ipv6());
    let mut other = other.into_iter();
    let mut mixed = Vec::with_capacity(addresses.len());
    for address in same {
        mixed.push(address);
        mixed.extend(other.next());
    }
    mixed.extend(other);
    mixed
}

fn list(addresses: &[SocketAddr]) -> String {
    let all: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_alternate() {
        let mixed = interleave(&addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]));
        assert_eq!(mixed, addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        let mixed = interleave(&addresses(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]));
        assert_eq!(mixed, addresses(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]));
    }

    #[tokio::test]
    async fn internal_addresses_are_refused_unless_allowed() {
        let host: Host = "127.0.0.1".parse().unwrap();
        let refused = resolve(&host, 25, false).await.unwrap_err();
        assert_eq!(refused, NetError::Internal);
        assert!(!refused.to_string().contains("127.0.0.1"), "{refused}");
        assert_eq!(resolve(&host, 25, true).await.unwrap(), addresses(&["127.0.0.1:25"]));
        let name: Host = "localhost".parse().unwrap();
        assert_eq!(resolve(&name, 25, false).await, Err(NetError::Internal));
    }

    #[tokio::test]
    async fn a_dead_address_does_not_keep_from_a_live_one() {
        let live = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let stream = connect(&[closed, live.local_addr().unwrap()], Duration::from_secs(10))
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live.local_addr().unwrap());

        let Err(NetError::Io { fault, detail }) = connect(&[closed], Duration::from_secs(10)).await else {
            panic!("connected to a closed port");
        };
        assert_eq!(fault, IoFault::Refused);
        assert!(detail.contains(&closed.to_string()), "{detail}");
    }

    #[test]
    fn missing_names_are_told_from_a_silent_resolver() {
        let error = |text: &str| io::Error::other(format!("failed to lookup address information: {text}"));
        assert_eq!(lookup_fault(&error("Name or service not known")), IoFault::NoSuchName);
        assert_eq!(
            lookup_fault(&error("Temporary failure in name resolution")),
            IoFault::Dns
        );
    }
}
