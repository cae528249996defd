//! Texts of the system's mails. Each is a template in `templates/`, written once and rendered in plain text and in HTML by
//! the layout of the format. The templates are compiled in.

use crate::error::{Error, Result};
use crate::managed::Suspension;
use crate::settings::Settings;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, escape_formatter};
use sendmux_mime::html::escaped;
use sendmux_rules::managed::SuspensionReason;
use serde::Serialize;
use std::sync::LazyLock;

/// A mail of the system with what stands in it. The name of the variant is the name of its template.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "template", rename_all = "snake_case")]
pub(crate) enum Mail<'a> {
    /// To a new account: its address is to be verified.
    Verification { email: &'a str, token: &'a str },
    /// To an account: a link to a new password.
    PasswordReset { token: &'a str },
    /// To an account: its password was changed.
    PasswordChanged,
    /// To somebody who is to join a team. The team's name is not in it: its owner, perhaps a stranger, chose it.
    Invitation { by: &'a str, role: &'a str, token: &'a str },
    /// To the operators: a team asks for a higher cap.
    IncreaseRequested { team: &'a str, cap: u32 },
    /// To the account that asked: the operator's decision. No cap is granted where the request is denied.
    IncreaseDecided {
        team: &'a str,
        current_cap: u32,
        granted_cap: Option<u32>,
        note: Option<&'a str>,
    },
    /// To the owners: their route is suspended.
    Suspended { team: &'a str, cause: String },
    /// To the operators: a team's route is suspended.
    TeamSuspended { team: &'a str, cause: String },
    /// To the operators: the account of the managed route is refused.
    AccountBlocked { cause: &'a str },
    /// To the owners: the suspension is lifted.
    SuspensionLifted { team: &'a str },
}

/// A mail as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The subject, in one line.
    pub subject: String,
    /// The body in plain text.
    pub text: String,
    /// The body in HTML. It fetches nothing.
    pub html: String,
    /// True if it has a link that is a secret of its recipient.
    pub has_link: bool,
}

impl Mail<'_> {
    /// Renders the mail.
    ///
    /// # Errors
    /// [`Error::Internal`] when its template is not valid, or names what the mail does not have.
    pub fn letter(&self, settings: &Settings) -> Result<Letter> {
        render(Value::from(Serde(self)), &settings.public_url)
            .map_err(|error| Error::Internal(format!("a mail of the system: {error:#}")))
    }
}

/// The templates of mails, and the layout of each format.
const TEMPLATES: [(&str, &str); 12] = [
    ("account_blocked", include_str!("templates/account_blocked.jinja")),
    ("increase_decided", include_str!("templates/increase_decided.jinja")),
    ("increase_requested", include_str!("templates/increase_requested.jinja")),
    ("invitation", include_str!("templates/invitation.jinja")),
    ("layout.html", include_str!("templates/layout.html")),
    ("layout.txt", include_str!("templates/layout.txt")),
    ("password_changed", include_str!("templates/password_changed.jinja")),
    ("password_reset", include_str!("templates/password_reset.jinja")),
    ("suspended", include_str!("templates/suspended.jinja")),
    ("suspension_lifted", include_str!("templates/suspension_lifted.jinja")),
    ("team_suspended", include_str!("templates/team_suspended.jinja")),
    ("verification", include_str!("templates/verification.jinja")),
];

/// Every mail has two templates of one source: what is called `.html` is escaped, and what is missing is an error.
static ENVIRONMENT: LazyLock<Environment<'_>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if *state.auto_escape() == AutoEscape::Html && !value.is_safe() => {
            Ok(out.write_str(&escaped(text))?)
        }
        _ => escape_formatter(out, state, value),
    });
    environment.set_loader(|name| {
        let source = |name: &str| TEMPLATES.iter().find(|(known, _)| *known == name);
        let mail = || name.rsplit_once('.').and_then(|(mail, _format)| source(mail));
        Ok(source(name).or_else(mail).map(|(_, source)| *source))
    });
    environment
});

fn render(mail: Value, public_url: &str) -> std::result::Result<Letter, minijinja::Error> {
    let name = mail.get_attr("template")?;
    let has_link = !mail.get_attr("token")?.is_undefined();
    let render = |format: &str| {
        ENVIRONMENT
            .get_template(&format!("{name}.{format}"))?
            .render_captured(context! { layout => format!("layout.{format}"), public_url, ..mail.clone() })
    };
    let mut text = render("txt")?;
    let subject = text.with_state_mut(|state| state.render_block("subject"))?;
    Ok(Letter {
        // Names of teams stand in it.
        subject: subject.split_whitespace().collect::<Vec<_>>().join(" "),
        // Templates lose their last line end.
        text: format!("{}\n", text.output()),
        html: render("html")?.output().to_owned(),
        has_link,
    })
}

/// Cause of a suspension, as a clause.
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

#[cfg(test)]
mod tests {
    use super::*;
    use sendmux_rules::managed::Feedback;
    use std::collections::{BTreeMap, BTreeSet};

    const HOSTILE: &str = "<script>alert(\"1\")</script> & 'co'\r\nBcc: eve@example.com";

