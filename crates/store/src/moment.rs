//! Points in time, written as PocketBase writes them.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The current time in UTC with milliseconds: `2026-11-23 06:17:03.216Z`.
#[must_use]
pub fn now() -> String {
    format_timestamp(Timestamp::now())
}

/// `at` in UTC with milliseconds: `2026-11-23 06:17:03.216Z`.
#[must_use]
pub fn format_timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S.%3fZ").to_string()
}

/// `text` as a stored date, empty where it is none. Understands what PocketBase does: RFC 3339 with a space or a `T`, with
/// or without a fraction, offset, seconds or time at all, and seconds since 1970.
#[must_use]
pub fn normalize_date(text: &str) -> String {
    let text = text.trim();
    if is_normal(text) {
        return text.to_owned();
    }
    parse_date(text).map(format_timestamp).unwrap_or_default()
}

/// The point in time that `text` names, read as in [`normalize_date`]; without an offset it is UTC.
#[must_use]
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Ok(seconds) = text.parse::<i64>() {
        // Four digits are a year on its own, not a second of 1970.
        if text.len() > 4 {
            return Timestamp::from_second(seconds).ok();
        }
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil = text.parse::<DateTime>().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

/// Whether `text` has exactly the stored form; the values are not looked at, they came from here.
fn is_normal(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 24
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b' ',
            13 | 16 => *byte == b':',
            19 => *byte == b'.',
            23 => *byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
        && parse_date_strict(text)
}

fn parse_date_strict(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_stored_in_one_form() {
        for (given, stored) in [
            ("2024-01-02", "2024-01-02 00:00:00.000Z"),
            ("2024-01-02 03:04:05.678Z", "2024-01-02 03:04:05.678Z"),
            ("2024-01-02T03:04:05Z", "2024-01-02 03:04:05.000Z"),
            ("2024-01-02T03:04:05+02:00", "2024-01-02 01:04:05.000Z"),
            ("2024-01-02 03:04:05.678123", "2024-01-02 03:04:05.678Z"),
            ("1704164645", "2024-01-02 03:04:05.000Z"),
            ("2024-13-02 03:04:05.678Z", ""),
            ("yesterday", ""),
            ("", ""),
        ] {
            assert_eq!(normalize_date(given), stored, "{given}");
        }
    }
}
