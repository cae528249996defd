//! Date-times of RFC 5322 section 3.3.

use time::OffsetDateTime;

/// Formats a date as `Tue, 15 Nov 1994 08:12:31 +0000`. Written by hand since it must not fail, and the names must not
/// be localised.
pub(crate) fn rfc5322(date: OffsetDateTime) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (hours, minutes, _) = date.offset().as_hms();
    format!(
        "{}, {} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}",
        DAYS[usize::from(date.weekday().number_days_from_monday())],
        date.day(),
        MONTHS[usize::from(u8::from(date.month())) - 1],
        date.year(),
        date.hour(),
        date.minute(),
        date.second(),
        if date.offset().is_negative() { '-' } else { '+' },
        hours.unsigned_abs(),
        minutes.unsigned_abs(),
    )
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    #[test]
    fn formats() {
        for (date, expected) in [
            (datetime!(1994-11-15 08:12:31 UTC), "Tue, 15 Nov 1994 08:12:31 +0000"),
            (datetime!(2026-01-04 00:00:00 +5:30), "Sun, 4 Jan 2026 00:00:00 +0530"),
            (datetime!(2026-12-31 23:59:59 -0:30), "Thu, 31 Dec 2026 23:59:59 -0030"),
        ] {
            assert_eq!(super::rfc5322(date), expected);
        }
    }
}