    /// Every mail, with hostile values.
    fn all() -> Vec<Mail<'static>> {
        let (team, token, note) = (HOSTILE, "t0ken", Some("First <b>line</b>\nSecond line"));
        let decided = |granted_cap, note| Mail::IncreaseDecided {
            team,
            current_cap: 50,
            granted_cap,
            note,
        };
        vec![
            Mail::Verification { email: HOSTILE, token },
            Mail::PasswordReset { token },
            Mail::PasswordChanged,
            Mail::Invitation {
                by: HOSTILE,
                role: "admin",
                token,
            },
            Mail::IncreaseRequested { team, cap: 50 },
            decided(Some(500), note),
            decided(None, None),
            Mail::Suspended {
                team,
                cause: HOSTILE.to_owned(),
            },
            Mail::TeamSuspended {
                team,
                cause: HOSTILE.to_owned(),
            },
            Mail::AccountBlocked { cause: HOSTILE },
            Mail::SuspensionLifted { team },
        ]
    }

    #[test]
    fn hostile_values_stay_words() {
        for mail in all() {
            let letter = mail.letter(&Settings::default()).unwrap();
            let Letter {
                subject, text, html, ..
            } = &letter;
            assert!(!subject.is_empty() && !subject.contains(['\r', '\n']), "{subject:?}");
            assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
            assert!(!text.contains("&lt;") && !text.contains("&amp;"), "{text}");
            assert!(!text.contains('\r') && !text.contains("\nBcc:"), "{text}");
            if format!("{mail:?}").contains("script") {
                assert!(
                    text.contains("<script>alert(\"1\")</script> & 'co'") && html.contains("&lt;script&gt;"),
                    "{letter:?}"
                );
            }
        }
    }

    #[test]
    fn a_mail_without_one_of_its_variables_is_an_error() {
        for mail in all() {
            let values = Value::from(Serde(&mail));
            let name = values.get_attr("template").unwrap();
            let template = ENVIRONMENT.get_template(&format!("{name}.txt")).unwrap();
            for variable in template.undeclared_variables(false) {
                if ["layout", "paragraph", "quote", "button", "caller"].contains(&variable.as_str()) {
                    continue;
                }
                assert!(
                    !values.get_attr(&variable).unwrap().is_undefined(),
                    "{name}: {variable}"
                );
                let missing: BTreeMap<String, Value> = values
                    .try_iter()
                    .unwrap()
                    .filter(|key| key.as_str() != Some(variable.as_str()))
                    .map(|key| (key.to_string(), values.get_item(&key).unwrap()))
                    .collect();
                let rendered = render(missing.into(), "http://localhost:3000");
                assert!(rendered.is_err(), "{name} without {variable}: {rendered:?}");
            }
        }
    }

    #[test]
    fn every_template_is_of_a_mail() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/system_mail/templates");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let known: BTreeSet<String> = TEMPLATES
            .map(|(name, _)| match name.contains('.') {
                true => name.to_owned(),
                false => format!("{name}.jinja"),
            })
            .into();
        assert_eq!(files, known);
        let used: BTreeSet<String> = all()
            .iter()
            .map(|mail| format!("{}.jinja", Value::from(Serde(mail)).get_attr("template").unwrap()))
            .collect();
        assert_eq!(used.len() + 2, known.len(), "two of them are layouts: {used:?}");
    }

    #[test]
    fn both_formats_say_the_same() {
        let letter = Mail::IncreaseDecided {
            team: "Fish & Chips",
            current_cap: 50,
            granted_cap: Some(500),
            note: Some("Welcome.\n\nMind the bounces."),
        }
        .letter(&Settings::default())
        .unwrap();
        assert_eq!(letter.subject, "Your managed route now has 500 recipients a day");
        assert_eq!(
            letter.text,
            "The operator has approved the increase that you requested for the team Fish & Chips: its managed route now \
             takes 500 recipients a day instead of 50. This takes effect now; messages that were waiting for the cap are sent.\n\
             \n\
             The operator writes:\n\
             \n\
             > Welcome.\n> \n> Mind the bounces.\n\
             \n\
             Open your providers:\n\
             http://localhost:3000/providers\n\
             \n\
             -- \n\
             Sendmux at http://localhost:3000\n"
        );
        for part in [
            "<h1 style=\"margin:0 0 20px;font-size:20px\">Your managed route now has 500 recipients a day</h1>",
            "for the team Fish &amp; Chips: its managed route now takes 500 recipients a day instead of 50.",
            "Welcome.<br><br>Mind the bounces.</blockquote>",
            "font-weight:600\">Open your providers</a>",
        ] {
            assert!(letter.html.contains(part), "{part}: {}", letter.html);
        }
    }

    #[test]
    fn the_cause_of_a_suspension_has_its_numbers() {
        let suspension = |reason| Suspension {
            reason,
            feedback: Feedback {
                recipients: 200,
                hard_bounces: 12,
                complaints: 3,
            },
            since: sendmux_rules::Timestamp::from_millis(0),
        };
        assert_eq!(
            why(&suspension(SuspensionReason::Bounces)),
            "12 of 200 recipients within 7 days bounced for good (6.0%; 5% is the limit)"
        );
        assert_eq!(
            why(&suspension(SuspensionReason::Complaints)),
            "3 of 200 recipients within 7 days complained (1.50%; 0.1% is the limit)"
        );
    }
}
