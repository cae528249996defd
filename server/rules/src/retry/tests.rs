use RecipientStatus::{Failed, Pending, Sent};

use super::*;
use crate::outcome::{IoFault, Reply, Stage};

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn smtp(stage: Stage, code: u16, text: &str) -> Outcome {
    Outcome::from_smtp(stage, Reply::parse(code, [text]))
}

fn round(number: u32, outcomes: &[Outcome]) -> Round {
    let mut round = Round::numbered(number);
    for outcome in outcomes {
        round.note(outcome);
    }
    round
}

fn end(round: &Round, waiting: Option<Waiting>) -> Next {
    round_end(&RetryPolicy::default(), &[Pending], round, waiting.as_ref(), NOW, NOW)
}

fn waiting(reason: WaitReason, opens_at: Option<Timestamp>, blocked_since: Option<Timestamp>) -> Option<Waiting> {
    Some(Waiting {
        reason,
        opens_at,
        blocked_since,
    })
}

fn failed(reason: FailReason) -> Next {
    Next::Finish {
        status: MessageStatus::Failed,
        reason: Some(reason),
    }
}

fn timeout() -> Outcome {
    Outcome::from_io(Stage::Connect, IoFault::Timeout)
}

#[test]
fn four_rounds_after_5_minutes_2_hours_and_12_hours() {
    let policy = RetryPolicy::default();
    let delays: Vec<AfterRound> = (1..=4).map(|round| after_round(&policy, round, NOW)).collect();
    assert_eq!(
        delays,
        [
            AfterRound::RetryAt(later(300)),
            AfterRound::RetryAt(later(7_200)),
            AfterRound::RetryAt(later(43_200)),
            AfterRound::Fail,
        ]
    );
    for (number, delay) in [(1, 300), (2, 7_200), (3, 43_200)] {
        let next = end(&round(number, &[timeout(), timeout()]), None);
        assert_eq!(
            next,
            Next::Retry {
                round: number + 1,
                at: later(delay)
            }
        );
    }
    assert_eq!(end(&round(4, &[timeout()]), None), failed(FailReason::RetriesExhausted));
}

#[test]
fn the_end_is_told_from_the_recipients() {
    let end = |recipients: &[RecipientStatus]| {
        round_end(&RetryPolicy::default(), recipients, &Round::first(), None, NOW, NOW)
    };
    assert_eq!(
        end(&[Sent, Sent]),
        Next::Finish {
            status: MessageStatus::Sent,
            reason: None
        }
    );
    let reason = Some(FailReason::Refused);
    assert_eq!(
        end(&[Sent, Failed]),
        Next::Finish {
            status: MessageStatus::PartiallySent,
            reason
        }
    );
    assert_eq!(
        end(&[Failed]),
        Next::Finish {
            status: MessageStatus::Failed,
            reason
        }
    );
    let last = round(4, &[timeout()]);
    let next = round_end(&RetryPolicy::default(), &[Sent, Pending], &last, None, NOW, NOW);
    let reason = Some(FailReason::RetriesExhausted);
    assert_eq!(
        next,
        Next::Finish {
            status: MessageStatus::PartiallySent,
            reason
        }
    );
}

#[test]
fn a_held_back_candidate_uses_up_no_round() {
    let cap = waiting(WaitReason::Cap, Some(later(86_400)), None);
    let next = end(&Round::first(), cap);
    let expected = Next::Wait {
        reason: WaitReason::Cap,
        opens_at: Some(later(86_400)),
        retry_at: None,
        expires_at: None,
    };
    assert_eq!(next, expected);
    assert_eq!(next.wake_at(), Some(later(86_400)));
}

#[test]
fn a_candidate_that_opens_before_the_retry_comes_first() {
    let tried = round(1, &[timeout()]);
    let soon = end(&tried, waiting(WaitReason::Throttled, Some(later(30)), None));
    assert!(matches!(soon, Next::Wait { reason: WaitReason::Throttled, retry_at: Some(at), .. } if at == later(300)));
    assert_eq!(soon.wake_at(), Some(later(30)));
    let late = end(&tried, waiting(WaitReason::Cap, Some(later(600)), None));
    assert!(matches!(
        late,
        Next::Wait {
            reason: WaitReason::Retry,
            ..
        }
    ));
    assert_eq!(late.wake_at(), Some(later(300)));
    // The time of the retry stays, however often the message is decided again.
    let settled = Round {
        retry_at: Some(later(10)),
        ..tried
    };
    assert_eq!(
        end(&settled, waiting(WaitReason::Cap, Some(later(600)), None)).wake_at(),
        Some(later(10))
    );
}

#[test]
fn the_last_round_waits_for_a_candidate_that_was_never_tried() {
    let last = round(4, &[timeout()]);
    let next = end(&last, waiting(WaitReason::Cap, Some(later(9)), None));
    assert!(matches!(
        next,
        Next::Wait {
            reason: WaitReason::Cap,
            retry_at: None,
            expires_at: None,
            ..
        }
    ));
}

#[test]
fn an_unknown_fate_and_a_deferral_go_to_no_other_provider() {
    let cut = Outcome::from_io(Stage::AfterBody, IoFault::Reset);
    let greylisted = smtp(Stage::RcptTo, 451, "4.7.1 Greylisted");
    for outcome in [cut, greylisted] {
        assert!(!outcome.effect_on_message().fails_over());
        let closed = round(1, &[outcome]);
        let open_elsewhere = waiting(WaitReason::Cap, Some(later(1)), None);
        assert_eq!(
            end(&closed, open_elsewhere),
            Next::Retry {
                round: 2,
                at: later(300)
            }
        );
    }
}

