//! A scanner for header sections that changes nothing: it says where each field begins and ends, in any bytes.

/// One field of a header section, its folded lines and its line break included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    /// The whole field as it stands in the message.
    pub(crate) raw: &'a [u8],
    colon: usize,
}

impl<'a> Field<'a> {
    /// The name, without the blanks that the obsolete syntax allows before the colon (RFC 5322 section 4.5).
    pub(crate) fn name(&self) -> &'a [u8] {
        self.raw[..self.colon].trim_ascii_end()
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name.as_bytes())
    }

    /// What follows the colon, folds and line break included.
    pub(crate) fn value(&self) -> &'a [u8] {
        &self.raw[self.colon + 1..]
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.value().trim_ascii().is_empty()
    }
}

/// Goes through the fields of a message or part. Lines end in LF, with or without CR. The section ends at an empty line,
/// at the first line that is no field, or with the input.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    raw: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(raw: &'a [u8]) -> Self {
        Self { raw, at: 0 }
    }

    /// What is left after the fields taken so far; after the last, the rest from the empty line on.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.raw[self.at..]
    }

    /// Goes to the end of the section and gives the body, the empty line left out.
    pub(crate) fn body(mut self) -> &'a [u8] {
        self.by_ref().for_each(drop);
        let rest = self.rest();
        rest.strip_prefix(b"\r\n")
            .or_else(|| rest.strip_prefix(b"\n"))
            .unwrap_or(rest)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let rest = self.rest();
        let mut end = line_len(rest);
        let colon = colon(&rest[..end])?;
        while rest.get(end).is_some_and(|&byte| byte == b' ' || byte == b'\t') {
            end += line_len(&rest[end..]);
        }
        self.at += end;
        Some(Field {
            raw: &rest[..end],
            colon,
        })
    }
}

/// Octets of the first line, its line break included.
pub(crate) fn line_len(text: &[u8]) -> usize {
    text.iter()
        .position(|&byte| byte == b'\n')
        .map_or(text.len(), |at| at + 1)
}

/// Where the colon of a field stands; `None` when the line does not begin with a field name (RFC 5322 section 2.2).
fn colon(line: &[u8]) -> Option<usize> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(raw: &[u8]) -> (Vec<String>, String) {
        let mut fields = Fields::new(raw);
        let names = fields
            .by_ref()
            .map(|field| String::from_utf8_lossy(field.name()).into_owned())
            .collect();
        (names, String::from_utf8_lossy(fields.body()).into_owned())
    }

    #[test]
    fn scans() {
        for (raw, expected, body) in [
            ("", &[][..], ""),
            ("body only", &[], "body only"),
            ("\r\nbody", &[], "body"),
            ("\n\nbody", &[], "\nbody"),
            ("A: 1\r\nB:2\r\n\r\nbody\r\n", &["A", "B"], "body\r\n"),
            ("A: 1\nB: 2\n\nbody", &["A", "B"], "body"),
            ("A: 1\r\n folded\r\n\tagain\r\nB: 2\r\n\r\n", &["A", "B"], ""),
            ("A : 1\r\nB\t:\r\n\r\n", &["A", "B"], ""),
            ("A: 1\r\n \r\nB: 2\r\n\r\nx", &["A", "B"], "x"),
            ("A: 1", &["A"], ""),
            (
                "A: 1\r\nnot a field\r\nB: 2\r\n\r\nx",
                &["A"],
                "not a field\r\nB: 2\r\n\r\nx",
            ),
            (
                "From me Mon Jan 1 10:00:00\r\nA: 1\r\n\r\n",
                &[],
                "From me Mon Jan 1 10:00:00\r\nA: 1\r\n\r\n",
            ),
            (" A: 1\r\n\r\n", &[], " A: 1\r\n\r\n"),
            (": 1\r\n\r\n", &[], ": 1\r\n\r\n"),
        ] {
            let (names, rest) = names(raw.as_bytes());
            assert_eq!(names, expected, "{raw:?}");
            assert_eq!(rest, body, "{raw:?}");
        }
    }
}
