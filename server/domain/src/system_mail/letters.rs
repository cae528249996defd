//! Texts of the system's mails, in plain text and in HTML.

use crate::managed::{IncreaseRequest, Suspension};
use crate::settings::Settings;
use sendmux_mime::html::escaped;
use sendmux_rules::Block;
use sendmux_rules::managed::SuspensionReason;
use std::fmt::Write as _;

/// A mail of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The subject.
    pub subject: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Words of somebody else.
    Quote(String),
    /// What to do: a label and an address.
    Link(&'static str, String),
}

impl Letter {
    fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: one_line(&subject.into()),
            parts: Vec::new(),
        }
    }

    fn say(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    fn quote(mut self, text: Option<&str>) -> Self {
        self.parts.extend(text.map(|text| Part::Quote(text.to_owned())));
        self
    }

    fn link(mut self, label: &'static str, url: String) -> Self {
        self.parts.push(Part::Link(label, url));
        self
    }

    /// The letter as plain text.
    pub fn text(&self, public_url: &str) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Quote(words) => {
                    let lines: Vec<String> = words.lines().map(|line| format!("> {line}")).collect();
                    text.push_str(&lines.join("\n"));
                }
                Part::Link(label, url) => drop(write!(text, "{label}:\n{url}")),
            }
            text.push_str("\n\n");
        }
        let _ = write!(text, "-- \nSendmux at {public_url}\n");
        text
    }

    /// The letter as HTML. It fetches nothing.
    pub fn html(&self, public_url: &str) -> String {
        let mut body = String::new();
        for part in &self.parts {
            let _ = match part {
                Part::Text(words) => write!(body, "<p style=\"margin:0 0 16px\">{}</p>", escaped(words)),
                Part::Quote(words) => write!(
                    body,
                    "<blockquote style=\"margin:0 0 16px;padding:4px 0 4px 14px;border-left:3px solid #94a3b8\">{}</blockquote>",
                    escaped(words).replace('\n', "<br>")
                ),
                Part::Link(label, url) => write!(
                    body,
                    "<p style=\"margin:24px 0\"><a href=\"{0}\" style=\"display:inline-block;padding:10px 18px;\
                     border-radius:6px;background:#1d4ed8;color:#ffffff;text-decoration:none;font-weight:600\">{1}</a></p>\
                     <p style=\"margin:0 0 16px;font-size:13px\">Or open this address: \
                     <a href=\"{0}\" style=\"word-break:break-all\">{0}</a></p>",
                    escaped(url),
                    escaped(label)
                ),
            };
        }
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\
             <body style=\"margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif\">\
             <div style=\"max-width:560px;margin:0 auto\"><h1 style=\"margin:0 0 20px;font-size:20px\">{title}</h1>{body}\
             <p style=\"margin:32px 0 0;padding-top:12px;border-top:1px solid #94a3b8;font-size:13px\">\
             Sendmux at <a href=\"{url}\">{url}</a></p></div></body></html>",
            title = escaped(&self.subject),
            url = escaped(public_url),
        )
    }
}

/// Names of teams stand in subjects.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(settings: &Settings, path: &str) -> String {
    format!("{}{path}", settings.public_url)
}

/// To a new account: its address is to be verified.
pub(crate) fn verification(settings: &Settings, email: &str, token: &str) -> Letter {
    Letter::new("Verify your email address")
        .say(format!(
            "Somebody, hopefully you, has made a Sendmux account with the address {email}. Verify that it is yours: your \
             team's managed route opens with it. The link works for 7 days."
        ))
        .link("Verify the address", page(settings, &format!("/verify?token={token}")))
        .say("If it was not you, do nothing.")
}

/// To an account: a link to a new password.
pub(crate) fn password_reset(settings: &Settings, token: &str) -> Letter {
    Letter::new("Choose a new password")
        .say(
            "Somebody, hopefully you, has asked for a new password for your Sendmux account. The link works once, and for \
             an hour.",
        )
        .link("Choose a password", page(settings, &format!("/reset-password?token={token}")))
        .say("If it was not you, do nothing: your password stays as it is.")
}

/// To an account: its password was changed.
pub(crate) fn password_changed(settings: &Settings) -> Letter {
    Letter::new("Your password was changed")
        .say(
            "The password of your Sendmux account was changed. Every browser that was signed in with the old one is signed \
             out.",
        )
        .say("If it was not you, choose another one at once, and make sure that only you read this mailbox.")
        .link("Choose a new password", page(settings, "/forgot-password"))
}

