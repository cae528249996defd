use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::outcome::BlockKind;

fn smtp(stage: Stage, code: u16, text: &str) -> Classified {
    classify_smtp(stage, &Reply::parse(code, [text]))
}

fn api(kind: ProviderKind, status: u16, code: &str, message: &str) -> Class {
    classify_api(kind, status, code, message, None).class
}

/// Each row decides its own examples, and no row before it does.
#[test]
fn every_smtp_row_decides_its_own_examples() {
    for rule in SMTP.iter().copied().flatten() {
        assert!(!rule.examples.is_empty(), "{} has no example", rule.name);
        for (stage, code, text) in rule.examples {
            let found = smtp(*stage, *code, text);
            assert_eq!(
                (found.rule, found.class),
                (rule.name, rule.class),
                "{stage} {code} {text}"
            );
        }
    }
}

#[test]
fn every_api_row_decides_its_own_examples() {
    for rule in API.iter().copied().flatten() {
        assert!(!rule.examples.is_empty(), "{} has no example", rule.name);
        let kind = rule.kinds.first().copied().unwrap_or(ProviderKind::Gmail);
        for (status, code, message) in rule.examples {
            let found = classify_api(kind, *status, code, message, None);
            assert_eq!(
                (found.rule, found.class),
                (rule.name, rule.class),
                "{status} {code} {message}"
            );
        }
    }
    for rule in api_common::TOKEN_RULES {
        for (status, code, message) in rule.examples {
            let found = classify_token(ProviderKind::Microsoft365, *status, code, message, None);
            assert_eq!(found.rule, rule.name, "{status} {code} {message}");
        }
    }
}

#[test]
fn rows_have_names_sources_and_lower_case_needles() {
    let smtp = SMTP
        .iter()
        .copied()
        .flatten()
        .map(|rule| (rule.name, rule.source, &rule.text));
    let apis = API.iter().copied().flatten().chain(api_common::TOKEN_RULES);
    let mut names = HashSet::new();
    for (name, source, text) in smtp.chain(apis.map(|rule| (rule.name, rule.source, &rule.text))) {
        assert!(names.insert(name), "{name} twice");
        assert!(!name.is_empty() && !source.is_empty(), "{name}: {source}");
        for needle in [text.all, text.any, text.none].into_iter().flatten() {
            assert_eq!(**needle, needle.to_ascii_lowercase(), "{name}");
        }
    }
}

#[test]
fn not_every_5xx_is_a_bad_recipient() {
    let at_rcpt = |code, text| smtp(Stage::RcptTo, code, text).class;
    assert_eq!(at_rcpt(550, "5.1.1 User unknown"), Class::RecipientRefused);
    assert_eq!(at_rcpt(550, "5.4.5 Daily user sending limit exceeded."), Class::Quota);
    assert_eq!(
        at_rcpt(550, "5.7.30 Basic authentication is not supported"),
        Class::Auth
    );
    assert_eq!(at_rcpt(554, "5.7.1 <a@b.example>: Relay access denied"), Class::Config);
    assert_eq!(
        at_rcpt(553, "5.7.1 <a@b.example>: Sender address rejected: not owned by user x"),
        Class::SenderRefused
    );
    assert_eq!(at_rcpt(550, "5.1.90 You've reached your daily limit"), Class::Quota);
    assert_eq!(
        at_rcpt(550, "5.4.1 Recipient address rejected: Access denied"),
        Class::RecipientRefused
    );
    assert_eq!(at_rcpt(550, "5.4.5 System congestion"), Class::RecipientRefused);
}

#[test]
fn one_exception_of_ses_has_two_meanings() {
    for code in ["ThrottlingException", "Throttling", "TooManyRequestsException"] {
        assert_eq!(
            api(ProviderKind::Ses, 400, code, "Maximum sending rate exceeded."),
            Class::Throttled
        );
        assert_eq!(
            api(ProviderKind::ManagedSes, 400, code, "Daily message quota exceeded."),
            Class::Quota
        );
    }
    assert_eq!(
        smtp(Stage::Body, 454, "Throttling failure: Maximum sending rate exceeded.").class,
        Class::Throttled
    );
    assert_eq!(
        smtp(Stage::Body, 454, "Throttling failure: Daily message quota exceeded.").class,
        Class::Quota
    );
}

