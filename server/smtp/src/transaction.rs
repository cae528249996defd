//! Actions of the commands of a submission agent (RFC 6409), in the order of RFC 5321.

use crate::command::{Command, Mail};
use crate::config::{MAX_MESSAGE, MAX_RECIPIENTS};
use crate::dialogue::{Actions, Agent, Dialogue};
use crate::message::Envelope;
use crate::reply::{self, Reply};
use samotop_core::common::S1Fut;
use samotop_core::smtp::{Action, DriverControl, SmtpContext, SmtpSession, extension};
use sendmux_domain::error::capitalised;
use sendmux_domain::keys;
use sendmux_domain::messages::Source;
use sendmux_domain::rate_limit;
use sendmux_mime::ValidEmail;

const OK: Reply = Reply::new(250, "2.0.0", "Ok");

impl Action<Command> for Actions {
    fn apply<'a, 's, 'f>(&'a self, command: Command, context: &'s mut SmtpContext) -> S1Fut<'f, ()>
    where
        'a: 'f,
        's: 'f,
    {
        Box::pin(async move {
            let Some(mut dialogue) = Dialogue::take(context) else {
                return context.session.shutdown();
            };
            dialogue.command(&mut context.session, &self.0, command).await;
            dialogue.put(context);
        })
    }
}

/// Enables the extensions offered from the beginning. `AUTH` is added under TLS.
pub(crate) fn offer(session: &mut SmtpSession, agent: &Agent, starttls: bool) {
    let extensions = &mut session.extensions;
    extensions.enable(&extension::PIPELINING);
    extensions.enable(&extension::EIGHTBITMIME);
    extensions.enable_string("SMTPUTF8", "SMTPUTF8");
    extensions.enable_string("ENHANCEDSTATUSCODES", "ENHANCEDSTATUSCODES");
    extensions.enable_string("SIZE", &format!("SIZE {MAX_MESSAGE}"));
    // RFC 9422.
    let messages = agent.config.messages_per_connection;
    extensions.enable_string("LIMITS", &format!("LIMITS MAILMAX={messages} RCPTMAX={MAX_RECIPIENTS}"));
    // A local extension (RFC 5321 section 2.2.2), by which a provider that is this very server is recognised.
    extensions.enable_string("XSENDMUX", &format!("XSENDMUX {}", agent.mark));
    if starttls {
        extensions.enable(&extension::STARTTLS);
    }
}

impl Dialogue {
    async fn command(&mut self, session: &mut SmtpSession, agent: &Agent, command: Command) {
        self.tally.commands += 1;
        if self.tally.commands > agent.config.max_commands {
            let reply = Reply::new(421, "4.7.0", "Too many commands; closing the connection");
            return self.end(session, reply);
        }
        match command {
            Command::Hello { extended, name } => self.hello(session, extended, name),
            Command::StartTls => self.start_tls(session, agent),
            Command::Auth { mechanism, initial } => self.auth(session, agent, mechanism, initial.as_deref()).await,
            Command::Mail(mail) => self.mail(session, agent, mail).await,
            Command::Rcpt(address) => self.rcpt(session, agent, &address),
            Command::Data => self.data(session, agent).await,
            Command::Reset => {
                self.reset(session);
                self.say(session, OK);
            }
            Command::Noop => self.say(session, OK),
            Command::Verify => {
                let reply = Reply::new(
                    252,
                    "2.5.2",
                    "Cannot verify, but will take the message and try to deliver",
                );
                self.say(session, reply);
            }
            Command::Help => self.say(session, Reply::new(214, "2.0.0", "See RFC 6409 and RFC 5321")),
            Command::Quit => {
                let bye = Reply::of(221, "2.0.0", format!("{} closing the connection", agent.name));
                self.end(session, bye);
            }
            Command::Chunk => self.end(session, Reply::new(502, "5.5.1", "CHUNKING is not offered")),
            Command::Wrong(reply) => self.wrong(session, agent, reply),
            Command::WrongMail(reply) => {
                self.mail_refused = self.envelope.is_none();
                self.wrong(session, agent, reply);
            }
            Command::WrongRcpt(reply) => self.say(session, reply),
        }
    }

    fn hello(&mut self, session: &mut SmtpSession, extended: bool, name: String) {
        // A second EHLO acts as RSET (RFC 5321 section 4.1.4).
        self.reset(session);
        self.extended = extended;
        if self.is_secure() {
            session.extensions.enable_string("AUTH", "AUTH PLAIN LOGIN");
        }
        session.peer_name = Some(name);
        let greeting = session.service_name.clone();
        if !extended {
            return session.say(DriverControl::Response(reply::lines(250, &[&greeting])));
        }
        let mut lines: Vec<&str> = session.extensions.iter().collect();
        // The set has no order of its own.
        lines.sort_unstable();
        lines.insert(0, &greeting);
        let reply = reply::lines(250, &lines);
        session.say(DriverControl::Response(reply));
    }

    /// Handles `STARTTLS` (RFC 3207). The driver discards plain-text input when it starts TLS.
    fn start_tls(&mut self, session: &mut SmtpSession, agent: &Agent) {
        if !session.extensions.disable(&extension::STARTTLS) {
            return self.wrong(session, agent, Reply::new(503, "5.5.1", "TLS is on already"));
        }
        self.reset(session);
        self.extended = false;
        self.say(session, Reply::new(220, "2.0.0", "Ready to start TLS"));
        session.say(DriverControl::StartTls);
    }

