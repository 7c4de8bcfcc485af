//! Points in time, written as PocketBase writes them.

mod layout;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

/// The current time in UTC with milliseconds: `2026-11-23 06:17:03.216Z`.
#[must_use]
pub fn now() -> String {
    format_timestamp(Timestamp::now())
}

/// `at` in UTC with milliseconds: `2026-11-23 06:17:03.216Z`.
#[must_use]
pub fn format_timestamp(at: Timestamp) -> String {
    let utc = jiff::tz::TimeZone::UTC.to_datetime(at);
    let Ok(year @ 0..=9999) = u16::try_from(utc.year()) else {
        return at.strftime("%Y-%m-%d %H:%M:%S.%3fZ").to_string();
    };
    // Written digit by digit: every record and every line of the log has one.
    let mut text = String::with_capacity(24);
    let mut number = |number: u16, digits: u32, after: char| {
        for place in (0..digits).rev() {
            let digit = u32::from(number) / 10_u32.pow(place) % 10;
            text.extend(char::from_digit(digit, 10));
        }
        text.push(after);
    };
    let small = |part: i8| u16::from(part.unsigned_abs());
    number(year, 4, '-');
    number(small(utc.month()), 2, '-');
    number(small(utc.day()), 2, ' ');
    number(small(utc.hour()), 2, ':');
    number(small(utc.minute()), 2, ':');
    number(small(utc.second()), 2, '.');
    number(utc.millisecond().unsigned_abs(), 3, 'Z');
    text
}

/// `text` as dates are stored, `2026-11-23 06:17:03.216Z`, empty where it is none: the one grammar of dates, for what
/// clients send, what is stored, and the limits of fields. Without an offset it is UTC; of a second's fraction
/// milliseconds stay.
///
/// As in PocketBase the first moment of the year 1 is no date. What would lie beyond the years 0 to 9999 in UTC is none
/// either: PocketBase stores that, and can't read it again.
#[must_use]
pub fn normalize_date(text: &str) -> String {
    if is_normal_date(text) {
        return text.to_owned();
    }
    layout::parse(text)
        .filter(|utc| utc.year() >= 0 && *utc != NO_DATE)
        .map(|utc| utc.strftime("%Y-%m-%d %H:%M:%S.%3fZ").to_string())
        .unwrap_or_default()
}

/// What Go takes for the absence of a date.
const NO_DATE: DateTime = DateTime::constant(1, 1, 1, 0, 0, 0, 0);

/// Whether `text` already has exactly the stored form.
#[must_use]
pub fn is_normal_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 24
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b' ',
            13 | 16 => *byte == b':',
            19 => *byte == b'.',
            23 => *byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    let number = |at: std::ops::Range<usize>| text.get(at)?.parse().ok();
    let moment = || {
        let date = Date::new(text[..4].parse().ok()?, number(5..7)?, number(8..10)?).ok()?;
        let time = Time::new(number(11..13)?, number(14..16)?, number(17..19)?, 0).ok()?;
        Some(date.to_datetime(time))
    };
    // The common case, for which no layout need be tried.
    shaped && moment().is_some_and(|utc| utc != NO_DATE || !text.ends_with("00.000Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_the_form_that_is_stored() {
        for text in [
            "2026-11-23 06:17:03.216Z",
            "0000-01-01 00:00:00.000Z",
            "9999-12-30 22:00:00.999Z",
            "1969-12-31 23:59:59.001Z",
        ] {
            let at: Timestamp = text.replace(' ', "T").parse().unwrap();
            assert_eq!(format_timestamp(at), text);
            assert_eq!(format_timestamp(at), at.strftime("%Y-%m-%d %H:%M:%S.%3fZ").to_string());
        }
    }

    #[test]
    fn dates_are_stored_in_one_form() {
        // As PocketBase 0.40.6 answers, but for what it can't read again.
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
            ("9999-12-31", "9999-12-31 00:00:00.000Z"),
            ("9999-12-30 22:00:01Z", "9999-12-30 22:00:01.000Z"),
            ("9999-12-31T23:59:59-01:00", ""),
            ("0000-01-01T00:00:00+01:00", ""),
            ("0001-01-01T00:00:00Z", ""),
            ("0001-01-01 00:00:00.000Z", ""),
            ("0001-01-01 00:00:01Z", "0001-01-01 00:00:01.000Z"),
            ("-0001-01-01", ""),
            ("2024-01-02 03:04:05 +0200 CEST", "2024-01-02 01:04:05.000Z"),
            ("2024-01-02 03:04:05.123456789 +0200 CEST", "2024-01-02 01:04:05.123Z"),
            ("2024-01-02 03:04:05 +0200 UTC", "2024-01-02 03:04:05.000Z"),
            ("2024-01-02 03:04:05 UTC", ""),
            ("2024-01-02T03:04:05+24:60", "2024-01-01 02:04:05.000Z"),
            ("2024-01-02 3:04:05,6789012345678Z", "2024-01-02 03:04:05.678Z"),
            ("Tue, 02 Jan 2006 15:04:05 MST", "2006-01-02 15:04:05.000Z"),
            ("Mon, 02 Jan 2006 15:04:05 GMT+3", "2006-01-02 18:04:05.000Z"),
            ("Mon, 02 Jan 2006 15:04:05 ABCD", ""),
            ("23 Feb 00 10:30 GMT-11", "2000-02-22 23:30:00.000Z"),
            ("Friday, 15-Nov-00 18:18:55 WITA", "2000-11-15 18:18:55.000Z"),
            ("mon  jan  2 15:04:05 2006", "2006-01-02 15:04:05.000Z"),
            ("Sat Mar 10 04:45:53 +0938 2023", "2023-03-09 19:07:53.000Z"),
            ("0:04AM", "0000-01-01 00:04:00.000Z"),
            ("0:13PM", "0000-01-01 12:13:00.000Z"),
            ("Jan 12 15:04:05.123456", "0000-01-12 15:04:05.123Z"),
            ("24-01-02", ""),
            (" 2024-02-29", ""),
            ("2024-02-29 ", ""),
            ("2024-01-02\u{e4}", ""),
            ("yesterday", ""),
            ("", ""),
        ] {
            assert_eq!(normalize_date(given), stored, "{given}");
        }
    }
}