#[test]
fn the_meaning_of_552_depends_on_the_stage() {
    let text = "Requested mail action aborted: exceeded storage allocation";
    let rcpt = smtp(Stage::RcptTo, 552, text);
    assert_eq!((rcpt.class, rcpt.hint), (Class::Deferred, Some(Hint::SplitRecipients)));
    for stage in [Stage::MailFrom, Stage::Body] {
        let size = smtp(stage, 552, text);
        assert_eq!((size.class, size.hint), (Class::MessageRefused, Some(Hint::TooLarge)));
    }
    assert_eq!(
        smtp(Stage::RcptTo, 552, "5.2.2 Mailbox full").class,
        Class::RecipientRefused
    );
    let content = smtp(
        Stage::Body,
        552,
        "5.7.0 This message was blocked because of its content",
    );
    assert_eq!((content.class, content.hint), (Class::MessageRefused, None));
}

#[test]
fn the_meaning_of_554_5_7_1_depends_on_the_stage() {
    assert_eq!(
        smtp(Stage::RcptTo, 554, "5.7.1 <a@b.example>: Relay access denied").class,
        Class::Config
    );
    assert_eq!(
        smtp(Stage::Body, 554, "5.7.1 Spam message rejected").class,
        Class::MessageRefused
    );
    assert_eq!(
        smtp(Stage::Body, 554, "5.7.1 Relay access denied by content filter").class,
        Class::MessageRefused
    );
    assert_eq!(
        smtp(Stage::MailFrom, 554, "5.7.1 Not for you").class,
        Class::SenderRefused
    );
    assert_eq!(
        smtp(Stage::RcptTo, 554, "5.7.1 Not for you").class,
        Class::RecipientRefused
    );
}

#[test]
fn a_rate_of_the_account_is_not_a_rate_of_the_recipient() {
    let at_rcpt = |text| smtp(Stage::RcptTo, 450, text).class;
    assert_eq!(
        at_rcpt("4.2.1 Peak SMTP relay limit exceeded for customer."),
        Class::Throttled
    );
    assert_eq!(at_rcpt("4.7.1 Message rate of this account exceeded"), Class::Throttled);
    assert_eq!(at_rcpt("4.2.1 Message rate of this account exceeded"), Class::Deferred);
    assert_eq!(
        at_rcpt("4.2.1 The user you are trying to contact is receiving mail at a rate that"),
        Class::Deferred
    );
    assert_eq!(
        at_rcpt("4.2.1 The user you are trying to contact is receiving mail too quickly."),
        Class::Deferred
    );
    assert_eq!(at_rcpt("4.2.1 Mailbox temporarily disabled"), Class::Deferred);
    assert_eq!(at_rcpt("4.2.2 Mailbox over quota"), Class::Deferred);
    assert_eq!(at_rcpt("4.7.1 Greylisted, try again in 60 seconds"), Class::Deferred);
}

#[test]
fn a_421_is_read_before_it_is_taken_for_a_lost_connection() {
    let body = |text| smtp(Stage::Body, 421, text);
    assert_eq!(body("Service not available").class, Class::Connection);
    assert_eq!(
        body("4.7.0 Try again later, closing connection.").class,
        Class::Connection
    );
    assert_eq!(body("4.7.28 unusual rate of unsolicited mail").class, Class::Throttled);
    assert_eq!(body("Too many concurrent SMTP connections").class, Class::Throttled);
    assert_eq!(body("4.2.0 Greylisted").class, Class::Deferred);
    let asked = body("4.7.0 Busy, try again after 2 minutes");
    assert_eq!(
        (asked.class, asked.retry_after),
        (Class::Throttled, Some(Duration::from_secs(120)))
    );
}

#[test]
fn a_454_is_read_by_stage_and_text() {
    assert_eq!(
        smtp(Stage::Auth, 454, "4.7.0 Temporary authentication failure").class,
        Class::Deferred
    );
    assert_eq!(
        smtp(
            Stage::Auth,
            454,
            "4.7.0 Too many login attempts, please try again later"
        )
        .class,
        Class::Throttled
    );
    assert_eq!(
        smtp(Stage::StartTls, 454, "4.7.0 TLS not available due to local problem").class,
        Class::Connection
    );
    assert_eq!(smtp(Stage::RcptTo, 454, "4.7.0 Not now").class, Class::Deferred);
    assert_eq!(
        smtp(Stage::MailFrom, 454, "4.7.1 daily limit reached").class,
        Class::Quota
    );
    assert_eq!(
        smtp(Stage::MailFrom, 451, "You may send 500 messages in 24 hours").class,
        Class::Quota
    );
}

