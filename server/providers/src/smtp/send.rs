//! One attempt: a message's recipients shared out over transactions, and transactions over sessions.

use bytes::Bytes;
use lettre::transport::smtp::commands::{Mail, Rcpt};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter};
use sendmux_mime::downgrade::{Left, to_seven_bit};
use sendmux_rules::outcome::MESSAGE_ID_SEPARATOR;
use sendmux_rules::{Class, Hint, Outcome, Stage};
use tokio::sync::OwnedSemaphorePermit;

use super::Inner;
use super::address::Mailbox;
use super::capabilities::Capabilities;
use super::fault::{Cause, Fault};
use super::queue_id::provider_message_id;
use super::session::{Session, Target};
use super::transaction::{Done, Request, Verdict};
use crate::connector::MayCommit;
use crate::job::{RecipientOutcome, SendJob, SendReport, overall};

/// An attempt under way.
pub(super) struct Attempt<'a> {
    inner: &'a Inner,
    target: &'a Target,
    job: &'a SendJob,
    may_commit: MayCommit<'a>,
    return_path: Option<Mailbox>,
    /// The message itself needs SMTPUTF8, whoever it goes to.
    needs_smtputf8: bool,
    /// Recipients without an outcome: their place in the job, and their address.
    pending: Vec<(usize, Mailbox)>,
    outcomes: Vec<Option<Outcome>>,
    ids: Vec<String>,
    detail: Option<String>,
    /// Most recipients of the next transaction.
    limit: usize,
    /// The credentials were refused once in the course of this attempt.
    login_refused: bool,
    /// The message for servers that take seven bits, once one was met.
    seven_bit: Option<SevenBit>,
}

impl<'a> Attempt<'a> {
    pub fn new(inner: &'a Inner, target: &'a Target, job: &'a SendJob, may_commit: MayCommit<'a>) -> Self {
        Self {
            inner,
            target,
            job,
            may_commit,
            return_path: None,
            needs_smtputf8: false,
            pending: Vec::with_capacity(job.recipients.len()),
            outcomes: vec![None; job.recipients.len()],
            ids: Vec::new(),
            detail: None,
            limit: usize::try_from(target.settings.max_recipients.max(1)).unwrap_or(usize::MAX),
            login_refused: false,
            seven_bit: None,
        }
    }

    /// Runs the attempt; `slot` is the right to one connection.
    pub async fn run(mut self, slot: Option<OwnedSemaphorePermit>) -> SendReport {
        self.read_envelope();
        let mut session = None;
        if !self.pending.is_empty() {
            session = self.inner.pool.take();
        }
        while !self.pending.is_empty() {
            let mut current = match session.take() {
                Some(current) if !self.is_spent(&current) => current,
                spent => match self.open_instead(spent).await {
                    Ok(opened) => opened,
                    Err(fault) => {
                        self.fail_pending(&fault);
                        break;
                    }
                },
            };
            self.leave_out_what_is_not_taken(&current.offered);
            if !self.pending.is_empty() {
                self.transact(&mut current).await;
            }
            session = Some(current);
        }
        match session {
            Some(session) if !self.is_spent(&session) => self.inner.pool.put(session),
            // The report does not wait for the server's answer to QUIT, but the slot does: servers count connections.
            Some(session) if !session.broken => drop(tokio::spawn(async move {
                session.quit().await;
                drop(slot);
            })),
            _ => {}
        }
        self.report()
    }

    /// Reads the addresses. What could not stand in a command goes no further.
    fn read_envelope(&mut self) {
        for (place, recipient) in self.job.recipients.iter().enumerate() {
            match Mailbox::parse(&recipient.address) {
                Some(mailbox) => self.pending.push((place, mailbox)),
                None => {
                    let text = (501, (5, 1, 3), "The recipient's address is malformed");
                    let fault = Fault::refused_here(
                        Stage::RcptTo,
                        Class::RecipientRefused,
                        None,
                        "local.bad_recipient",
                        text,
                    );
                    self.outcomes[place] = Some(fault.outcome());
                }
            }
        }
        if let Some(text) = &self.job.return_path {
            self.return_path = Mailbox::parse(text);
            if self.return_path.is_none() {
                let text = (501, (5, 1, 7), "The return path is malformed");
                let fault = Fault::refused_here(
                    Stage::MailFrom,
                    Class::MessageRefused,
                    None,
                    "local.bad_return_path",
                    text,
                );
                self.fail_pending(&fault);
            }
        }
        self.needs_smtputf8 = self.return_path.as_ref().is_some_and(Mailbox::needs_smtputf8)
            || (self.job.smtputf8 && !header_of(&self.job.content).is_ascii());
    }

