//! Delays that a provider asks for in the text of a reply.

use std::time::Duration;

use crate::time::Timestamp;

/// Words after "try again" within which the number must begin.
const REACH: usize = 5;

/// The delay in texts like "try again after 60 seconds", "please wait 5 min", "come back in 00:05:00". A number that
/// ends the text is taken as seconds.
pub fn asked_delay(text: &str) -> Option<Duration> {
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(is_punctuation))
        .collect();
    words.iter().enumerate().find_map(|(position, word)| {
        if !asks_to_wait(word) {
            return None;
        }
        let reach = &words[position + 1..];
        (0..reach.len().min(REACH)).find_map(|at| delay_at(&reach[at..]))
    })
}

fn is_punctuation(c: char) -> bool {
    !c.is_ascii_alphanumeric()
}

fn asks_to_wait(word: &str) -> bool {
    ["again", "retry", "retry-after", "wait", "back"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

/// A delay that starts with the first word: `300 seconds`, `300s`, `00:05:00`, or a last `300`.
fn delay_at(words: &[&str]) -> Option<Duration> {
    let first = words.first()?;
    if let Some(clock) = clock_time(first) {
        return Some(clock);
    }
    let digits = first.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = first.get(..digits)?.parse().ok()?;
    let unit = match (first.get(digits..)?, words.get(1)) {
        ("", None) => "s",
        ("", Some(next)) => next,
        (attached, _) => attached,
    };
    number.checked_mul(seconds_in(unit)?).map(Duration::from_secs)
}

fn seconds_in(unit: &str) -> Option<u64> {
    match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(3_600),
        _ => None,
    }
}

/// `hh:mm:ss`.
fn clock_time(word: &str) -> Option<Duration> {
    let parts: Vec<u64> = word.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts[..] {
        [hours, minutes, seconds] if hours < 100 && minutes < 60 && seconds < 60 => {
            Some(Duration::from_secs(hours * 3_600 + minutes * 60 + seconds))
        }
        _ => None,
    }
}

/// The instant in texts like Gmail's "User-rate limit exceeded. Retry after 2026-03-01T12:00:00.000Z".
pub fn asked_until(text: &str) -> Option<Timestamp> {
    text.split_whitespace().find_map(|word| {
        let word = word.trim_matches(|c: char| is_punctuation(c));
        rfc3339(word.strip_suffix(['Z', 'z'])?)
    })
}

/// `YYYY-MM-DDThh:mm:ss`, with a fraction or without, in UTC.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let numbers = |text: &str, separator| {
        text.split(separator)
            .map(|n| n.parse::<i64>().ok())
            .collect::<Option<Vec<_>>>()
    };
    let date = numbers(date, '-')?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let time = numbers(whole, ':')?;
    let ([year, month, day], [hours, minutes, seconds]) =
        (<[i64; 3]>::try_from(date).ok()?, <[i64; 3]>::try_from(time).ok()?);
    let valid = (1970..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hours)
        && (0..60).contains(&minutes)
        && (0..=60).contains(&seconds);
    if !valid {
        return None;
    }
    let fraction = format!("{fraction:0<3}");
    let millis: i64 = fraction.get(..3)?.parse().ok()?;
    let seconds = ((days_from_civil(year, month, day) * 24 + hours) * 60 + minutes) * 60 + seconds;
    Some(Timestamp::from_millis(seconds * 1_000 + millis))
}

/// Days from the Unix epoch to a date of the Gregorian calendar: years are taken to begin in March, so that the leap
/// day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let century = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    century * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_in_words() {
        let seconds = |text| asked_delay(text).map(|delay| delay.as_secs());
        for (text, expected) in [
            ("Try again after 60 seconds", 60),
            ("try again in 5 minutes.", 300),
            ("Too fast, please wait 2min", 120),
            ("Retry-After: 30", 30),
            ("please come back in 00:05:00", 300),
            ("greylisted, retry in (300s)", 300),
            ("Please try your request again after about 1 hour", 3_600),
            ("try again after 90", 90),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "try again later",
            "try again after 5 attempts",
            "user 42 unknown",
            "wait",
            "again 99999999999999999999 s",
            "again 18446744073709551615 hours",
            "wait 00:61:00",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn instants_in_words() {
        let millis = |text| asked_until(text).map(Timestamp::as_millis);
        assert_eq!(millis("Retry after 1970-01-01T00:00:01.250Z"), Some(1_250));
        assert_eq!(
            millis("User-rate limit exceeded.  Retry after 2026-03-01T12:00:00.000Z (Mail sending)"),
            Some(1_772_366_400_000)
        );
        assert_eq!(millis("2024-02-29T23:59:59Z"), Some(1_709_251_199_000));
        for text in [
            "Retry after tomorrow",
            "2026-13-01T00:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01Z",
            "é.éZ",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
