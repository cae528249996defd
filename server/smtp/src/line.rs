//! Finding the end of a command line: CRLF and nothing else.

/// Most octets of a line, its CRLF included: the length required by RFC 4954 section 4, since the longest lines are
/// those of a login.
pub(crate) const MAX_LINE: usize = 12_288;

/// The beginning of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Not yet a whole line.
    Incomplete,
    /// A line of this many octets, its CRLF included.
    Complete(usize),
    /// A CR or LF by itself. A client that takes it for the end of a line, or not, would see other commands than this
    /// server.
    Bare,
    /// A line longer than permitted.
    TooLong,
}

/// Looks for the first line. The result does not depend on how the input was cut: more octets only change `Incomplete`.
pub(crate) fn first(input: &[u8]) -> Line {
    let end = memchr::memchr2(b'\r', b'\n', input);
    if end.unwrap_or(input.len()) > MAX_LINE - 2 {
        return Line::TooLong;
    }
    let Some(end) = end else { return Line::Incomplete };
    match input[end..] {
        [b'\r'] => Line::Incomplete,
        [b'\r', b'\n', ..] => Line::Complete(end + 2),
        _ => Line::Bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_crlf_ends_a_line() {
        for (input, expected) in [
            (&b""[..], Line::Incomplete),
            (b"NOOP", Line::Incomplete),
            (b"NOOP\r", Line::Incomplete),
            (b"NOOP\r\n", Line::Complete(6)),
            (b"\r\n", Line::Complete(2)),
            (b"NOOP\r\nQUIT\r\n", Line::Complete(6)),
            (b"NOOP\n", Line::Bare),
            (b"NOOP\rQUIT\r\n", Line::Bare),
            (b"NOOP\r\r\n", Line::Bare),
            (b"\nNOOP\r\n", Line::Bare),
        ] {
            assert_eq!(first(input), expected, "{input:?}");
        }
    }

    #[test]
    fn the_longest_line_fits_and_one_more_octet_does_not() {
        let longest = |len: usize| [&vec![b'a'; len - 2][..], b"\r\n"].concat();
        assert_eq!(first(&longest(MAX_LINE)), Line::Complete(MAX_LINE));
        assert_eq!(first(&longest(MAX_LINE + 1)), Line::TooLong);
        assert_eq!(first(&vec![b'a'; MAX_LINE - 2]), Line::Incomplete);
        assert_eq!(first(&vec![b'a'; MAX_LINE - 1]), Line::TooLong);
    }

    proptest! {
        #[test]
        fn more_octets_change_no_decision(input in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a')], 0..20)) {
            let whole = first(&input);
            for end in 0..input.len() {
                let part = first(&input[..end]);
                prop_assert!(part == Line::Incomplete || part == whole);
            }
        }
    }
}