/// To somebody who is to join a team.
pub(crate) fn invitation(settings: &Settings, team: &str, by: &str, role: &str, token: &str) -> Letter {
    Letter::new(format!("Join {team} on Sendmux"))
        .say(format!(
            "{by} invites you to join the team {team} as {role}. The invitation can be accepted within 7 days."
        ))
        .link(
            "Accept the invitation",
            page(settings, &format!("/invitation?token={token}")),
        )
        .say("If you do not know why you got this, do nothing.")
}

/// To the operators: a team asks for a higher cap.
pub(crate) fn increase_requested(settings: &Settings, team: &str, cap: u32) -> Letter {
    Letter::new(format!("{team} asks for more on the managed route"))
        .say(format!(
            "The team {team} has reached 80% of its cap of {cap} recipients a day on the managed route, and asks for a \
             higher one."
        ))
        .link("Review the request", page(settings, "/operator/requests"))
}

/// To whoever asked: what the operator decided.
pub(crate) fn increase_decided(settings: &Settings, team: &str, request: &IncreaseRequest) -> Letter {
    let letter = match request.granted_cap {
        Some(cap) => Letter::new(format!("Your managed route now has {cap} recipients a day")).say(format!(
            "The operator has approved the increase that you requested for the team {team}: its managed route now takes \
             {cap} recipients a day instead of {}. This holds from now on; what was waiting for the cap goes out.",
            request.current_cap
        )),
        None => Letter::new("Your request for a higher cap was denied").say(format!(
            "The operator has denied the increase that you requested for the team {team}. Its managed route keeps its cap \
             of {} recipients a day; messages above it wait for the next day, none is lost.",
            request.current_cap
        )),
    };
    let letter = match &request.note {
        Some(_) => letter.say("The operator writes:"),
        None => letter,
    };
    letter
        .quote(request.note.as_deref())
        .link("Open your providers", page(settings, "/providers"))
}

/// To the owners: their route is suspended.
pub(crate) fn suspended(settings: &Settings, team: &str, suspension: &Suspension) -> Letter {
    Letter::new("Your managed route is suspended")
        .say(format!(
            "The managed route of the team {team} is suspended: {}.",
            why(suspension)
        ))
        .say(
            "Nothing is sent through it until the operator of this installation lifts the suspension. Messages that wait \
             for it are kept, and new ones are refused unless another provider of your team is active.",
        )
        .say(
            "Remove the addresses that bounced from your lists, and send only what its recipients asked for. The managed \
             route is for transactional mail only.",
        )
        .link("See what came back", page(settings, "/providers"))
}

/// To the operators: a team's route is suspended.
pub(crate) fn team_suspended(settings: &Settings, team: &str, suspension: &Suspension) -> Letter {
    Letter::new(format!("{team} is suspended on the managed route"))
        .say(format!(
            "The team {team} was suspended on the managed route: {}.",
            why(suspension)
        ))
        .say("It stays so until you lift it.")
        .link("See the teams", page(settings, "/operator/teams"))
}

/// To the operators: the account of the managed route is refused.
pub(crate) fn account_blocked(settings: &Settings, block: &Block) -> Letter {
    Letter::new("The managed route's Amazon SES account is refused")
        .say(
            "Amazon refused what the managed route was to send, so it is pulled from rotation for all teams. What waits for \
             it is kept.",
        )
        .say("Amazon says:")
        .quote(Some(&block.cause))
        .say("It does not come back by itself: correct the account or its settings, then put it back by hand.")
        .link("Open the managed route", page(settings, "/operator/managed"))
}

/// To the owners: the suspension is lifted.
pub(crate) fn suspension_lifted(settings: &Settings, team: &str) -> Letter {
    Letter::new("Your managed route is open again")
        .say(format!(
            "The operator has lifted the suspension of the managed route of the team {team}. What was waiting goes out; \
             bounces and complaints are counted anew from now on."
        ))
        .link("Open your providers", page(settings, "/providers"))
}

/// Why a route is suspended, as a clause.
pub fn why(suspension: &Suspension) -> String {
    let feedback = suspension.feedback;
    match suspension.reason {
        SuspensionReason::Bounces => format!(
            "{} of {} recipients within 7 days bounced for good ({:.1}%; 5% is the limit)",
            feedback.hard_bounces,
            feedback.recipients,
            feedback.bounce_percent()
        ),
        SuspensionReason::Complaints => format!(
            "{} of {} recipients within 7 days complained ({:.2}%; 0.1% is the limit)",
            feedback.complaints,
            feedback.recipients,
            feedback.complaint_percent()
        ),
    }
}
