//! Words for points in time, lengths of time, sizes and names.

use crate::model::Moment;
use sendmux_domain::error::capitalised;
use sendmux_rules::Timestamp;
use time::OffsetDateTime;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A point in time, as it looks from `now`.
pub fn moment(at: Timestamp, now: Timestamp) -> Moment {
    let utc = utc(at);
    let (day, month, year) = (utc.day(), month(&utc), utc.year());
    let (hour, minute, second) = (utc.hour(), utc.minute(), utc.second());
    let number = u8::from(utc.month());
    Moment {
        iso: format!("{year:04}-{number:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
        text: relative(at, now).unwrap_or_else(|| {
            if year == self::utc(now).year() {
                format!("{day} {month}, {hour:02}:{minute:02}")
            } else {
                format!("{day} {month} {year}")
            }
        }),
        full: format!("{day} {month} {year}, {hour:02}:{minute:02}:{second:02} UTC"),
        seconds: (at.as_millis() - now.as_millis()).div_euclid(1_000),
    }
}

/// `14:00`, in UTC.
pub fn hour(at: Timestamp) -> String {
    format!("{:02}:00", utc(at).hour())
}

/// A length of time: `340 ms`, `2.1 s`, `1 min 5 s`.
pub fn duration(millis: u32) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// A size: `812 bytes`, `14 KB`, `2.4 MB` (of 1,024).
pub fn size(bytes: u64) -> String {
    const KB: u64 = 1_024;
    const MB: u64 = KB * KB;
    match bytes {
        1 => "1 byte".to_owned(),
        0..KB => format!("{bytes} bytes"),
        KB..MB => format!("{} KB", bytes.div_ceil(KB)),
        _ => format!("{}.{} MB", bytes / MB, bytes % MB * 10 / MB),
    }
}

/// The name of a role, a state or a kind, as a label: a capital letter at its beginning, and blanks for underscores.
pub fn label(name: &str) -> String {
    capitalised(&name.replace('_', " "))
}

/// Within a day, in words; farther away the date says more.
fn relative(at: Timestamp, now: Timestamp) -> Option<String> {
    let seconds = (at.as_millis() - now.as_millis()) / 1_000;
    let words = match seconds.abs() {
        0..10 if seconds <= 0 => return Some("just now".to_owned()),
        length @ 0..MINUTE => format!("{length} s"),
        length @ MINUTE..HOUR => format!("{} min", length / MINUTE),
        length @ HOUR..DAY => format!("{} h", length / HOUR),
        _ => return None,
    };
    Some(if seconds > 0 {
        format!("in {words}")
    } else {
        format!("{words} ago")
    })
}

fn utc(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_millis().div_euclid(1_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn month(utc: &OffsetDateTime) -> &'static str {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    NAMES[usize::from(u8::from(utc.month())) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_442_709_000); // 2026-11-23T14:05:09Z

    fn ago(seconds: i64) -> String {
        moment(Timestamp::from_millis(NOW.as_millis() - seconds * 1_000), NOW).text
    }

    #[test]
    fn near_times_are_relative_and_far_ones_are_dates() {
        for (seconds, text) in [
            (0, "just now"),
            (9, "just now"),
            (10, "10 s ago"),
            (90, "1 min ago"),
            (3 * HOUR + 1, "3 h ago"),
            (-30, "in 30 s"),
            (-2 * HOUR, "in 2 h"),
            (2 * DAY, "21 Nov, 14:05"),
            (400 * DAY, "19 Oct 2025"),
        ] {
            assert_eq!(ago(seconds), text);
        }
    }

    #[test]
    fn the_machine_readable_form_is_rfc_3339() {
        let moment = moment(NOW, NOW);
        assert_eq!(moment.iso, "2026-11-23T14:05:09Z");
        assert_eq!(moment.full, "23 Nov 2026, 14:05:09 UTC");
    }

    #[test]
    fn sizes_and_durations() {
        assert_eq!(
            [size(0), size(1), size(1_025), size(26_214_400)].join(", "),
            "0 bytes, 1 byte, 2 KB, 25.0 MB"
        );
        assert_eq!(
            [duration(340), duration(2_149), duration(65_000)].join(", "),
            "340 ms, 2.1 s, 1 min 5 s"
        );
    }
}
