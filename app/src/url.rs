//! Text in addresses.

/// Percent-encodes text for the value of a query (RFC 3986 section 3.4). The same on server and client, so that hydration
/// finds the addresses that were rendered.
pub fn query_value(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::query_value;

    #[test]
    fn what_means_something_in_a_query_is_encoded() {
        assert_eq!(query_value("/messages?q=a&b=c"), "/messages%3Fq%3Da%26b%3Dc");
        assert_eq!(query_value("eml_1 é+#"), "eml_1%20%C3%A9%2B%23");
    }
}
