//! `@now` and its kin: moments and parts of the current one, in UTC.

use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::predicate::Literal;

/// The value of a macro at `now`; none if there is no such macro.
pub(crate) fn value(name: &str, now: Timestamp) -> Option<Literal> {
    let now = now.to_zoned(TimeZone::UTC).datetime();
    let start = now.date().to_datetime(jiff::civil::Time::midnight());
    let end = now.date().at(23, 59, 59, 999_000_000);
    let moment = match name {
        "@now" => now,
        "@yesterday" => now.saturating_sub(1.day()),
        "@tomorrow" => now.saturating_add(1.day()),
        "@todayStart" => start,
        "@todayEnd" => end,
        "@monthStart" => start.first_of_month(),
        "@monthEnd" => end.last_of_month(),
        "@yearStart" => start.first_of_year(),
        "@yearEnd" => end.last_of_year(),
        _ => {
            let number = match name {
                "@second" => now.second(),
                "@minute" => now.minute(),
                "@hour" => now.hour(),
                "@day" => now.day(),
                "@month" => now.month(),
                "@weekday" => now.weekday().to_sunday_zero_offset(),
                "@year" => return Some(Literal::Integer(now.year().into())),
                _ => return None,
            };
            return Some(Literal::Integer(number.into()));
        }
    };
    Some(Literal::Text(stored(moment)))
}

/// A moment as records store it.
fn stored(moment: DateTime) -> String {
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}Z",
        moment.year(),
        moment.month(),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        moment.millisecond()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_macro_is_what_its_name_says() {
        let now: Timestamp = "2024-02-28T23:05:09.123456Z".parse().unwrap();
        let text = |name: &str| match value(name, now) {
            Some(Literal::Text(text)) => text,
            other => panic!("{name}: {other:?}"),
        };
        let number = |name: &str| match value(name, now) {
            Some(Literal::Integer(number)) => number,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(text("@now"), "2024-02-28 23:05:09.123Z");
        assert_eq!(text("@yesterday"), "2024-02-27 23:05:09.123Z");
        assert_eq!(text("@tomorrow"), "2024-02-29 23:05:09.123Z");
        assert_eq!(text("@todayStart"), "2024-02-28 00:00:00.000Z");
        assert_eq!(text("@todayEnd"), "2024-02-28 23:59:59.999Z");
        assert_eq!(text("@monthStart"), "2024-02-01 00:00:00.000Z");
        assert_eq!(text("@monthEnd"), "2024-02-29 23:59:59.999Z");
        assert_eq!(text("@yearStart"), "2024-01-01 00:00:00.000Z");
        assert_eq!(text("@yearEnd"), "2024-12-31 23:59:59.999Z");
        assert_eq!(number("@second"), 9);
        assert_eq!(number("@minute"), 5);
        assert_eq!(number("@hour"), 23);
        assert_eq!(number("@day"), 28);
        assert_eq!(number("@month"), 2);
        assert_eq!(number("@weekday"), 3);
        assert_eq!(number("@year"), 2024);
        assert_eq!(value("@nope", now), None);
    }
}