#[test]
fn a_530_may_ask_for_tls_or_for_a_login() {
    assert_eq!(
        smtp(Stage::MailFrom, 530, "5.7.0 Must issue a STARTTLS command first").class,
        Class::Config
    );
    assert_eq!(
        smtp(Stage::MailFrom, 530, "5.7.0 Authentication Required.").class,
        Class::Auth
    );
    assert_eq!(
        smtp(Stage::MailFrom, 530, "5.7.57 Client not authenticated to send mail").class,
        Class::Auth
    );
}

#[test]
fn a_full_mailbox_may_be_the_senders() {
    let own = "5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionQuotaExceeded";
    assert_eq!(smtp(Stage::Body, 554, own).class, Class::Quota);
    assert_eq!(
        smtp(Stage::Body, 554, "5.2.2 mailbox full").class,
        Class::RecipientRefused
    );
}

#[test]
fn a_reply_no_row_knows_keeps_its_permanence() {
    let transient = smtp(Stage::MailFrom, 455, "Unable to accommodate parameters");
    assert_eq!(
        (transient.class, transient.permanent, transient.rule),
        (Class::Other, false, "other")
    );
    let permanent = smtp(Stage::Data, 503, "Bad sequence of commands");
    assert_eq!((permanent.class, permanent.permanent), (Class::Other, true));
}

#[test]
fn accepted_is_accepted_whatever_the_text_says() {
    let greeting = "Ok: queued, greylisted 5.4.5 daily limit, throttling, try again in 60 seconds";
    let found = smtp(Stage::Body, 250, greeting);
    assert_eq!((found.class, found.retry_after), (Class::Accepted, None));
    let graph = classify_api(ProviderKind::Microsoft365, 202, "", "", Some(Duration::from_secs(9)));
    assert_eq!((graph.class, graph.retry_after), (Class::Accepted, None));
}

#[test]
fn http_5xx_is_unknown_at_graph_only() {
    assert_eq!(
        api(ProviderKind::Microsoft365, 503, "ErrorServerBusy", ""),
        Class::Unknown
    );
    assert_eq!(api(ProviderKind::Gmail, 503, "backendError", ""), Class::Connection);
    assert_eq!(api(ProviderKind::Ses, 500, "InternalFailure", ""), Class::Connection);
    let token = classify_token(ProviderKind::Microsoft365, 503, "temporarily_unavailable", "", None);
    assert_eq!(token.class, Class::Connection);
}

#[test]
fn retry_after_is_a_throttle_and_is_kept() {
    let asked = Some(Duration::from_secs(7));
    let found = classify_api(ProviderKind::Microsoft365, 429, "ApplicationThrottled", "", asked);
    assert_eq!((found.class, found.retry_after), (Class::Throttled, asked));
    let found = classify_api(ProviderKind::Gmail, 503, "", "", asked);
    assert_eq!((found.class, found.retry_after), (Class::Throttled, asked));
}

#[test]
fn gmail_tells_the_quota_from_the_rate() {
    let gmail = |status, code, message| api(ProviderKind::Gmail, status, code, message);
    assert_eq!(gmail(403, "dailyLimitExceeded", ""), Class::Quota);
    assert_eq!(gmail(403, "rateLimitExceeded", ""), Class::Throttled);
    assert_eq!(
        gmail(429, "rateLimitExceeded", "User-rate limit exceeded. (Mail sending)"),
        Class::Quota
    );
    assert_eq!(
        gmail(429, "rateLimitExceeded", "Too many concurrent requests for user"),
        Class::Throttled
    );
}

#[test]
fn an_error_of_the_installation_blocks_no_mailbox() {
    for number in ["AADSTS7000222", "AADSTS7000215", "AADSTS700016"] {
        let message = format!("{number}: the application is not right");
        let outcome = Outcome::from_token(ProviderKind::Microsoft365, 401, "invalid_client", &message, None);
        assert_eq!(outcome.class, Class::Config);
        assert_eq!(outcome.effect_on_provider(), ProviderEffect::TellOperator);
        assert_eq!(outcome.effect_on_message(), MessageEffect::AnotherOrRetry);
    }
    let mut revoked = Outcome::from_token(
        ProviderKind::Gmail,
        400,
        "invalid_grant",
        "Token has been revoked",
        None,
    );
    revoked.confirmed = true;
    assert_eq!(revoked.effect_on_provider(), ProviderEffect::Block(BlockKind::Auth));
}

