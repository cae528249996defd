use super::*;
use proptest::prelude::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Loopback, a private network and one of IPv6.
fn proxies() -> TrustedProxies {
    TrustedProxies::parse("127.0.0.0/8, ::1, 10.0.0.0/8, 2001:db8:1::/48").unwrap()
}

fn of(peer: &str, x_forwarded_for: &[&[u8]], forwarded: &[&[u8]]) -> String {
    let client = proxies().client(ip(peer), x_forwarded_for.iter().copied(), forwarded.iter().copied());
    client.to_string()
}

#[test]
fn networks_are_read_and_told() {
    for (text, told) in [
        ("", ""),
        (" , ", ""),
        ("10.1.2.3/16", "10.1.0.0/16"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("2001:db8::1 , 10.0.0.0/8", "2001:db8::1/128,10.0.0.0/8"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ("fd00::/8", "fd00::/8"),
    ] {
        assert_eq!(TrustedProxies::parse(text).unwrap().to_string(), told, "{text}");
    }
    assert_eq!(
        TrustedProxies::loopback(),
        TrustedProxies::parse("127.0.0.0/8,::1").unwrap()
    );
    for (text, wrong) in [
        ("10.0.0.0/33", "10.1.0.0/16"),
        ("10.0.0/8", "10.1.0.0/16"),
        ("proxy.example.com", "`proxy.example.com`"),
        ("10.0.0.0/8 fd00::/8", "10.1.0.0/16"),
        ("::1/129", "10.1.0.0/16"),
        ("0.0.0.0/0", "every address"),
        ("::1,::/0", "`::/0` is every address"),
    ] {
        let error = TrustedProxies::parse(text).unwrap_err();
        assert!(error.contains(wrong), "{text}: {error}");
    }
}

#[test]
fn addresses_are_compared_whichever_way_they_are_written() {
    for (address, trusted) in [
        ("127.0.0.1", true),
        ("127.255.255.255", true),
        ("128.0.0.0", false),
        ("::ffff:127.0.0.1", true),
        ("::1", true),
        ("::2", false),
        ("10.255.0.1", true),
        ("11.0.0.1", false),
        ("2001:db8:1:ffff::1", true),
        ("2001:db8:2::1", false),
    ] {
        assert_eq!(proxies().contains(ip(address)), trusted, "{address}");
    }
    assert!(!TrustedProxies::default().contains(ip("127.0.0.1")));
}

#[test]
fn the_client_is_the_rightmost_that_is_no_trusted_proxy() {
    for (peer, lines, client) in [
        // A direct connection, whose own claims are ignored.
        ("203.0.113.7", &[][..], "203.0.113.7"),
        ("203.0.113.7", &["192.0.2.1"][..], "203.0.113.7"),
        ("::ffff:203.0.113.7", &["192.0.2.1"], "203.0.113.7"),
        // Through one proxy.
        ("127.0.0.1", &[], "127.0.0.1"),
        ("127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
        ("::1", &["2001:db8::7"], "2001:db8::7"),
        ("::ffff:127.0.0.1", &["::ffff:203.0.113.7"], "203.0.113.7"),
        // Through several, on one line or more.
        ("127.0.0.1", &["203.0.113.7, 10.0.0.1,10.0.0.2"], "203.0.113.7"),
        (
            "127.0.0.1",
            &["203.0.113.7", "10.0.0.1", "2001:db8:1::9"],
            "203.0.113.7",
        ),
        // Entries written by the client.
        ("127.0.0.1", &["192.0.2.1, 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", &["192.0.2.1", "203.0.113.7, 10.0.0.1"], "203.0.113.7"),
        ("127.0.0.1", &["10.0.0.9, 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", &["\", 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", &["nonsense,,, 203.0.113.7"], "203.0.113.7"),
        // A client within the trusted networks.
        ("127.0.0.1", &["10.0.0.5"], "10.0.0.5"),
        ("127.0.0.1", &["10.0.0.5, 10.0.0.1"], "10.0.0.5"),
        // Ports and brackets, as some balancers write them.
        ("127.0.0.1", &["203.0.113.7:4711"], "203.0.113.7"),
        ("127.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
        ("127.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
        // Empty entries are skipped.
        ("127.0.0.1", &["203.0.113.7 ,"], "203.0.113.7"),
        ("127.0.0.1", &["203.0.113.7", ""], "203.0.113.7"),
        ("127.0.0.1", &["", " , "], "127.0.0.1"),
        // Where a proxy gave no address, it is the proxy.
        ("127.0.0.1", &["192.0.2.1, unknown"], "127.0.0.1"),
        ("127.0.0.1", &["192.0.2.1, unix:, 10.0.0.1"], "10.0.0.1"),
        ("127.0.0.1", &["203.0.113.7:99999"], "127.0.0.1"),
        ("127.0.0.1", &["203.0.113.7:"], "127.0.0.1"),
        ("127.0.0.1", &["[203.0.113.7]"], "127.0.0.1"),
        ("127.0.0.1", &["203.0.113.7 192.0.2.1"], "127.0.0.1"),
        ("127.0.0.1", &["203.0.113.007"], "127.0.0.1"),
    ] {
        let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        assert_eq!(of(peer, &bytes, &[]), client, "{peer} {lines:?}");
    }
    assert_eq!(of("127.0.0.1", &[b"\xff\xfe, 203.0.113.7"], &[]), "203.0.113.7");
    assert_eq!(of("127.0.0.1", &[b"203.0.113.7, \xff"], &[]), "127.0.0.1");
}

#[test]
fn forwarded_is_read_as_its_standard_says() {
    for (lines, client) in [
        (&["for=203.0.113.7"][..], "203.0.113.7"),
        (&["For=\"203.0.113.7:4711\""], "203.0.113.7"),
        (&["for=\"[2001:db8::7]\""], "2001:db8::7"),
        (&["for=\"[2001:db8::7]:4711\";proto=https"], "2001:db8::7"),
        (&["by=10.0.0.1; proto=https; FOR=203.0.113.7 ;"], "203.0.113.7"),
        (&["for=203.0.113.7, for=10.0.0.1;by=10.0.0.2"], "203.0.113.7"),
        (&["for=203.0.113.7", "for=10.0.0.1"], "203.0.113.7"),
        (&["host=\"a,b;for=192.0.2.1\";for=203.0.113.7"], "203.0.113.7"),
        (&["for=192.0.2.1, for=203.0.113.7;host=\"a\\\",b\""], "203.0.113.7"),
        // Entries that the client wrote to swallow later ones.
        (&["for=\"192.0.2.1, for=203.0.113.7"], "203.0.113.7"),
        (&["for=\"192.0.2.1", "for=203.0.113.7"], "203.0.113.7"),
        (&["host=\"\\, for=\"[2001:db8::7]\""], "2001:db8::7"),
        (&["\"\\\\\\, for=\"[2001:db8::7]:1\";host=\"x,y\""], "2001:db8::7"),
        // Where a proxy gave no address, or not in the standard's form.
        (&["for=192.0.2.1, for=unknown"], "127.0.0.1"),
        (&["for=192.0.2.1, for=_hidden, for=10.0.0.1"], "10.0.0.1"),
        (&["for=192.0.2.1, proto=https"], "127.0.0.1"),
        (&["for=192.0.2.1;for=203.0.113.7"], "127.0.0.1"),
        (&["for=192.0.2.1, for"], "127.0.0.1"),
        (&["for=192.0.2.1, for=\"203.0.113.7"], "127.0.0.1"),
        (&["203.0.113.7"], "127.0.0.1"),
    ] {
        let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        assert_eq!(of("127.0.0.1", &[], &bytes), client, "{lines:?}");
        assert_eq!(of("198.51.100.1", &[], &bytes), "198.51.100.1", "{lines:?}");
    }
}

#[test]
fn a_client_behind_a_proxy_that_writes_the_one_header_is_not_heard_in_the_other() {
    let claims: [&[u8]; 1] = [b"for=192.0.2.1"];
    assert_eq!(of("127.0.0.1", &[b"203.0.113.7"], &claims), "203.0.113.7");
    assert_eq!(of("127.0.0.1", &[b"unknown"], &claims), "127.0.0.1");
}

proptest! {
    /// Any text to the left of the proxy's entry, on the same line or lines before it.
    #[test]
    fn what_a_client_writes_never_counts(
        junk in proptest::collection::vec(any::<u8>(), 0..60),
        looks in r#"[",;\\=a-f0-9:.\[\] for]{0,60}"#,
        same_line: bool,
        hops in 0usize..4,
    ) {
        let own = [b"203.0.113.7".to_vec(), b"for=\"203.0.113.7:80\";host=\"a,\\\"b\"".to_vec()];
        let hop = [b"10.0.0.1".to_vec(), b"by=_x;for=10.0.0.1".to_vec()];
        for left in [junk, looks.into_bytes()] {
            let lines = [0, 1].map(|kind| {
                let mut written: Vec<Vec<u8>> = vec![own[kind].clone()];
                written.extend(std::iter::repeat_n(hop[kind].clone(), hops));
                let written = written.join(&b", "[..]);
                if same_line {
                    vec![[&left[..], b", ", &written].concat()]
                } else {
                    vec![left.clone(), written]
                }
            });
            let lines = lines.each_ref().map(|lines| lines.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(of("127.0.0.1", &lines[0], &[]), "203.0.113.7");
            prop_assert_eq!(of("127.0.0.1", &[], &lines[1]), "203.0.113.7");
        }
    }

    /// Nothing is taken from a proxy that is not trusted.
    #[test]
    fn a_peer_that_is_not_trusted_is_the_client(peer: u32, line in proptest::collection::vec(any::<u8>(), 0..60)) {
        let peer = IpAddr::from(Ipv4Addr::from_bits(peer));
        prop_assume!(!proxies().contains(peer));
        let client = proxies().client(peer, [&line[..]].into_iter(), [&line[..]].into_iter());
        prop_assert_eq!(client, peer);
    }

    /// An address is in a network exactly when its first bits are the network's.
    #[test]
    fn a_network_is_its_first_bits(address: u128, other: u128, prefix in 1u8..=128) {
        let network = TrustedProxies::parse(&format!("{}/{prefix}", Ipv6Addr::from_bits(address))).unwrap();
        let other = Ipv6Addr::from_bits(other);
        prop_assume!(other.to_ipv4_mapped().is_none() && Ipv6Addr::from_bits(address).to_ipv4_mapped().is_none());
        let same = (address ^ other.to_bits()).leading_zeros() >= u32::from(prefix);
        prop_assert_eq!(network.contains(other.into()), same);
        let near = Ipv6Addr::from_bits(address ^ (1 << (128 - prefix)));
        prop_assert!(!network.contains(near.into()));
        prop_assert!(network.contains(Ipv6Addr::from_bits(address).into()));
    }
}
