//! `AUTH` (RFC 4954): PLAIN and LOGIN, with any user name and the API key as password.

use crate::command::{AUTH_MODE, Mechanism};
use crate::dialogue::{Actions, Agent, Dialogue, Login};
use crate::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use samotop_core::common::S1Fut;
use samotop_core::smtp::{Action, ParseError, ParseResult, Parser, SmtpContext, SmtpSession};
use sendmux_domain::keys::{self, Permission};
use sendmux_domain::messages::Source;
use std::fmt;

/// State of a login that takes several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sasl {
    /// Expects the one message of PLAIN.
    Plain,
    /// Expects the user name of LOGIN.
    User,
    /// Expects the password of LOGIN.
    Password,
}

/// A client's line in a login. Its `Debug` shows nothing, since the line may contain the key.
pub(crate) struct Response(String);

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response")
    }
}

/// Parses the lines of a login.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseParser;

impl Parser<Response> for ResponseParser {
    fn parse(&self, input: &[u8], state: &SmtpContext) -> ParseResult<Response> {
        if state.session.mode != Some(AUTH_MODE) {
            return Err(ParseError::Mismatch(String::new()));
        }
        let end = memchr::memchr(b'\n', input).ok_or(ParseError::Incomplete)?;
        // Text that is not UTF-8 is not base64 either.
        let text = String::from_utf8_lossy(&input[..end]);
        Ok((end + 1, Response(text.trim().to_owned())))
    }
}

impl Action<Response> for Actions {
    fn apply<'a, 's, 'f>(&'a self, response: Response, context: &'s mut SmtpContext) -> S1Fut<'f, ()>
    where
        'a: 'f,
        's: 'f,
    {
        Box::pin(async move {
            let Some(mut dialogue) = Dialogue::take(context) else {
                return context.session.shutdown();
            };
            dialogue.respond(&mut context.session, &self.0, &response.0).await;
            dialogue.put(context);
        })
    }
}

/// `Username:` and `Password:` in base64.
const ASK_USER: Reply = Reply::new(334, "", "VXNlcm5hbWU6");
const ASK_PASSWORD: Reply = Reply::new(334, "", "UGFzc3dvcmQ6");
const REFUSED: Reply = Reply::new(535, "5.7.8", "The API key is not valid: it is unknown or was revoked");

impl Dialogue {
    /// Handles `AUTH`, with or without an initial response.
    pub(crate) async fn auth(
        &mut self,
        session: &mut SmtpSession,
        agent: &Agent,
        mechanism: Option<Mechanism>,
        initial: Option<&str>,
    ) {
        let wrong = if !self.is_secure() {
            // RFC 4954 section 6. A key that came with the command was sent in the clear; that cannot be undone here.
            Some(Reply::new(538, "5.7.11", "Encryption required: send STARTTLS first"))
        } else if !self.extended {
            Some(Reply::new(503, "5.5.1", "Send EHLO first"))
        } else if self.login.is_some() {
            Some(Reply::new(503, "5.5.1", "Already logged in"))
        } else {
            None
        };
        if let Some(reply) = wrong {
            return self.wrong(session, agent, reply);
        }
        let Some(mechanism) = mechanism else {
            let reply = Reply::new(504, "5.5.4", "The mechanism is not known: use PLAIN or LOGIN");
            return self.wrong(session, agent, reply);
        };
        self.sasl = Some(match mechanism {
            Mechanism::Plain => Sasl::Plain,
            Mechanism::Login => Sasl::User,
        });
        session.mode = Some(AUTH_MODE);
        match (initial, mechanism) {
            (Some(initial), _) => self.respond(session, agent, initial).await,
            (None, Mechanism::Plain) => self.say(session, Reply::new(334, "", "")),
            (None, Mechanism::Login) => self.say(session, ASK_USER),
        }
    }

    /// Handles a client's line in a login.
    async fn respond(&mut self, session: &mut SmtpSession, agent: &Agent, text: &str) {
        session.mode = None;
        let sasl = self.sasl.take();
        if text == "*" {
            return self.wrong(session, agent, Reply::new(501, "5.7.0", "Login cancelled"));
        }
        // `=` is an empty initial response (RFC 4954 section 4).
        let Ok(decoded) = STANDARD.decode(if text == "=" { "" } else { text }) else {
            return self.wrong(session, agent, Reply::new(501, "5.5.2", "That is not base64"));
        };
        match sasl {
            Some(Sasl::Plain) => match plain(&decoded) {
                Some(key) => self.present(session, agent, key).await,
                None => self.wrong(session, agent, Reply::new(501, "5.5.2", "That is no message of PLAIN")),
            },
            // Any name is accepted.
            Some(Sasl::User) => {
                self.sasl = Some(Sasl::Password);
                session.mode = Some(AUTH_MODE);
                self.say(session, ASK_PASSWORD);
            }
            Some(Sasl::Password) => {
                let key = std::str::from_utf8(&decoded).unwrap_or_default();
                self.present(session, agent, key).await;
            }
            None => self.wrong(session, agent, Reply::new(503, "5.5.1", "No login is under way")),
        }
    }

    /// Logs in with a key.
    async fn present(&mut self, session: &mut SmtpSession, agent: &Agent, secret: &str) {
        let key = match keys::authenticate(&agent.domain, secret).await {
            Ok(Some(key)) => key,
            Ok(None) => return self.refuse_login(session, agent),
            Err(error) => {
                tracing::error!(%error, "cannot look up a key");
                let reply = Reply::new(454, "4.7.0", "Temporary authentication failure");
                return self.say(session, reply);
            }
        };
        if !key.may(Permission::Send) {
            let reply = Reply::new(535, "5.7.8", "This API key does not have the permission to send");
            return self.wrong(session, agent, reply);
        }
        self.login = Some(Login {
            key,
            secret: secret.to_owned(),
        });
        self.say(session, Reply::new(235, "2.7.0", "Authentication successful"));
    }

    /// Refuses a wrong key. Clients at addresses that present many are disconnected; a valid key is never refused
    /// because of other clients at the same address.
    fn refuse_login(&mut self, session: &mut SmtpSession, agent: &Agent) {
        self.tally.failed_logins += 1;
        agent.domain.metrics.authentication_failed(Source::Smtp);
        let now = agent.domain.clock.now();
        if agent.domain.failed_authentication.charge(self.peer, now).is_err() {
            let reply = Reply::new(
                421,
                "4.7.0",
                "Too many failed logins from your address; try again later",
            );
            return self.end(session, reply);
        }
        if self.tally.failed_logins >= agent.config.max_failed_logins {
            return self.end(
                session,
                Reply::new(421, "4.7.0", "Too many failed logins; closing the connection"),
            );
        }
        self.wrong(session, agent, REFUSED);
    }
}

/// Password in a message of PLAIN (RFC 4616): `[authzid] NUL authcid NUL passwd`.
fn plain(message: &[u8]) -> Option<&str> {
    let mut parts = message.split(|byte| *byte == 0);
    let (_, _, password) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    std::str::from_utf8(password).ok()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn the_message_of_plain_has_three_parts() {
        assert_eq!(plain(b"\0user\0key"), Some("key"));
        assert_eq!(plain(b"other\0\0key"), Some("key"));
        for wrong in [&b""[..], b"key", b"\0key", b"\0a\0b\0c", b"\0a\0\xff"] {
            assert_eq!(plain(wrong), None, "{wrong:?}");
        }
    }
}