    /// Opens a session in place of one that can take no more.
    ///
    /// A refused login is confirmed by one more on a fresh connection, since servers refuse logins for passing reasons
    /// too; only two refusals in a row are reported as confirmed.
    async fn open_instead(&mut self, spent: Option<Session>) -> Result<Session, Fault> {
        if let Some(spent) = spent {
            spent.quit().await;
        }
        loop {
            match Session::open(self.target, &mut |_| {}).await {
                Ok(session) => {
                    tracing::debug!(host = %self.target.host, "signed on");
                    self.inner.pool.count_opened();
                    return Ok(session);
                }
                Err(fault) if !self.login_refused && fault.outcome().class == Class::Auth => self.login_refused = true,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Gives an outcome to what this server cannot take by what it announced; another provider may.
    fn leave_out_what_is_not_taken(&mut self, offered: &Capabilities) {
        let unsuited = |hint, rule, text: (u16, (u8, u16, u16), &str)| {
            Fault::refused_here(Stage::MailFrom, Class::MessageRefused, Some(hint), rule, text)
        };
        let size = self.content(offered).len();
        if let Some(limit) = offered.max_size().filter(|limit| size as u64 > *limit) {
            let text = format!("The message has {size} bytes; this server takes {limit}");
            self.fail_pending(&unsuited(Hint::TooLarge, "local.too_large", (552, (5, 3, 4), &text)));
        }
        if offered.smtputf8 {
            return;
        }
        let text = "SMTPUTF8 is needed, but this server does not offer it";
        let fault = unsuited(Hint::NoSmtputf8, "local.smtputf8_not_offered", (550, (5, 6, 7), text));
        if self.needs_smtputf8 {
            self.fail_pending(&fault);
        }
        let outcome = fault.outcome();
        for (place, _) in self.pending.extract_if(.., |(_, mailbox)| mailbox.needs_smtputf8()) {
            self.outcomes[place] = Some(outcome.clone());
        }
    }

    /// Sends to as many pending recipients as one transaction takes.
    async fn transact(&mut self, session: &mut Session) {
        let most = self.limit.min(session.offered.rcpt_max.unwrap_or(usize::MAX));
        let count = self.pending.len().min(most);
        let used_before = session.transactions > 0;
        let request = self.request(&session.offered, count);
        let done = session.transact(&request).await;
        if self.tries_again(&done, used_before) {
            session.broken = true;
            return;
        }
        self.settle(done, count);
    }

    /// True when the same transaction is to be made once more, on a fresh connection.
    fn tries_again(&mut self, done: &Done, used_before: bool) -> bool {
        let Some(fault) = &done.stopped else { return false };
        // The server had closed a session that waited, or allows no more messages on it. That is no failure.
        if used_before && done.never_began() {
            tracing::debug!(message = %self.job.message_id, host = %self.target.host, "an idle session was gone");
            return true;
        }
        // Some servers let a client in and refuse the credentials at MAIL or RCPT.
        let refused_late = matches!(fault.stage, Stage::MailFrom | Stage::RcptTo | Stage::Data);
        if refused_late && !self.login_refused && fault.outcome().class == Class::Auth {
            self.login_refused = true;
            return true;
        }
        false
    }

    /// The message as this server takes it. Where 8BITMIME is not offered, eight-bit content is converted as far as it can
    /// be (RFC 6152 section 3). What cannot be is sent as it is: servers that really lose the eighth bit are gone, and a
    /// broken signature is worse. A header in UTF-8 goes with SMTPUTF8, which takes the body along.
    fn content(&mut self, offered: &Capabilities) -> Bytes {
        let takes_all = offered.eight_bit_mime || (offered.smtputf8 && self.needs_smtputf8);
        if takes_all || self.job.content.is_ascii() {
            return self.job.content.clone();
        }
        let converted = self.seven_bit.get_or_insert_with(|| SevenBit::of(&self.job.content));
        converted.content.clone()
    }

    fn request(&mut self, offered: &Capabilities, count: usize) -> Request<'a> {
        let content = self.content(offered);
        let chunk = &self.pending[..count];
        let smtputf8 =
            offered.smtputf8 && (self.needs_smtputf8 || chunk.iter().any(|(_, mailbox)| mailbox.needs_smtputf8()));
        let mut parameters = Vec::new();
        if offered.size.is_some() {
            parameters.push(MailParameter::Size(content.len()));
        }
        if offered.eight_bit_mime && !content.is_ascii() {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if smtputf8 {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let from = self.return_path.as_ref().map(|mailbox| mailbox.to_address(smtputf8));
        Request {
            mail: Mail::new(from, parameters).to_string(),
            rcpts: chunk
                .iter()
                .map(|(_, mailbox)| Rcpt::new(mailbox.to_address(smtputf8), Vec::new()).to_string())
                .collect(),
            content,
            may_commit: self.may_commit,
        }
    }

    /// Takes over what came of the first `count` pending recipients.
    fn settle(&mut self, done: Done, count: usize) {
        if count > 1
            && let Some(fault) = &done.stopped
            && fault.stage == Stage::Data
            && fault.outcome().hint == Some(Hint::SplitRecipients)
        {
            // Some servers count the recipients only at DATA, and do not say how many they take.
            self.limit = count / 2;
            return;
        }
        let mut accepted = 0;
        let mut again = Vec::new();
        for ((place, mailbox), verdict) in self.pending.drain(..count).zip(done.verdicts) {
            self.outcomes[place] = match verdict {
                Verdict::Accepted(reply) => {
                    if accepted == 0 {
                        self.ids.extend(provider_message_id(&reply.text));
                    }
                    accepted += 1;
                    Some(Outcome::accepted(Stage::Body, reply))
                }
                Verdict::Refused(fault) => Some(confirmed(fault.outcome(), self.login_refused)),
                Verdict::NextTransaction => {
                    again.push((place, mailbox));
                    None
                }
            };
        }
        if !again.is_empty() {
            // The server has shown how many it takes.
            self.limit = accepted.max(1);
            self.pending.splice(..0, again);
        }
        if let Some(fault) = &done.stopped {
            self.fail_pending(fault);
        }
    }

    /// Gives the same outcome to all that have none yet.
    fn fail_pending(&mut self, fault: &Fault) {
        if !matches!(fault.cause, Cause::Reply(_)) {
            self.detail.get_or_insert_with(|| fault.detail());
        }
        let outcome = confirmed(fault.outcome(), self.login_refused);
        for (place, _) in self.pending.drain(..) {
            self.outcomes[place] = Some(outcome.clone());
        }
    }

    /// The session can take no further message.
    fn is_spent(&self, session: &Session) -> bool {
        let allowed = self.target.settings.max_messages.max(1);
        session.broken || session.transactions >= allowed.min(session.offered.mail_max.unwrap_or(u32::MAX))
    }

    fn report(self) -> SendReport {
        let nobody = || {
            let text = (503, (5, 5, 1), "The message has no recipients");
            Fault::refused_here(Stage::RcptTo, Class::MessageRefused, None, "local.no_recipients", text).outcome()
        };
        let overall = overall(self.outcomes.iter().flatten()).cloned().unwrap_or_else(nobody);
        let recipients = self.job.recipients.iter().zip(self.outcomes);
        SendReport {
            outcomes: recipients
                .map(|(recipient, outcome)| RecipientOutcome {
                    position: recipient.position,
                    outcome: outcome.unwrap_or_else(|| overall.clone()),
                })
                .collect(),
            overall,
            provider_message_id: (!self.ids.is_empty()).then(|| self.ids.join(MESSAGE_ID_SEPARATOR)),
            detail: self.detail,
            note: self.seven_bit.map(|seven_bit| seven_bit.note),
        }
    }
}

/// A message for servers without 8BITMIME.
struct SevenBit {
    content: Bytes,
    /// Change made to it, for the timeline.
    note: String,
}

impl SevenBit {
    fn of(raw: &Bytes) -> Self {
        let done = to_seven_bit(raw);
        let parts = match done.converted {
            1 => "one part was".to_owned(),
            several => format!("{several} parts were"),
        };
        let left = match done.left {
            None => "",
            Some(Left::Signed) => "what is signed was sent as it is",
            Some(Left::Header) => "the header was sent as it is",
            Some(Left::Structure) => "what cannot be converted was sent as it is",
        };
        let what = match (done.converted, left) {
            (0, left) => left.to_owned(),
            (_, "") => format!("{parts} converted to quoted-printable or base64"),
            (_, left) => format!("{parts} converted to quoted-printable or base64, {left}"),
        };
        Self {
            content: done.content.map_or_else(|| raw.clone(), Bytes::from),
            note: format!("this server does not offer 8BITMIME: {what}"),
        }
    }
}

/// Marks a refusal of the credentials that is the second in this attempt.
fn confirmed(outcome: Outcome, login_refused: bool) -> Outcome {
    Outcome {
        confirmed: login_refused && outcome.class == Class::Auth,
        ..outcome
    }
}

/// The header section of a message.
fn header_of(content: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(content, b"\r\n\r\n").unwrap_or(content.len());
    &content[..end]
}