/// Microsoft's `invalid_grant` is not always about the grant, and a number may be the beginning of another.
#[test]
fn microsofts_numbers_are_read_before_the_word() {
    let token = |text| classify_token(ProviderKind::Microsoft365, 400, "invalid_grant", text, None);
    assert_eq!(
        token("AADSTS50196: The server terminated an operation because it encountered a loop.").class,
        Class::Throttled
    );
    assert_eq!(
        token("AADSTS90033: A transient error has occurred.").class,
        Class::Connection
    );
    assert_eq!(token("AADSTS900330: Some other error.").rule, "token_grant");
    assert_eq!(
        token("AADSTS700082: The refresh token has expired.").rule,
        "token_grant"
    );
}

/// Exchange answers 500 to some refusals that are certain; after its other 5xx the outcome is unknown.
#[test]
fn a_5xx_of_graph_is_unknown_unless_its_code_says_more() {
    let graph = |code| api(ProviderKind::Microsoft365, 500, code, "");
    assert_eq!(graph("ErrorSubmissionQuotaExceeded"), Class::Quota);
    assert_eq!(graph("ErrorMailboxMoveInProgress"), Class::Connection);
    assert_eq!(graph("ErrorMimeContentConversionFailed"), Class::MessageRefused);
    for code in [
        "ErrorMailboxStoreUnavailable",
        "ErrorTooManyObjectsOpened",
        "",
        "UnknownError",
    ] {
        assert_eq!(graph(code), Class::Unknown, "{code}");
    }
}

#[test]
fn silence_is_unknown_once_the_provider_may_hold_the_message() {
    for fault in [IoFault::Timeout, IoFault::Reset] {
        for stage in [Stage::Body, Stage::AfterBody, Stage::Response] {
            let outcome = Outcome::from_io(stage, fault);
            assert_eq!(outcome.class, Class::Unknown);
            assert_eq!(outcome.effect_on_message(), MessageEffect::NextRound);
            assert_eq!(
                outcome.effect_on_provider(),
                ProviderEffect::Failure(BlockKind::Connection)
            );
        }
        for stage in [Stage::Connect, Stage::Ehlo, Stage::RcptTo, Stage::Data, Stage::Request] {
            let outcome = Outcome::from_io(stage, fault);
            assert_eq!(outcome.class, Class::Connection);
            assert_eq!(outcome.effect_on_message(), MessageEffect::AnotherOrRetry);
        }
    }
    assert_eq!(
        classify_io(Stage::Tls, IoFault::CertificateMismatch).class,
        Class::Config
    );
    assert_eq!(
        classify_io(Stage::Connect, IoFault::NoSuchName).class,
        Class::Connection
    );
    assert_eq!(
        classify_io_in_test(Stage::Connect, IoFault::NoSuchName).class,
        Class::Config
    );
    assert_eq!(
        classify_io_in_test(Stage::Connect, IoFault::Timeout).class,
        Class::Connection
    );
}

#[test]
fn faults_of_recipient_message_and_sender_never_count_against_the_provider() {
    let effect = |stage, code, text| Outcome::from_smtp(stage, Reply::parse(code, [text])).effect_on_provider();
    assert_eq!(effect(Stage::RcptTo, 550, "5.1.1 User unknown"), ProviderEffect::None);
    assert_eq!(effect(Stage::Body, 554, "5.6.0 Bad content"), ProviderEffect::None);
    assert_eq!(
        effect(Stage::MailFrom, 553, "5.1.8 Bad sender"),
        ProviderEffect::LeaveOutSender
    );
    assert_eq!(effect(Stage::RcptTo, 451, "4.2.0 Greylisted"), ProviderEffect::None);
    assert_eq!(effect(Stage::Data, 503, "Bad sequence"), ProviderEffect::None);
    assert_eq!(
        effect(Stage::MailFrom, 555, "Parameters?"),
        ProviderEffect::Failure(BlockKind::Connection)
    );
}

#[test]
fn a_message_too_large_here_is_tried_elsewhere() {
    let outcome = Outcome::from_smtp(
        Stage::MailFrom,
        Reply::parse(552, ["5.3.4 Message size exceeds fixed limit"]),
    );
    assert_eq!(outcome.effect_on_message(), MessageEffect::AnotherOrFail);
    let content = Outcome::from_smtp(Stage::Body, Reply::parse(554, ["5.7.1 Spam"]));
    assert_eq!(content.effect_on_message(), MessageEffect::Fails);
}

