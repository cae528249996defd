//! The content of a message as it goes over the wire: dots doubled, the final dot at the end (RFC 5321 section 4.5.2).
//!
//! Not lettre's codec, which encodes a copy of the whole body and always ends with `CRLF . CRLF`, so that a message
//! that ends with CRLF, as every well-formed one does, arrives with an empty line more.

/// About how many bytes are written at once; a piece is at most twice as long.
pub(super) const CHUNK: usize = 64 * 1024;

/// Encodes a message piece by piece.
///
/// Input is expected with CRLF line ends and is then sent byte for byte. A bare CR or LF goes out as CRLF: servers
/// disagree about them, and what one takes for text another may take for the end of the message (SMTP smuggling).
#[derive(Debug)]
pub(super) struct DotStuffing<'a> {
    rest: &'a [u8],
    at_line_start: bool,
    finished: bool,
}

impl<'a> DotStuffing<'a> {
    pub fn new(content: &'a [u8]) -> Self {
        Self {
            rest: content,
            at_line_start: true,
            finished: false,
        }
    }

    /// Replaces what is in `out` by the next piece. Returns whether it is the last: it ends with the final dot.
    pub fn next_piece(&mut self, out: &mut Vec<u8>) -> bool {
        out.clear();
        while out.len() < CHUNK && !self.rest.is_empty() {
            let run = self.next_run();
            self.put(run, out);
        }
        if self.rest.is_empty() && !self.finished {
            if !self.at_line_start {
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b".\r\n");
            self.finished = true;
        }
        self.finished
    }

    /// Takes a line, or as much of a long one as fits a piece, never parting CR from LF.
    fn next_run(&mut self) -> &'a [u8] {
        let window = &self.rest[..self.rest.len().min(CHUNK)];
        let end = match memchr::memchr(b'\n', window) {
            Some(lf) => lf + 1,
            None if window.len() > 1 && window.len() < self.rest.len() && window.ends_with(b"\r") => window.len() - 1,
            None => window.len(),
        };
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }

    fn put(&mut self, run: &[u8], out: &mut Vec<u8>) {
        let (text, ended) = match run {
            [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => (text, true),
            text => (text, false),
        };
        let mut lines = text.split(|byte| *byte == b'\r');
        if memchr::memchr(b'\r', text).is_none() {
            self.put_text(text, out);
        } else if let Some(first) = lines.next() {
            self.put_text(first, out);
            for line in lines {
                self.end_line(out);
                self.put_text(line, out);
            }
        }
        if ended {
            self.end_line(out);
        }
    }

    fn put_text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        if self.at_line_start && text.starts_with(b".") {
            out.push(b'.');
        }
        self.at_line_start = self.at_line_start && text.is_empty();
        out.extend_from_slice(text);
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        self.at_line_start = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(content: &[u8]) -> Vec<u8> {
        let mut stuffing = DotStuffing::new(content);
        let (mut whole, mut piece) = (Vec::new(), Vec::new());
        loop {
            let last = stuffing.next_piece(&mut piece);
            assert!(piece.len() <= 2 * CHUNK + 8);
            whole.extend_from_slice(&piece);
            if last {
                return whole;
            }
        }
    }

    /// Content as a server reads it: up to the first CRLF . CRLF, with doubled dots removed.
    fn decode(wire: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        let mut rest = wire;
        loop {
            let lf = memchr::memmem::find(rest, b"\r\n").unwrap();
            let (line, after) = rest.split_at(lf + 2);
            if line == b".\r\n" {
                assert!(after.is_empty(), "text after the final dot");
                return content;
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            rest = after;
        }
    }

    #[test]
    fn exact_bytes() {
        for (content, wire) in [
            (&b""[..], &b".\r\n"[..]),
            (b"a\r\n", b"a\r\n.\r\n"),
            (b"a", b"a\r\n.\r\n"),
            (b".", b"..\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"..\r\n.a\r\nb.\r\n", b"...\r\n..a\r\nb.\r\n.\r\n"),
            (b"a\r\n\r\n.\r\n", b"a\r\n\r\n..\r\n.\r\n"),
            (b"\r\n", b"\r\n.\r\n"),
            (b"caf\xe9 \x00\r\n", b"caf\xe9 \x00\r\n.\r\n"),
        ] {
            assert_eq!(encode(content), wire, "{:?}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn bare_line_ends_cannot_smuggle_an_end_of_data() {
        for (content, wire) in [
            (&b"a\n.\nb"[..], &b"a\r\n..\r\nb\r\n.\r\n"[..]),
            (b"a\r.\rb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\r\r\n.\r\n", b"a\r\n\r\n..\r\n.\r\n"),
            (b"a\r", b"a\r\n.\r\n"),
            (b"\r", b"\r\n.\r\n"),
        ] {
            assert_eq!(encode(content), wire, "{:?}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn pieces_part_neither_a_line_end_nor_a_line_start() {
        // Every way in which CRLF . CRLF can lie across the border of a piece.
        for around in CHUNK - 6..CHUNK + 6 {
            let mut content = vec![b'x'; around];
            content.extend_from_slice(b"\r\n.\r\n.y\r\n");
            assert_eq!(decode(&encode(&content)), content, "{around}");
        }
    }

    proptest! {
        #[test]
        fn normalised_content_arrives_as_it_is(lines in prop::collection::vec("[.a\u{e9} ]{0,6}", 0..40)) {
            let content: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            prop_assert_eq!(decode(&encode(content.as_bytes())), content.as_bytes());
        }

        #[test]
        fn any_bytes_arrive_as_one_message_with_crlf(content in prop::collection::vec(
            prop::sample::select(b".\r\na".to_vec()), 0..60))
        {
            let received = decode(&encode(&content));
            for (at, byte) in received.iter().enumerate() {
                match byte {
                    b'\n' => prop_assert_eq!(received[at - 1], b'\r'),
                    b'\r' => prop_assert_eq!(received[at + 1], b'\n'),
                    _ => {}
                }
            }
        }
    }
}
