//! Dates as clients write them.

use bosbase_store::format_timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Layouts with an offset.
const WITH_OFFSET: &[&str] = &[
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f %:z",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d %b %y %H:%M %z",
    "%a %b %d %H:%M:%S %z %Y",
];
/// Layouts without one, which are UTC. A zone's abbreviation at the end is left out before: it names no offset.
const WITHOUT_OFFSET: &[&str] = &[
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%a, %d %b %Y %H:%M:%S",
    "%A, %d-%b-%y %H:%M:%S",
    "%a %b %e %H:%M:%S %Y",
    "%d %b %y %H:%M",
];
const DATES: &[&str] = &["%Y-%m-%d", "%d %b %Y"];

/// `text` as dates are stored (`2026-11-23 06:17:03.216Z`), empty where it is none.
pub(super) fn normalize(text: &str) -> String {
    parse(text).map(format_timestamp).unwrap_or_default()
}

/// The point in time that `text` names.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    if text.is_empty() {
        return None;
    }
    let text = text
        .strip_suffix('Z')
        .map_or_else(|| text.to_owned(), |start| format!("{start}+00:00"));
    for layout in WITH_OFFSET {
        if let Ok(at) = strtime::parse(layout, &text).and_then(|parsed| parsed.to_zoned()) {
            return Some(Zoned::timestamp(&at));
        }
    }
    let local = without_zone_name(&text);
    for layout in WITHOUT_OFFSET {
        if let Ok(at) = DateTime::strptime(layout, local) {
            return at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
        }
    }
    DATES.iter().find_map(|layout| {
        let date = Date::strptime(layout, &text).ok()?;
        date.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
    })
}

/// `text` without a zone's abbreviation (`MST`) at its end.
fn without_zone_name(text: &str) -> &str {
    match text.rsplit_once(' ') {
        Some((start, zone)) if (3..=4).contains(&zone.len()) && zone.bytes().all(|b| b.is_ascii_uppercase()) => start,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_pocketbase_reads_them() {
        // Recorded from PocketBase 0.40.6.
        for (given, stored) in [
            ("2024-05-06T07:08:09Z", "2024-05-06 07:08:09.000Z"),
            ("2024-05-06 07:08:09.123456Z", "2024-05-06 07:08:09.123Z"),
            ("2024-05-06T07:08:09+02:00", "2024-05-06 05:08:09.000Z"),
            ("2024-05-06", "2024-05-06 00:00:00.000Z"),
            ("2024-05-06 07:08:09", "2024-05-06 07:08:09.000Z"),
            ("2024-05-06T07:08:09", "2024-05-06 07:08:09.000Z"),
            ("Mon, 02 Jan 2023 15:04:05 MST", "2023-01-02 15:04:05.000Z"),
            ("02 Jan 2023", "2023-01-02 00:00:00.000Z"),
            ("2024-05-06 07:08:09.123Z", "2024-05-06 07:08:09.123Z"),
            ("2024-05-06 07:08", ""),
            ("1715000000", ""),
            ("garbage", ""),
            ("", ""),
        ] {
            assert_eq!(normalize(given), stored, "{given}");
        }
    }
}