/// Servers use the same words about a recipient as about the account.
#[test]
fn what_is_said_of_a_recipient_does_not_touch_the_provider() {
    for (stage, code, text) in [
        (
            Stage::Body,
            550,
            "invalid mailbox. Local mailbox a@example.com is unavailable: account is disabled",
        ),
        (
            Stage::Body,
            552,
            "5.2.2 <a@example.com>: account disabled temporarily for exceeding receiving limits",
        ),
        (Stage::Body, 552, "5.2.2 <a@example.com>: too much mail data"),
        (Stage::Body, 552, "too much mail data"),
        (Stage::RcptTo, 552, "user has too many messages on the server"),
        (Stage::Body, 450, "user has too many messages on the server"),
        (Stage::Body, 550, "The account is suspended"),
        (Stage::RcptTo, 452, "This recipient has exceeded the daily limit"),
        (Stage::RcptTo, 450, "Mailbox busy: too many concurrent deliveries"),
        (Stage::Body, 451, "Mailbox is locked, try again in 60 seconds"),
        (Stage::Body, 452, "The user can receive 100 messages per hour"),
        (Stage::RcptTo, 550, "The mailbox has exceeded your quota"),
        (
            Stage::RcptTo,
            550,
            "5.7.1 RESOLVER.RST.AuthRequired; authentication required",
        ),
        (
            Stage::Body,
            550,
            "5.7.1 authentication required: the message passes neither SPF nor DKIM",
        ),
        (Stage::Body, 550, "5.7.9 The sender is unauthenticated."),
        (Stage::RcptTo, 550, "The recipient domain requires TLS"),
        (
            Stage::Body,
            550,
            "5.7.10 STARTTLS is not offered by the server of the recipient",
        ),
        (Stage::RcptTo, 550, "You are not authorized to send to this recipient"),
        (
            Stage::RcptTo,
            554,
            "5.7.1 Service unavailable; Recipient address [a@example.com] blocked using dbl.spamhaus.org",
        ),
        (Stage::RcptTo, 550, "sorry, daily quota exceeded (#5.2.2)"),
        (Stage::RcptTo, 550, "#5.1.1 relaying denied"),
    ] {
        let outcome = Outcome::from_smtp(stage, Reply::parse(code, [text]));
        assert_eq!(
            outcome.effect_on_provider(),
            ProviderEffect::None,
            "{stage} {code} {text}: {}",
            outcome.rule
        );
    }
}

#[test]
fn what_is_said_of_the_account_still_does() {
    for (stage, code, text, class) in [
        (Stage::MailFrom, 550, "Account is disabled", Class::Config),
        (Stage::Body, 550, "Your account has been suspended", Class::Config),
        (
            Stage::RcptTo,
            550,
            "Mailbox exceeded its daily sending limit",
            Class::Quota,
        ),
        (
            Stage::RcptTo,
            450,
            "4.7.1 too many messages from your address, try later",
            Class::Throttled,
        ),
        (
            Stage::RcptTo,
            550,
            "Domain example.com has exceeded the max emails per hour (100/100 (100%)) allowed",
            Class::Throttled,
        ),
        (Stage::Body, 451, "4.7.0 try again in 60 seconds", Class::Throttled),
    ] {
        assert_eq!(smtp(stage, code, text).class, class, "{stage} {code} {text}");
    }
}

/// Stages at which a reply may be about a recipient.
const FROM_RCPT: [Stage; 3] = [Stage::RcptTo, Stage::Data, Stage::Body];

/// True if a rule is in one of the tables of a provider's own wording, which come before all codes.
fn is_own_wording(rule: &str) -> bool {
    let own = [smtp_google::RULES, smtp_amazon::RULES, smtp_microsoft::RULES];
    own.into_iter().flatten().any(|row| row.name == rule)
}

