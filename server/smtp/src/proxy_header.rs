//! The header with which a proxy names the client of a connection: the PROXY protocol, versions 1 and 2 (section
//! numbers are those of proxy-protocol.txt, which comes with HAProxy).
//!
//! Exactly the header is read: the octets after it are the client's. The caller sets the time limit.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Beginning of a header of version 2 (section 2.2). Every header of version 1 is longer.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Octets of the longest header of version 1, its CRLF included (section 2.1).
const MAX_V1: usize = 107;
/// Most octets after the fixed part of a header of version 2. The longest addresses have 216; some balancers add
/// kilobytes about the client's certificate.
const MAX_V2: usize = 4_096;

/// Reason why a connection has no header.
#[derive(Debug)]
pub(crate) enum NoHeader {
    /// It ended before it sent anything, like a health check.
    Gone,
    /// It failed.
    Broken(io::Error),
    /// It began with something else.
    Wrong(&'static str),
}

impl fmt::Display for NoHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("closed before it"),
            Self::Broken(error) => error.fmt(f),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

impl From<io::Error> for NoHeader {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// Reads the header. `None` for a connection of the proxy itself (a health check), or of a client without an address.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, NoHeader> {
    let mut start = [0; SIGNATURE.len()];
    let first = stream.read(&mut start).await?;
    if first == 0 {
        return Err(NoHeader::Gone);
    }
    stream.read_exact(&mut start[first..]).await?;
    if start == SIGNATURE {
        read_v2(stream).await
    } else if start.starts_with(b"PROXY ") {
        read_v1(stream, &start).await
    } else {
        Err(NoHeader::Wrong("something else"))
    }
}

/// Reads a header of version 1, octet by octet, since the end of the line is not known.
async fn read_v1(stream: &mut (impl AsyncRead + Unpin), start: &[u8]) -> Result<Option<SocketAddr>, NoHeader> {
    let mut line = Vec::with_capacity(MAX_V1);
    line.extend_from_slice(start);
    while !line.ends_with(b"\r\n") {
        if line.len() == MAX_V1 {
            return Err(NoHeader::Wrong("a line without an end"));
        }
        line.push(stream.read_u8().await?);
    }
    let wrong = NoHeader::Wrong("a line that does not say an address");
    let text = std::str::from_utf8(&line[..line.len() - 2]).map_err(|_| NoHeader::Wrong("a line that is no text"))?;
    let words: Vec<&str> = text.split(' ').collect();
    let address = match words[..] {
        ["PROXY", "UNKNOWN", ..] => return Ok(None),
        ["PROXY", "TCP4", from, to, port, to_port] => {
            let both = from.parse::<Ipv4Addr>().ok().zip(to.parse::<Ipv4Addr>().ok());
            both.and_then(|(from, _)| endpoint(from.into(), port, to_port))
        }
        ["PROXY", "TCP6", from, to, port, to_port] => {
            let both = from.parse::<Ipv6Addr>().ok().zip(to.parse::<Ipv6Addr>().ok());
            both.and_then(|(from, _)| endpoint(from.into(), port, to_port))
        }
        _ => None,
    };
    address.map(Some).ok_or(wrong)
}

fn endpoint(from: IpAddr, port: &str, to_port: &str) -> Option<SocketAddr> {
    // Digits only: the standard library also parses a sign.
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    number(to_port)?;
    Some(SocketAddr::new(from, number(port)?))
}

async fn read_v2(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, NoHeader> {
    let (command, family) = (stream.read_u8().await?, stream.read_u8().await?);
    let len = usize::from(stream.read_u16().await?);
    if len > MAX_V2 {
        return Err(NoHeader::Wrong("a header that is too long"));
    }
    let mut rest = vec![0; len];
    stream.read_exact(&mut rest).await?;
    let mut rest = &rest[..];
    match (command, family) {
        // LOCAL: the proxy's own connection, whatever else the header contains.
        (0x20, _) => Ok(None),
        // PROXY of an unspecified address, or of a UNIX socket.
        (0x21, 0x00 | 0x31) => Ok(None),
        (0x21, 0x11) => addresses::<4>(&mut rest).map(Some),
        (0x21, 0x21) => addresses::<16>(&mut rest).map(Some),
        // Section 2.2: drop unassigned values.
        (0x21, _) => Err(NoHeader::Wrong("a connection that is not of TCP")),
        _ => Err(NoHeader::Wrong("an unknown version or command")),
    }
}

/// Parses source, destination, source port and destination port; the values after them (TLVs) are ignored.
fn addresses<const N: usize>(rest: &mut &[u8]) -> Result<SocketAddr, NoHeader>
where
    IpAddr: From<[u8; N]>,
{
    let short = NoHeader::Wrong("a header that is too short");
    let (Some((from, rest)), true) = (rest.split_first_chunk::<N>(), rest.len() >= 2 * N + 4) else {
        return Err(short);
    };
    let Some(port) = rest[N..].first_chunk::<2>() else {
        return Err(short);
    };
    Ok(SocketAddr::new(IpAddr::from(*from), u16::from_be_bytes(*port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The parsed header, and the octets left for the client.
    fn header(octets: &[u8]) -> (Result<Option<String>, NoHeader>, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut stream = octets;
        let said = runtime.block_on(read(&mut stream));
        (
            said.map(|address| address.map(|address| address.to_string())),
            stream.to_vec(),
        )
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &len, rest].concat()
    }

    const V4: &[u8] = &[203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x67, 0x02, 0x4b];

    fn v6() -> Vec<u8> {
        let mut rest = "2001:db8::7".parse::<Ipv6Addr>().unwrap().octets().to_vec();
        rest.extend("2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
        rest.extend([0x12, 0x67, 0x02, 0x4b]);
        rest
    }

    #[test]
    fn headers_say_whose_a_connection_is() {
        let (four, six) = (Some("203.0.113.7:4711"), Some("[2001:db8::7]:4711"));
        let with_tlvs = [V4, &[0x04, 0, 1, 0, 0x20, 0, 2, 1, 2]].concat();
        for (octets, said) in [
            (b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 587\r\n".to_vec(), four),
            (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 587\r\n".to_vec(), six),
            (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n".to_vec(), Some("1.1.1.1:1")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (
                b"PROXY UNKNOWN ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:ffff 65535 65535\r\n".to_vec(),
                None,
            ),
            (v2(0x21, 0x11, V4), four),
            (v2(0x21, 0x21, &v6()), six),
            (v2(0x21, 0x11, &with_tlvs), four),
            (v2(0x21, 0x00, b""), None),
            (v2(0x21, 0x31, &[b'/'; 216]), None),
            (v2(0x20, 0x00, b""), None),
            (v2(0x20, 0x11, V4), None),
            (v2(0x20, 0xff, &[0; MAX_V2]), None),
        ] {
            for behind in [&b""[..], b"EHLO a\r\n"] {
                let (header, left) = header(&[&octets[..], behind].concat());
                assert_eq!(header.unwrap().as_deref(), said, "{octets:?}");
                assert_eq!(left, behind, "{octets:?}");
            }
        }
    }

    #[test]
    fn what_is_no_header_says_nothing() {
        let long = [&b"PROXY UNKNOWN "[..], &[b'x'; 100]].concat();
        for octets in [
            b"EHLO client.example\r\n".to_vec(),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00".to_vec(),
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4711\r\n".to_vec(),
            b"PROXY TCP4  203.0.113.7 10.0.0.1 4711 587\r\n".to_vec(),
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 587 \r\n".to_vec(),
            b"PROXY TCP4 203.0.113.7 10.0.0.1 70000 587\r\n".to_vec(),
            b"PROXY TCP4 203.0.113.7 10.0.0.1 +1 587\r\n".to_vec(),
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 \r\n".to_vec(),
            b"PROXY TCP4 2001:db8::7 2001:db8::1 4711 587\r\n".to_vec(),
            b"PROXY TCP6 203.0.113.7 10.0.0.1 4711 587\r\n".to_vec(),
            b"PROXY TCP6 2001:db8::7 nonsense 4711 587\r\n".to_vec(),
            b"PROXY UDP4 203.0.113.7 10.0.0.1 4711 587\r\n".to_vec(),
            b"PROXY TCP4 203.0.113.7\xff 10.0.0.1 4711 587\r\n".to_vec(),
            long,
            v2(0x21, 0x11, &V4[..11]),
            v2(0x21, 0x21, V4),
            v2(0x21, 0x12, V4),
            v2(0x21, 0x41, V4),
            v2(0x22, 0x11, V4),
            v2(0x11, 0x11, V4),
            v2(0x21, 0x00, &[0; MAX_V2 + 1]),
        ] {
            let (said, _) = header(&octets);
            assert!(matches!(said, Err(NoHeader::Wrong(_))), "{octets:?}: {said:?}");
        }
        assert!(matches!(header(b"").0, Err(NoHeader::Gone)));
        for broken in [
            &b"PROXY TCP4 203.0.113.7"[..],
            b"PROX",
            &SIGNATURE,
            &v2(0x21, 0x11, V4)[..20],
        ] {
            assert!(matches!(header(broken).0, Err(NoHeader::Broken(_))), "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_read_that_the_header_does_not_say(
            octets in proptest::collection::vec(any::<u8>(), 0..300),
            kind in 0usize..3,
        ) {
            let octets = [&[][..], b"PROXY ", &SIGNATURE][kind].iter().copied().chain(octets).collect::<Vec<_>>();
            let (said, left) = header(&octets);
            prop_assert!(octets.ends_with(&left));
            if said.is_ok() {
                let read = octets.len() - left.len();
                prop_assert!(octets[..read].starts_with(&SIGNATURE) || octets[..read].ends_with(b"\r\n"));
            }
        }

        #[test]
        fn every_address_arrives(address: u128, to: u128, port: u16, to_port: u16) {
            let (from, to) = (Ipv6Addr::from_bits(address), Ipv6Addr::from_bits(to));
            let said = SocketAddr::new(from.into(), port).to_string();
            let line = format!("PROXY TCP6 {from} {to} {port} {to_port}\r\n");
            prop_assert!(line.len() <= MAX_V1);
            prop_assert_eq!(header(line.as_bytes()).0.unwrap(), Some(said.clone()));
            let rest = [&from.octets()[..], &to.octets(), &port.to_be_bytes(), &to_port.to_be_bytes()].concat();
            prop_assert_eq!(header(&v2(0x21, 0x21, &rest)).0.unwrap(), Some(said));
        }
    }
}
