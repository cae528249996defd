//! Parsing of commands, by smtp-proto behind samotop's `Parser`.
//!
//! An invalid line is parsed into a command that holds its reply, so that every line has an action.

use crate::reply::Reply;
use samotop_core::smtp::{ParseError, ParseResult, Parser, SmtpContext};
use smtp_proto::{
    AUTH_LOGIN, AUTH_PLAIN, Error, MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, MailFrom, RcptTo, Request,
};
use std::borrow::Cow;

/// Mode of a session that waits for the client's next line in a login.
pub(crate) const AUTH_MODE: &str = "AUTH";

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// `EHLO` (extended) or `HELO`, with the client's name.
    Hello { extended: bool, name: String },
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH` (RFC 4954), with or without an initial response.
    Auth {
        mechanism: Option<Mechanism>,
        initial: Option<String>,
    },
    /// `MAIL FROM`.
    Mail(Mail),
    /// `RCPT TO`, with the address between the angle brackets.
    Rcpt(String),
    /// `DATA`.
    Data,
    /// `RSET`.
    Reset,
    /// `NOOP`.
    Noop,
    /// `VRFY`.
    Verify,
    /// `HELP`.
    Help,
    /// `QUIT`.
    Quit,
    /// `BDAT` or `BURL`, which are not offered: their content must not be taken for commands.
    Chunk,
    /// An unknown or unimplemented command.
    Wrong(Reply),
    /// An invalid `MAIL`.
    WrongMail(Reply),
    /// An invalid `RCPT`: this recipient is refused, and the message may go on without it.
    WrongRcpt(Reply),
}

/// The login mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// RFC 4616.
    Plain,
    /// An older mechanism that is still in wide use.
    Login,
}

/// Arguments of `MAIL`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    /// The text between the angle brackets; empty for the null reverse-path.
    pub(crate) address: String,
    /// The announced size.
    pub(crate) size: usize,
    /// True if addresses and headers may be UTF-8.
    pub(crate) smtputf8: bool,
}

/// Parses commands for the interpreter. The driver passes whole lines only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandParser;

impl Parser<Command> for CommandParser {
    fn parse(&self, input: &[u8], state: &SmtpContext) -> ParseResult<Command> {
        if state.session.mode.is_some() {
            return Err(ParseError::Mismatch(String::new()));
        }
        let len = memchr::memchr(b'\n', input).map(|at| at + 1);
        let line = &input[..len.ok_or(ParseError::Incomplete)?];
        Ok((line.len(), parse(line)))
    }
}

const SYNTAX: Reply = Reply::new(501, "5.5.4", "Syntax error in the command");
const NOT_IMPLEMENTED: Reply = Reply::new(502, "5.5.1", "Command not implemented");

/// Parses a line with its CRLF.
fn parse(line: &[u8]) -> Command {
    let wrong = match line.trim_ascii_start().get(..4) {
        Some(verb) if verb.eq_ignore_ascii_case(b"MAIL") => Command::WrongMail,
        Some(verb) if verb.eq_ignore_ascii_case(b"RCPT") => Command::WrongRcpt,
        _ => Command::Wrong,
    };
    command(line).unwrap_or_else(wrong)
}

fn command(line: &[u8]) -> Result<Command, Reply> {
    let text = std::str::from_utf8(line).map_err(|_| Reply::new(500, "5.5.2", "A command must be ASCII or UTF-8"))?;
    let request = Request::parse(&mut line.iter()).map_err(refusal)?;
    let has_argument = text.trim().contains(' ');
    Ok(match request {
        Request::Data | Request::Rset | Request::Quit | Request::StartTls if has_argument => {
            return Err(Reply::new(501, "5.5.4", "This command takes no argument"));
        }
        Request::Ehlo { host } => hello(true, host),
        Request::Helo { host } => hello(false, host),
        Request::StartTls => Command::StartTls,
        Request::Auth {
            mechanism,
            initial_response,
        } => Command::Auth {
            mechanism: match mechanism {
                AUTH_PLAIN => Some(Mechanism::Plain),
                AUTH_LOGIN => Some(Mechanism::Login),
                _ => None,
            },
            initial: Some(initial_response.into_owned()).filter(|response| !response.is_empty()),
        },
        Request::Mail { from } => {
            let (address, parameters) = path(text).ok_or(SYNTAX)?;
            mail(address, parameters, &from)?
        }
        Request::Rcpt { to } => rcpt(path(text).ok_or(SYNTAX)?.0, &to)?,
        Request::Data => Command::Data,
        Request::Rset => Command::Reset,
        Request::Noop { .. } => Command::Noop,
        Request::Vrfy { .. } => Command::Verify,
        Request::Help { .. } => Command::Help,
        Request::Quit => Command::Quit,
        Request::Bdat { .. } | Request::Burl { .. } => Command::Chunk,
        Request::Lhlo { .. } | Request::Expn { .. } | Request::Etrn { .. } | Request::Atrn { .. } => {
            return Err(NOT_IMPLEMENTED);
        }
    })
}

fn hello(extended: bool, host: Cow<'_, str>) -> Command {
    Command::Hello {
        extended,
        name: host.into_owned(),
    }
}

fn mail(address: &str, parameters: &str, from: &MailFrom<Cow<'_, str>>) -> Result<Command, Reply> {
    // The parser knows parameters of many extensions; those that were not offered are errors (RFC 5321 section
    // 4.1.1.11). AUTH= is part of an offered extension, and has no meaning for a server that identifies the client by
    // its key.
    let offered = MAIL_BODY_7BIT | MAIL_BODY_8BITMIME | MAIL_SMTPUTF8;
    let others = from.by != 0
        || from.trans_id.is_some()
        || from.env_id.is_some()
        || from.solicit.is_some()
        || from.mtrk.is_some()
        || from.hold_for != 0
        || from.hold_until != 0
        || from.mt_priority != 0;
    if from.flags & !offered != 0 || others {
        return Err(UNSUPPORTED_PARAMETER);
    }
    Ok(Command::Mail(Mail {
        address: address.to_owned(),
        size: announced_size(parameters),
        smtputf8: from.flags & MAIL_SMTPUTF8 != 0,
    }))
}

fn rcpt(address: &str, to: &RcptTo<Cow<'_, str>>) -> Result<Command, Reply> {
    if to.flags != 0 || to.orcpt.is_some() || to.rrvs != 0 {
        return Err(UNSUPPORTED_PARAMETER);
    }
    Ok(Command::Rcpt(address.to_owned()))
}

/// The announced size (RFC 1870 section 4), 0 without one. Parsed here, since the parser wraps around at numbers that
/// are too large for it; those become the largest size.
fn announced_size(parameters: &str) -> usize {
    let sizes = parameters.split_ascii_whitespace().filter_map(|parameter| {
        let (name, digits) = parameter.split_once('=')?;
        (name.eq_ignore_ascii_case("SIZE") && digits.bytes().all(|b| b.is_ascii_digit()))
            .then(|| digits.parse().unwrap_or(usize::MAX))
    });
    sizes.max().unwrap_or(0)
}

const UNSUPPORTED_PARAMETER: Reply = Reply::new(555, "5.5.4", "A parameter is not supported");

/// The text between the angle brackets, without a source route, which is ignored (RFC 5321 appendix C), and the text
/// after them. Read from the line, since the parser drops the quotes of a quoted local part.
fn path(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once('<')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = rest.find(|c| {
        let ends = c == '>' && !quoted;
        let escapes = c == '\\' && quoted && !escaped;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = escapes;
        ends
    })?;
    let path = rest[..end].trim_matches(' ');
    let address = match path.strip_prefix('@').and_then(|route| route.split_once(':')) {
        Some((_, address)) => address,
        None => path,
    };
    Some((address, &rest[end + 1..]))
}

fn refusal(error: Error) -> Reply {
    match error {
        Error::UnknownCommand => Reply::new(500, "5.5.1", "Command not recognised"),
        Error::InvalidSenderAddress => Reply::new(553, "5.1.7", "The sender's address is not valid"),
        Error::InvalidRecipientAddress => Reply::new(553, "5.1.3", "The recipient's address is not valid"),
        Error::SyntaxError { syntax } => Reply::of(501, "5.5.4", format!("Syntax: {syntax}")),
        Error::InvalidParameter { param } => Reply::of(501, "5.5.4", format!("{param} has no valid value")),
        Error::UnsupportedParameter { .. } => UNSUPPORTED_PARAMETER,
        Error::NeedsMoreData { .. } | Error::ResponseTooLong | Error::InvalidResponse { .. } => SYNTAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(line: &str) -> Command {
        parse(format!("{line}\r\n").as_bytes())
    }

    fn code(line: &str) -> u16 {
        match parsed(line) {
            Command::Wrong(reply) | Command::WrongMail(reply) | Command::WrongRcpt(reply) => reply.code(),
            other => panic!("{line:?} is {other:?}"),
        }
    }

    fn mail(address: &str, size: usize, smtputf8: bool) -> Command {
        Command::Mail(Mail {
            address: address.to_owned(),
            size,
            smtputf8,
        })
    }

    #[test]
    fn names_that_clients_give_themselves() {
        for name in ["client.example", "[192.0.2.1]", "[IPv6:::1]", "my_pc", "bücher.example"] {
            let expected = Command::Hello {
                extended: true,
                name: name.to_owned(),
            };
            assert_eq!(parsed(&format!("EHLO {name}")), expected);
        }
        assert_eq!(
            parsed("helo localhost"),
            Command::Hello {
                extended: false,
                name: "localhost".to_owned()
            }
        );
        assert_eq!(code("EHLO"), 501);
        assert_eq!(code(&format!("EHLO {}", "a".repeat(300))), 501);
    }

    #[test]
    fn paths_and_parameters() {
        assert_eq!(parsed("MAIL FROM:<>"), mail("", 0, false));
        assert_eq!(parsed("mail from: <a@b.example>"), mail("a@b.example", 0, false));
        assert_eq!(
            parsed("MAIL FROM:<ü@b.example> SIZE=1000 BODY=8BITMIME SMTPUTF8 AUTH=<>"),
            mail("ü@b.example", 1_000, true)
        );
        assert_eq!(
            parsed("RCPT TO:<@r1.example,@r2.example:a@b.example>"),
            Command::Rcpt("a@b.example".to_owned())
        );
        assert_eq!(
            parsed(r#"RCPT TO:<"john > \" doe"@b.example>"#),
            Command::Rcpt(r#""john > \" doe"@b.example"#.to_owned())
        );
        for (line, expected) in [
            ("MAIL FROM:a@b.example", 501),
            ("MAIL <a@b.example>", 501),
            ("MAIL FROM:<a@b.example", 501),
            ("MAIL FROM:<a@b.example> BODY=BINARYMIME", 555),
            ("MAIL FROM:<a@b.example> BODY=9BIT", 501),
            ("MAIL FROM:<a@b.example> RET=FULL", 555),
            ("MAIL FROM:<a@b.example> FOO=bar", 555),
            ("MAIL FROM:<a@b.example> SIZE=x", 501),
            ("RCPT TO:<a@b.example> NOTIFY=NEVER", 555),
            ("RCPT TO:<a@b@c.example>", 553),
            ("DATA now", 501),
            ("QUIT please", 501),
            ("", 500),
            ("GET / HTTP/1.1", 500),
            ("EXPN list", 502),
            ("LHLO a", 502),
        ] {
            assert_eq!(code(line), expected, "{line}");
        }
        assert_eq!(parsed("BDAT 5 LAST"), Command::Chunk);
        assert!(matches!(
            parse(b"mail FROM:<\xff@b.example>\r\n"),
            Command::WrongMail(_)
        ));
        assert!(matches!(parse(b"Rcpt TO:<nobody>\r\n"), Command::WrongRcpt(_)));
    }

    #[test]
    fn an_absurd_size_is_not_taken_for_a_small_one() {
        for digits in [
            "9223372036854775808".to_owned(),
            "18446744073709551614".to_owned(),
            "184467440737095516150".to_owned(),
            "1844674407370955161500000".to_owned(),
            "9".repeat(40),
            format!("{}0", "9".repeat(400)),
        ] {
            for line in [
                format!("MAIL FROM:<a@b.example> SIZE={digits}"),
                format!("MAIL FROM:<a@b.example> size={digits} BODY=8BITMIME"),
                format!("MAIL FROM:<a@b.example> SIZE={digits} SIZE=1"),
            ] {
                match parsed(&line) {
                    Command::Mail(mail) => assert!(mail.size > 1 << 62, "{line}: {}", mail.size),
                    Command::WrongMail(reply) => assert_eq!(reply.code(), 501, "{line}"),
                    other => panic!("{line}: {other:?}"),
                }
            }
        }
        assert_eq!(
            parsed(r#"MAIL FROM:<"a> SIZE=9"@b.example> SIZE=07"#),
            mail(r#""a> SIZE=9"@b.example"#, 7, false)
        );
    }

    #[test]
    fn logins() {
        let auth = |mechanism, initial: Option<&str>| Command::Auth {
            mechanism,
            initial: initial.map(ToOwned::to_owned),
        };
        assert_eq!(parsed("AUTH PLAIN"), auth(Some(Mechanism::Plain), None));
        assert_eq!(
            parsed("auth plain AGEAYg=="),
            auth(Some(Mechanism::Plain), Some("AGEAYg=="))
        );
        assert_eq!(parsed("AUTH LOGIN ="), auth(Some(Mechanism::Login), Some("=")));
        assert_eq!(parsed("AUTH CRAM-MD5"), auth(None, None));
        assert_eq!(parsed("AUTH FOO"), auth(None, None));
        assert_eq!(code("AUTH"), 501);
    }

    proptest! {
        #[test]
        fn any_line_is_something(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut line: Vec<u8> = line.into_iter().filter(|byte| !b"\r\n".contains(byte)).collect();
            line.extend_from_slice(b"\r\n");
            parse(&line);
        }

        #[test]
        fn any_parameters_are_something(
            verb in prop_oneof![Just("MAIL FROM:<"), Just("RCPT TO:<"), Just("AUTH ")],
            rest in "[ -~]{0,40}"
        ) {
            parse(format!("{verb}{rest}\r\n").as_bytes());
        }
    }
}