/// Checks a reply with X.1.x or X.2.x, which is about an address or a mailbox: at most the sender's address is refused
/// by it, and the provider is not affected otherwise.
fn spares_the_provider(stage: Stage, code: u16, enhanced: (u16, u16), text: &str) -> Result<(), String> {
    let text = format!("{}.{}.{} {text}", code / 100, enhanced.0, enhanced.1);
    let outcome = Outcome::from_smtp(stage, Reply::parse(code, [&text]));
    let spared = match outcome.effect_on_provider() {
        ProviderEffect::None => true,
        ProviderEffect::LeaveOutSender => enhanced.0 == 1 && outcome.rule.starts_with("enhanced_"),
        _ => false,
    };
    if spared || is_own_wording(outcome.rule) {
        return Ok(());
    }
    Err(format!("{stage} {code} {text}: {}", outcome.rule))
}

#[test]
fn a_code_of_a_recipient_outweighs_the_words_of_every_row() {
    for rule in SMTP.iter().copied().flatten() {
        for (_, code, text) in rule.examples.iter().filter(|(_, code, _)| *code >= 400) {
            let text = Reply::parse(*code, [text]).text;
            for (stage, detail) in FROM_RCPT.into_iter().flat_map(|stage| (0..10).map(move |d| (stage, d))) {
                for subject in [1, 2] {
                    spares_the_provider(stage, *code, (subject, detail), &text).unwrap();
                }
            }
        }
    }
}

fn any_needles() -> impl Strategy<Value = Vec<&'static str>> {
    let texts = SMTP.iter().copied().flatten().map(|rule| &rule.text);
    let needles: Vec<_> = texts
        .flat_map(|text| text.all.iter().chain(text.any).copied())
        .collect();
    prop::collection::vec(prop::sample::select(needles), 0..4)
}

fn any_stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(Stage::ALL)
}

proptest! {
    /// Any code and any text has a class, and a positive reply is never classified as a refusal of a recipient or
    /// message.
    #[test]
    fn classification_is_total(stage in any_stage(), code in any::<u16>(), lines in prop::collection::vec(".{0,80}", 0..4)) {
        let reply = Reply::parse(code, &lines);
        prop_assert!(reply.text.chars().count() <= crate::outcome::REPLY_TEXT_MAX);
        let found = classify_smtp(stage, &reply);
        if code < 400 {
            prop_assert!(matches!(found.class, Class::Accepted | Class::Connection));
        } else {
            prop_assert_ne!(found.class, Class::Accepted);
        }
        let outcome = Outcome::from_smtp(stage, reply);
        prop_assert_eq!(outcome.effect_on_message() == MessageEffect::Sent, outcome.class == Class::Accepted);
    }

    /// Any mixture of the tables' words, with any enhanced code, has one class, and 2yz is still a success.
    #[test]
    fn words_of_the_tables_in_any_mixture(
        stage in any_stage(),
        code in prop::sample::select(vec![250u16, 421, 432, 450, 451, 452, 454, 530, 535, 550, 552, 553, 554]),
        enhanced in (2u8..6, 0u16..9, 0u16..31),
        words in prop::collection::vec(prop::sample::select(vec![
            "daily", "limit", "quota", "greylisted", "rate limit", "starttls", "relay denied", "mailbox full",
            "try again in 60 seconds", "sender address rejected", "not authorized to perform", ":identity/",
        ]), 0..5),
    ) {
        let text = format!("{}.{}.{} {}", enhanced.0, enhanced.1, enhanced.2, words.join(" "));
        let found = smtp(stage, code, &text);
        prop_assert_eq!(found.permanent, code >= 500);
        prop_assert!(found.class == Class::Throttled || found.retry_after.is_none());
    }

    /// Any mixture of the rows' words, with a code that is about a recipient.
    #[test]
    fn a_code_of_a_recipient_outweighs_all_words(
        stage in prop::sample::select(FROM_RCPT.to_vec()),
        code in prop::sample::select(vec![421u16, 450, 451, 452, 454, 530, 535, 550, 551, 552, 553, 554]),
        enhanced in (1u16..3, 0u16..31),
        needles in any_needles(),
    ) {
        prop_assert_eq!(spares_the_provider(stage, code, enhanced, &needles.join(" ")), Ok(()));
    }

    #[test]
    fn api_classification_is_total(
        kind in prop::sample::select(ProviderKind::ALL),
        status in any::<u16>(),
        code in ".{0,20}",
        message in ".{0,80}",
    ) {
        let found = classify_api(kind, status, &code, &message, None);
        prop_assert_eq!(found.class == Class::Accepted, (200..300).contains(&status));
        classify_token(kind, status, &code, &message, None);
        asked_until(&message);
    }
}