#[test]
fn a_throttled_provider_is_waited_for_and_not_counted_as_tried() {
    for outcome in [
        smtp(Stage::MailFrom, 450, "4.7.1 rate limit"),
        smtp(Stage::Body, 454, "Daily message quota exceeded"),
    ] {
        let effect = outcome.effect_on_message();
        assert!(effect.fails_over() && !effect.counts_as_tried());
        assert_eq!(round(1, &[outcome]), Round::first());
    }
}

#[test]
fn a_refused_sender_fails_only_when_no_provider_is_left() {
    let refused = smtp(Stage::MailFrom, 553, "5.1.8 Bad sender");
    assert_eq!(
        end(&round(1, std::slice::from_ref(&refused)), None),
        failed(FailReason::SenderRefused)
    );
    let with_fault = round(1, &[refused.clone(), timeout()]);
    assert_eq!(
        end(&with_fault, None),
        Next::Retry {
            round: 2,
            at: later(300)
        }
    );
    let with_blocked = end(
        &round(1, &[refused]),
        waiting(WaitReason::Blocked, Some(later(60)), Some(NOW)),
    );
    assert_eq!(with_blocked.wake_at(), Some(later(60)));
    let large = smtp(Stage::MailFrom, 552, "5.3.4 Message size exceeds fixed limit");
    assert_eq!(end(&round(1, &[large]), None), failed(FailReason::TooLarge));
    let international = smtp(Stage::MailFrom, 550, "5.6.7 Non-ASCII addresses not permitted");
    assert_eq!(end(&round(1, &[international]), None), failed(FailReason::NoSmtputf8));
    assert_eq!(end(&Round::first(), None), failed(FailReason::NoProvider));
}

#[test]
fn what_providers_lack_is_the_reason_when_it_is_the_same() {
    let why = |left_out: &[LeftOut], refusal| {
        let considered: Vec<_> = left_out
            .iter()
            .zip(1..)
            .map(|(reason, id)| Considered {
                id,
                weight: 1,
                left_out: Some(*reason),
                opens_at: None,
            })
            .collect();
        why_unserved(&considered, refusal)
    };
    for (left_out, reason) in [
        (LeftOut::TooLarge, FailReason::TooLarge),
        (LeftOut::TooManyRecipients, FailReason::TooManyRecipients),
        (LeftOut::NoSmtputf8, FailReason::NoSmtputf8),
        (LeftOut::HeaderRecipients, FailReason::HeaderRecipients),
        (LeftOut::SenderRefused, FailReason::SenderRefused),
    ] {
        assert_eq!(why(&[left_out], None), Some(reason));
        assert_eq!(why(&[LeftOut::Tried, left_out, left_out], Some(reason)), Some(reason));
        assert_eq!(why(&[left_out], Some(FailReason::Refused)), Some(FailReason::Refused));
        let with_sender = why(&[left_out, LeftOut::SenderRefused], None);
        assert_eq!(with_sender, Some(FailReason::SenderRefused));
    }
    assert_eq!(why(&[LeftOut::TooLarge, LeftOut::NoSmtputf8], None), None);
    assert_eq!(why(&[LeftOut::HeaderRecipients], Some(FailReason::TooLarge)), None);
    assert_eq!(why(&[LeftOut::Tried, LeftOut::Cap], None), None);
    assert_eq!(why(&[], None), None);
}

#[test]
fn waiting_for_nothing_but_blocked_providers_ends_after_72_hours() {
    let policy = RetryPolicy::default();
    let at = |hours: u64| later(hours * 3_600);
    let ask = |round: &Round, blocked_since, ready_since, now| {
        let waiting = Waiting {
            reason: WaitReason::Blocked,
            opens_at: None,
            blocked_since,
        };
        round_end(&policy, &[Pending], round, Some(&waiting), ready_since, now)
    };
    let first = Round::first();
    let next = ask(&first, Some(at(1)), NOW, at(2));
    assert!(
        matches!(next, Next::Wait { reason: WaitReason::Blocked, expires_at: Some(expires), .. } if expires == at(73))
    );
    assert_eq!(next.wake_at(), Some(at(73)));
    assert_eq!(ask(&first, Some(at(1)), NOW, at(73)), failed(FailReason::Expired));
    // The message is newer than the block.
    assert_eq!(ask(&first, Some(Timestamp::MIN), at(5), at(6)).wake_at(), Some(at(77)));
    // One of them is only capped: the message never expires.
    assert_eq!(ask(&first, None, NOW, at(1_000)).wake_at(), None);
    // A retry is to come: the message does not wait for blocked providers alone.
    let tried = Round {
        retry_at: Some(at(80)),
        ..round(1, &[timeout()])
    };
    let before = later(80 * 3_600 - 60);
    assert_eq!(ask(&tried, Some(NOW), NOW, before).wake_at(), Some(at(80)));
    // A retry further ahead than its delay was set by a clock that was ahead.
    assert_eq!(ask(&tried, Some(NOW), NOW, at(1)).wake_at(), Some(later(3_600 + 300)));
}

#[test]
fn an_outcome_settles_its_recipient_or_leaves_it_pending() {
    assert_eq!(recipient_status(&smtp(Stage::Body, 250, "Ok")), Sent);
    assert_eq!(recipient_status(&smtp(Stage::RcptTo, 550, "5.1.1 Unknown")), Failed);
    assert_eq!(recipient_status(&smtp(Stage::Body, 554, "5.7.1 Spam")), Failed);
    assert_eq!(recipient_status(&smtp(Stage::RcptTo, 450, "4.2.0 Later")), Pending);
    assert_eq!(recipient_status(&timeout()), Pending);
}
