//! Points in time, written as PocketBase writes them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

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

/// `text` as a stored date, empty where it is none; see [`parse_date`].
#[must_use]
pub fn normalize_date(text: &str) -> String {
    if is_normal(text) {
        return text.to_owned();
    }
    parse_civil(text)
        .map(|utc| utc.strftime("%Y-%m-%d %H:%M:%S.%3fZ").to_string())
        .unwrap_or_default()
}

/// The point in time that `text` names; without an offset it is UTC. Understands what PocketBase does: a date alone
/// (`2024-01-02`), one with a time (`2024-01-02 03:04:05` with a space or a `T`, with or without a fraction and an offset), those of
/// RFC 2822 (`Tue, 02 Jan 2024 03:04:05 +0200`) and `02 Jan 2024`. A time needs its seconds. The last two days of the year 9999
/// are no point in time, though [`normalize_date`] keeps them.
#[must_use]
pub fn parse_date(text: &str) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(parse_civil(text)?).ok()
}

/// The date and time in UTC.
fn parse_civil(text: &str) -> Option<DateTime> {
    let text = text.trim();
    if text.as_bytes().first().is_some_and(u8::is_ascii_digit) && text.as_bytes().get(4) == Some(&b'-') {
        return parse_iso(text);
    }
    if let Ok(date) = Date::strptime("%d %b %Y", text) {
        return Some(date.to_datetime(Time::midnight()));
    }
    // jiff knows no zones by abbreviation; Go takes those it does not know for UTC, and so does this.
    let (rest, zone) = text.rsplit_once(' ')?;
    if zone.starts_with(['+', '-']) {
        let at = jiff::fmt::rfc2822::parse(text).ok()?;
        return Some(Offset::UTC.to_datetime(at.timestamp()));
    }
    let is_abbreviation = (3..=4).contains(&zone.len()) && zone.bytes().all(|byte| byte.is_ascii_uppercase());
    is_abbreviation.then(|| DateTime::strptime("%a, %d %b %Y %H:%M:%S", rest).ok())?
}

/// `2024-01-02`, then nothing or a time with seconds, then nothing, `Z` or an offset, before it a space or not.
fn parse_iso(text: &str) -> Option<DateTime> {
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let (date, rest) = text.split_at_checked(10)?;
    let date: Date = date.parse().ok()?;
    let Some(time) = rest.strip_prefix([' ', 'T']) else {
        return rest.is_empty().then(|| date.to_datetime(Time::midnight()));
    };
    let end = time.find(['Z', '+', '-', ' ']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(end);
    // jiff takes a leap second for the second before it; PocketBase refuses it.
    if clock.len() < 8 || clock.as_bytes()[2] != b':' || clock.as_bytes()[5] != b':' || clock[6..].starts_with("60") {
        return None;
    }
    let civil = date.to_datetime(clock.parse::<Time>().ok()?);
    let seconds: i64 = match offset.trim_start() {
        "" | "Z" => 0,
        offset => {
            let (sign, digits) = match offset.split_at_checked(1)? {
                ("+", digits) => (1, digits),
                ("-", digits) => (-1, digits),
                _ => return None,
            };
            let digits = digits.replace(':', "");
            if digits.len() != 4 {
                return None;
            }
            let (hours, minutes): (i64, i64) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
            sign * (hours * 3600 + minutes * 60)
        }
    };
    civil.checked_sub(SignedDuration::from_secs(seconds)).ok()
}

/// Whether `text` already has exactly the stored form.
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
        && parse_iso(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_stored_in_one_form() {
        // As PocketBase 0.40.6 answers.
        for (given, stored) in [
            ("2024-01-02", "2024-01-02 00:00:00.000Z"),
            ("2024-01-02 03:04:05.678Z", "2024-01-02 03:04:05.678Z"),
            ("2024-01-01 10:00", ""),
            ("2024-01-01 10:00:00", "2024-01-01 10:00:00.000Z"),
            ("2024-01-01T10:00:00", "2024-01-01 10:00:00.000Z"),
            ("1700000000", ""),
            ("2024", ""),
            ("2024-01", ""),
            ("2024-01-01 10:00:00.5 +02:00", "2024-01-01 08:00:00.500Z"),
            ("2024-01-01 10:00:00+02:00", "2024-01-01 08:00:00.000Z"),
            ("2024-01-01T10:00:00.1239+02:00", "2024-01-01 08:00:00.123Z"),
            ("Mon, 02 Jan 2006 15:04:05 MST", "2006-01-02 15:04:05.000Z"),
            ("Mon, 02 Jan 2006 15:04:05 +0200", "2006-01-02 13:04:05.000Z"),
            ("02 Jan 2006", "2006-01-02 00:00:00.000Z"),
            ("2024-01-01 10:00:00 +0000 UTC", "2024-01-01 10:00:00.000Z"),
            ("20240101", ""),
            ("2024-01-01 24:00:00", ""),
            ("2024-1-1", ""),
            ("2024-01-01T10:00Z", ""),
            ("2024-01-01 10:00:00 PM", ""),
            ("2024-02-30", ""),
            ("2024-01-01 10:00:00 +0200", "2024-01-01 08:00:00.000Z"),
            ("2024-01-01T10:00:00-0700", "2024-01-01 17:00:00.000Z"),
            ("2024-01-01 10:00:00.5", "2024-01-01 10:00:00.500Z"),
            ("0000-01-01", "0000-01-01 00:00:00.000Z"),
            ("9999-12-31 23:59:59.999Z", "9999-12-31 23:59:59.999Z"),
            ("2024-06-30 23:59:60Z", ""),
            ("2024-01-01t10:00:00z", ""),
            ("2024-13-02 03:04:05.678Z", ""),
            ("yesterday", ""),
            ("", ""),
        ] {
            assert_eq!(normalize_date(given), stored, "{given}");
        }
    }
}
