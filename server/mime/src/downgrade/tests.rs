use proptest::prelude::*;

use super::*;
use crate::read;

fn downgraded(raw: &[u8]) -> String {
    let done = to_seven_bit(raw);
    assert_eq!(done.left, None, "{done:?}");
    let content = done.content.unwrap();
    assert!(content.is_ascii());
    String::from_utf8(content).unwrap()
}

#[test]
fn a_text_is_put_in_the_shorter_encoding_and_its_field_says_so() {
    for (raw, expected) in [
        (
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nSubject: x\r\n\r\nGrüße aus Köln = schön \r\n",
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nSubject: x\r\n\r\nR3LDvMOfZSBhdXMgS8O2bG4gPSBzY2jDtm4gDQo=",
        ),
        (
            "mime-version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>A long line of plain text, and then Köln = \r\n",
            "mime-version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>A long line of plain text, and then K=C3=B6ln =3D=20\r\n",
        ),
        // From before MIME: the charset is only guessed from the bytes.
        (
            "Subject: x\r\n\r\nThe cheapest hotel is in Köln.\r\n",
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nThe cheapest hotel is in K=C3=B6ln.\r\n",
        ),
    ] {
        assert_eq!(downgraded(raw.as_bytes()), expected);
    }
    let latin1 = downgraded(b"Subject: x\r\n\r\nThe cheapest hotel is in K\xf6ln.\r\n");
    assert!(
        latin1.contains("charset=unknown-8bit") && latin1.contains("K=F6ln"),
        "{latin1}"
    );
}

const MIXED: &str = "MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed;\r\n boundary=\"a b\"\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\n\
    preamble\r\n\
    --a b\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\n\
    A text that is long enough for quoted-printable: Köln\r\n\
    --a b\r\n\
    Content-Type: application/octet-stream\r\n\
    Content-Transfer-Encoding: binary\r\n\r\n\
    öäü\r\n\
    --a b\r\n\
    Content-Type: text/plain\r\n\r\n\
    plain = as it is\r\n\
    --a b--\r\n\
    epilogue\r\n";

#[test]
fn only_the_parts_that_need_it_are_converted() {
    let expected = MIXED
        .replace("Köln", "K=C3=B6ln")
        .replace("öäü", "w7bDpMO8")
        .replacen("8bit", "7bit", 1)
        .replacen("8bit", "quoted-printable", 1)
        .replace("binary", "base64");
    assert_eq!(downgraded(MIXED.as_bytes()), expected);
    assert_eq!(to_seven_bit(MIXED.as_bytes()).converted, 2);
    // A nested message is opened, since it may not be encoded itself.
    let forwarded =
        format!("MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{MIXED}");
    assert_eq!(
        downgraded(forwarded.as_bytes()),
        format!(
            "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{expected}"
        )
    );
}

fn unchanged(raw: &[u8], why: Left) {
    let expected = Downgraded {
        content: None,
        converted: 0,
        left: Some(why),
    };
    assert_eq!(to_seven_bit(raw), expected, "{}", String::from_utf8_lossy(raw));
}

#[test]
fn what_is_signed_stays_byte_for_byte() {
    for field in ["DKIM-Signature", "dkim-signature", "ARC-Message-Signature"] {
        unchanged(format!("{field}: v=1; b=x\r\n{MIXED}").as_bytes(), Left::Signed);
    }
    let signed = MIXED.replace("multipart/mixed", "multipart/signed; micalg=sha-256");
    unchanged(signed.as_bytes(), Left::Signed);
    let forwarded = format!("Content-Type: message/rfc822\r\n\r\nDKIM-Signature: v=1\r\n{MIXED}");
    unchanged(forwarded.as_bytes(), Left::Signed);

    // The other part is converted, and the multipart with both is not labelled 7bit.
    let both = format!(
        "Content-Type: multipart/mixed; boundary=outer\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--outer\r\n{signed}\r\n\
         --outer\r\n\r\nSome more text for a list, from Köln\r\n--outer--\r\n"
    );
    let done = to_seven_bit(both.as_bytes());
    assert_eq!((done.converted, done.left), (1, Some(Left::Signed)));
    let content = String::from_utf8(done.content.unwrap()).unwrap();
    assert!(content.contains(&signed));
    assert!(content.contains(
        "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSome more text for a list, from K=C3=B6ln\r\n"
    ));
    assert!(
        content.starts_with("Content-Type: multipart/mixed; boundary=outer\r\nContent-Transfer-Encoding: 8bit\r\n")
    );
}

#[test]
fn what_cannot_be_converted_is_left_with_the_reason() {
    unchanged("Subject: Köln\r\n\r\nplain\r\n".as_bytes(), Left::Header);
    for raw in [
        "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nKöln\r\n",
        "Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 7bit\r\n\r\nKöln\r\n",
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: Köln\r\n",
        "Content-Type: multipart/mixed\r\n\r\nKöln\r\n",
        "Content-Type: multipart/mixed; boundary=x\r\n\r\nKöln\r\n--x\r\n\r\nplain\r\n--x--\r\n",
    ] {
        unchanged(raw.as_bytes(), Left::Structure);
    }
    let done = to_seven_bit("Subject: Köln\r\n\r\nThe cheapest hotel is in Köln.\r\n".as_bytes());
    assert_eq!((done.converted, done.left), (1, Some(Left::Header)));
}

#[test]
fn plain_messages_are_left_in_peace() {
    let done = to_seven_bit(b"Subject: x\r\n\r\nplain\r\n");
    assert_eq!((done.content, done.converted, done.left), (None, 0, None));
}

#[test]
fn nesting_and_the_number_of_parts_have_bounds() {
    let mut deep = String::new();
    for level in 0..200 {
        deep.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
        ));
    }
    deep.push_str("\r\nKöln\r\n");
    unchanged(deep.as_bytes(), Left::Structure);
    let parts = "--x\r\n\r\nKöln in the Rhineland, where it is nice\r\n".repeat(20_000);
    let wide = format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{parts}--x--\r\n");
    assert_eq!(to_seven_bit(wide.as_bytes()).converted, 20_000);
}

proptest! {
    #[test]
    fn a_text_reads_the_same_afterwards(text in "([a-zA-Z =.é日😀\t]|From |\r\n|[ -~]{30}){0,60}") {
        let raw = format!("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n");
        let done = to_seven_bit(raw.as_bytes());
        prop_assert_eq!(done.left, None);
        if let Some(content) = done.content {
            prop_assert!(content.is_ascii());
            prop_assert!(content.len() <= raw.len() * 3 / 2 + 200);
            for line in content.split(|byte| *byte == b'\n') {
                prop_assert!(line.len() <= 77);
            }
            prop_assert_eq!(read::read(&content).text, read::read(raw.as_bytes()).text);
        } else {
            prop_assert!(text.is_ascii());
        }
    }

    #[test]
    fn any_bytes_do_no_harm(raw in prop::collection::vec(any::<u8>(), 0..300), header in "(Content-Type: (multipart/mixed; boundary=x|message/rfc822|text/plain)\r\n|Content-Transfer-Encoding: 8bit\r\n|\r\n|--x\r\n|--x--\r\n){0,8}") {
        let mut message = header.into_bytes();
        message.extend_from_slice(&raw);
        let done = to_seven_bit(&message);
        if done.left.is_none() {
            prop_assert!(done.content.as_deref().unwrap_or(&message).is_ascii());
        }
        prop_assert_eq!(done.content.is_some(), done.converted > 0);
    }
}