    async fn mail(&mut self, session: &mut SmtpSession, agent: &Agent, mail: Mail) {
        let wrong = if !self.is_secure() {
            Some(Reply::new(530, "5.7.0", "Must issue a STARTTLS command first"))
        } else if session.peer_name.is_none() {
            Some(Reply::new(503, "5.5.1", "Send EHLO first"))
        } else if self.login.is_none() {
            Some(Reply::new(530, "5.7.0", "Authentication required"))
        } else if self.envelope.is_some() {
            Some(Reply::new(503, "5.5.1", "A message is under way already"))
        } else {
            None
        };
        if let Some(reply) = wrong {
            self.mail_refused = self.envelope.is_none();
            return self.wrong(session, agent, reply);
        }
        if self.tally.accepted >= agent.config.messages_per_connection {
            let limit = agent.config.messages_per_connection;
            let text = format!("No more than {limit} message(s) a connection; connect again");
            return self.end(session, Reply::of(421, "4.7.0", text));
        }
        match self.admit(agent, &mail).await {
            Ok(envelope) => {
                self.envelope = Some(envelope);
                self.mail_refused = false;
                self.say(session, Reply::new(250, "2.1.0", "Ok"));
            }
            Err(reply) => {
                self.mail_refused = true;
                self.say(session, reply);
            }
        }
    }

    /// Checks that a message may be sent. Returns its envelope, or the refusal.
    async fn admit(&mut self, agent: &Agent, mail: &Mail) -> Result<Envelope, Reply> {
        if mail.size > MAX_MESSAGE {
            return Err(Reply::of(
                552,
                "5.3.4",
                format!("The message is larger than {MAX_MESSAGE} octets"),
            ));
        }
        let return_path = match mail.address.as_str() {
            "" => None,
            address => Some(valid(address, mail.smtputf8, "5.1.7")?),
        };
        let Some(login) = &mut self.login else {
            return Err(Reply::new(530, "5.7.0", "Authentication required"));
        };
        match keys::authenticate(&agent.domain, &login.secret).await {
            Ok(Some(key)) => login.key = key,
            Ok(None) => {
                self.login = None;
                return Err(Reply::new(
                    530,
                    "5.7.0",
                    "The API key was revoked: authentication required",
                ));
            }
            Err(error) => return Err(unavailable(&error)),
        }
        let rate = rate_limit::take(&agent.domain, &login.key)
            .await
            .map_err(|error| unavailable(&error))?;
        if !rate.allowed {
            agent.domain.metrics.rate_limited(Source::Smtp);
            let text = format!(
                "More than {} messages {} in a minute; try again in {} s",
                rate.limit,
                rate.counted,
                rate.retry_after.as_millis().div_ceil(1_000)
            );
            return Err(Reply::of(451, "4.7.0", text));
        }
        Ok(Envelope {
            return_path,
            recipients: Vec::new(),
            smtputf8: mail.smtputf8,
            size: mail.size,
        })
    }

    fn rcpt(&mut self, session: &mut SmtpSession, agent: &Agent, address: &str) {
        let Some(envelope) = &mut self.envelope else {
            return self.out_of_turn(session, agent, Reply::new(503, "5.5.1", "Send MAIL first"));
        };
        let reply = match valid(address, envelope.smtputf8, "5.1.3") {
            Err(reply) => reply,
            Ok(address) if envelope.recipients.contains(&address) => Reply::new(250, "2.1.5", "Ok"),
            Ok(_) if envelope.recipients.len() >= MAX_RECIPIENTS => Reply::of(
                452,
                "4.5.3",
                format!("No more than {MAX_RECIPIENTS} recipients a message"),
            ),
            Ok(address) => {
                envelope.recipients.push(address);
                Reply::new(250, "2.1.5", "Ok")
            }
        };
        self.say(session, reply);
    }

    /// Replies to a command that is only valid after `MAIL`. If that was refused, the client may have pipelined this
    /// command (RFC 2920), which is not an error.
    pub(crate) fn out_of_turn(&mut self, session: &mut SmtpSession, agent: &Agent, reply: Reply) {
        if self.mail_refused {
            self.say(session, reply);
        } else {
            self.wrong(session, agent, reply);
        }
    }
}

/// Parses an address of the envelope.
fn valid(address: &str, smtputf8: bool, enhanced: &'static str) -> Result<ValidEmail, Reply> {
    if !smtputf8 && !address.is_ascii() {
        // RFC 6531 section 3.5.
        let text = "An address beyond ASCII needs the SMTPUTF8 parameter of MAIL";
        return Err(Reply::new(553, "5.6.7", text));
    }
    ValidEmail::parse(address).map_err(|error| Reply::of(553, enhanced, capitalised(&error.to_string())))
}

/// The reply when the installation cannot accept a message now. A full disk has its own code: insufficient system
/// storage (RFC 5321 section 4.2.3).
pub(crate) fn unavailable(error: &sendmux_domain::Error) -> Reply {
    if let sendmux_domain::Error::StorageFull(_) = error {
        tracing::warn!(%error, "cannot take a message");
        return Reply::new(452, "4.3.1", "The server's disk is full; try again later");
    }
    tracing::error!(%error, "cannot take a message");
    Reply::new(451, "4.3.0", "Temporarily unavailable; try again later")
}
