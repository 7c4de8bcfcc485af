//! Cron expressions as PocketBase reads them: five segments separated by one space, or a macro; UTC.
//!
//! Stricter than crontab(5): no names (`MON`), no `7` for Sunday, and a day must match both its month's and its
//! week's segment. What PocketBase would refuse is refused here too, since a data directory may go back to it.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, civil};

/// How far is looked for a schedule's last minute, or its next, in days: a 29 February may be eight years ago.
const MOST_DAYS: usize = 9 * 366;

const MALFORMED: &str =
    "Invalid cron expression - must be a valid macro or to have exactly 5 space separated segments.";

/// When a job is due, to the minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

impl Schedule {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// A sentence that says which part is wrong.
    pub fn parse(expression: &str) -> Result<Self, String> {
        let expanded = match expression {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let segments: Vec<&str> = expanded.split(' ').collect();
        let [minutes, hours, days, months, weekdays] = segments.as_slice() else {
            return Err(MALFORMED.to_owned());
        };
        Ok(Self {
            minutes: slots(minutes, 0, 59)?,
            hours: slots(hours, 0, 23)?,
            days: slots(days, 1, 31)?,
            months: slots(months, 1, 12)?,
            weekdays: slots(weekdays, 0, 6)?,
        })
    }

    /// Checks an expression.
    ///
    /// # Errors
    ///
    /// A sentence that says which part is wrong, fit to be shown.
    pub(crate) fn validate(expression: &str) -> Result<(), String> {
        Self::parse(expression).map(drop)
    }

    /// Whether the minute that `moment` lies in is one of the schedule's.
    #[must_use]
    pub fn is_due(&self, moment: Timestamp) -> bool {
        let at = moment.to_zoned(TimeZone::UTC);
        holds(self.minutes, at.minute())
            && holds(self.hours, at.hour())
            && holds(self.days, at.day())
            && holds(self.months, at.month())
            && holds(self.weekdays, at.weekday().to_sunday_zero_offset())
    }

    /// The last minute before `moment` that is one of the schedule's; nothing where there was none in the last nine
    /// years.
    #[must_use]
    pub fn last_before(&self, moment: Timestamp) -> Option<Timestamp> {
        // The minute that `moment` begins or lies in is over only where it lies in it.
        let latest = moment
            .checked_sub(1.nanosecond())
            .ok()?
            .to_zoned(TimeZone::UTC)
            .datetime();
        let mut date = latest.date();
        for _ in 0..MOST_DAYS {
            let end = if date == latest.date() {
                latest.time()
            } else {
                civil::Time::MAX
            };
            if let Some(time) = self.last_of_day(date, end) {
                return date
                    .to_datetime(time)
                    .to_zoned(TimeZone::UTC)
                    .ok()
                    .map(|at| at.timestamp());
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    /// The first minute that begins after `moment` and is one of the schedule's; nothing where there is none in the
    /// next nine years.
    #[must_use]
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let begun = moment.to_zoned(TimeZone::UTC).datetime();
        let earliest = begun
            .with()
            .second(0)
            .subsec_nanosecond(0)
            .build()
            .and_then(|minute| minute.checked_add(1.minute()))
            .ok()?;
        let mut date = earliest.date();
        for _ in 0..MOST_DAYS {
            let begin = if date == earliest.date() {
                earliest.time()
            } else {
                civil::Time::midnight()
            };
            if let Some(time) = self.first_of_day(date, begin) {
                let at = date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?;
                return Some(at.timestamp());
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn is_day(&self, date: civil::Date) -> bool {
        holds(self.days, date.day())
            && holds(self.months, date.month())
            && holds(self.weekdays, date.weekday().to_sunday_zero_offset())
    }

    /// The first minute of the schedule on `date` that begins no earlier than `begin`.
    fn first_of_day(&self, date: civil::Date, begin: civil::Time) -> Option<civil::Time> {
        if !self.is_day(date) {
            return None;
        }
        let hours = (begin.hour()..24).filter(|hour| holds(self.hours, *hour));
        hours
            .flat_map(|hour| (0..60).map(move |minute| (hour, minute)))
            .filter(|(hour, minute)| *hour > begin.hour() || *minute >= begin.minute())
            .find(|(_, minute)| holds(self.minutes, *minute))
            .map(|(hour, minute)| civil::time(hour, minute, 0, 0))
    }

    /// The last minute of the schedule on `date` that begins no later than `end`.
    fn last_of_day(&self, date: civil::Date, end: civil::Time) -> Option<civil::Time> {
        if !self.is_day(date) {
            return None;
        }
        let hours = (0..=end.hour()).rev().filter(|hour| holds(self.hours, *hour));
        hours
            .flat_map(|hour| (0..60).rev().map(move |minute| (hour, minute)))
            .filter(|(hour, minute)| *hour < end.hour() || *minute <= end.minute())
            .find(|(_, minute)| holds(self.minutes, *minute))
            .map(|(hour, minute)| civil::time(hour, minute, 0, 0))
    }
}

/// Whether `value` is one of those that `slots` has a bit for.
fn holds(slots: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| slots & (1 << value) != 0)
}

/// One bit for each value that `segment` names.
fn slots(segment: &str, min: u32, max: u32) -> Result<u64, String> {
    let mut slots = 0;
    for part in segment.split(',') {
        let pieces: Vec<&str> = part.split('/').collect();
        let (range, step) = match pieces.as_slice() {
            [range] => (*range, 1),
            [range, step] => (*range, number(step)?),
            _ => return Err("Invalid segment step format - must be in the format */n or 1-30/n.".to_owned()),
        };
        let step = bounded(step, 1, max)
            .ok_or_else(|| format!("Invalid segment step boundary - the step must be between 1 and the {max}."))?;
        let (from, to) = bounds(range, step, min, max)?;
        for value in (from..=to).step_by(step as usize) {
            slots |= 1 << value;
        }
    }
    Ok(slots)
}

/// The first and last value of a wildcard, a single value or a range.
fn bounds(range: &str, step: u32, min: u32, max: u32) -> Result<(u32, u32), String> {
    if range == "*" {
        return Ok((min, max));
    }
    let ends: Vec<&str> = range.split('-').collect();
    match ends.as_slice() {
        [_] if step != 1 => {
            Err("Invalid segment step - step > 1 could be used only with the wildcard or range format.".to_owned())
        }
        [one] => bounded(number(one)?, min, max)
            .map(|value| (value, value))
            .ok_or_else(|| "Invalid segment value - must be between the min and max of the segment.".to_owned()),
        [from, to] => {
            let from = bounded(number(from)?, min, max)
                .ok_or_else(|| format!("Invalid segment range minimum - must be between {min} and {max}."))?;
            let to = bounded(number(to)?, from, max)
                .ok_or_else(|| format!("Invalid segment range maximum - must be between {from} and {max}."))?;
            Ok((from, to))
        }
        _ => Err("Invalid segment range format - the range must have 1 or 2 parts.".to_owned()),
    }
}

fn number(text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_| format!("Strconv.Atoi: parsing {text:?}: invalid syntax."))
}

fn bounded(value: i64, min: u32, max: u32) -> Option<u32> {
    u32::try_from(value).ok().filter(|value| (min..=max).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(expression: &str, moment: &str) -> bool {
        Schedule::parse(expression)
            .unwrap()
            .is_due(moment.parse::<Timestamp>().unwrap())
    }

    #[test]
    fn a_minute_is_due_when_every_segment_names_it() {
        // A Monday.
        let moment = "2026-11-23T06:30:59Z";
        assert!(due("* * * * *", moment));
        assert!(due("30 6 23 11 1", moment));
        assert!(due("*/15 0-12/2 * * *", moment));
        assert!(due("1,2,20-30/10 * * * *", moment));
        assert!(!due("31 * * * *", moment));
        assert!(!due("30 7 * * *", moment));
        assert!(!due("*/7 * * * *", moment));
    }

    #[test]
    fn day_of_month_and_day_of_week_must_both_match() {
        assert!(!due("30 6 23 * 0", "2026-11-23T06:30:00Z"));
        assert!(!due("30 6 24 * 1", "2026-11-23T06:30:00Z"));
    }

    #[test]
    fn the_last_minute_before_a_moment_is_found_however_rare_it_is() {
        let last = |expression: &str, moment: &str| {
            let schedule = Schedule::parse(expression).unwrap();
            let found = schedule.last_before(moment.parse().unwrap());
            found.map(|at| at.to_string()).unwrap_or_default()
        };
        assert_eq!(last("0 2 * * *", "2026-11-23T02:00:01Z"), "2026-11-23T02:00:00Z");
        assert_eq!(last("0 2 * * *", "2026-11-23T02:00:00Z"), "2026-11-22T02:00:00Z");
        assert_eq!(last("*/20 6,8 * * *", "2026-11-23T08:10:00Z"), "2026-11-23T08:00:00Z");
        assert_eq!(last("*/20 6,8 * * *", "2026-11-23T07:59:00Z"), "2026-11-23T06:40:00Z");
        assert_eq!(last("0 0 29 2 *", "2026-11-23T00:00:00Z"), "2024-02-29T00:00:00Z");
        assert_eq!(last("30 4 * * 0", "2026-11-23T00:00:00Z"), "2026-11-22T04:30:00Z");
        assert_eq!(last("0 0 31 2 *", "2026-11-23T00:00:00Z"), "");
    }

    #[test]
    fn the_next_minute_after_a_moment_is_found_however_rare_it_is() {
        let next = |expression: &str, moment: &str| {
            let schedule = Schedule::parse(expression).unwrap();
            let found = schedule.next_after(moment.parse().unwrap());
            found.map(|at| at.to_string()).unwrap_or_default()
        };
        assert_eq!(next("0 2 * * *", "2026-11-23T01:59:59Z"), "2026-11-23T02:00:00Z");
        assert_eq!(next("0 2 * * *", "2026-11-23T02:00:00Z"), "2026-11-24T02:00:00Z");
        assert_eq!(next("*/20 6,8 * * *", "2026-11-23T06:50:00Z"), "2026-11-23T08:00:00Z");
        assert_eq!(next("59 23 31 12 *", "2026-12-31T23:59:30Z"), "2027-12-31T23:59:00Z");
        assert_eq!(next("0 0 29 2 *", "2026-11-23T00:00:00Z"), "2028-02-29T00:00:00Z");
        assert_eq!(next("0 0 31 2 *", "2026-11-23T00:00:00Z"), "");
    }

    #[test]
    fn macros_stand_for_their_expressions() {
        assert!(due("@hourly", "2026-11-23T06:00:00Z"));
        assert!(!due("@hourly", "2026-11-23T06:01:00Z"));
        assert!(due("@weekly", "2026-11-22T00:00:00Z"));
        assert!(due("@annually", "2027-01-01T00:00:00Z"));
        assert!(due("@midnight", "2026-11-23T00:00:00Z"));
        assert_eq!(Schedule::parse("@yearly"), Schedule::parse("@annually"));
    }

    #[test]
    fn mistakes_are_named_in_pocketbases_words() {
        for (expression, message) in [
            ("* * * *", MALFORMED),
            ("* *  * * *", MALFORMED),
            ("@reboot", MALFORMED),
            ("@Daily", MALFORMED),
            ("", MALFORMED),
            ("a * * * *", "Strconv.Atoi: parsing \"a\": invalid syntax."),
            (
                "61 * * * *",
                "Invalid segment value - must be between the min and max of the segment.",
            ),
            (
                "* * * * 7",
                "Invalid segment value - must be between the min and max of the segment.",
            ),
            (
                "*/70 * * * *",
                "Invalid segment step boundary - the step must be between 1 and the 59.",
            ),
            (
                "*/0 * * * *",
                "Invalid segment step boundary - the step must be between 1 and the 59.",
            ),
            (
                "5/2 * * * *",
                "Invalid segment step - step > 1 could be used only with the wildcard or range format.",
            ),
            (
                "1-2-3 * * * *",
                "Invalid segment range format - the range must have 1 or 2 parts.",
            ),
            (
                "1/2/3 * * * *",
                "Invalid segment step format - must be in the format */n or 1-30/n.",
            ),
            (
                "5-2 * * * *",
                "Invalid segment range maximum - must be between 5 and 59.",
            ),
            (
                "70-80 * * * *",
                "Invalid segment range minimum - must be between 0 and 59.",
            ),
        ] {
            assert_eq!(Schedule::parse(expression).unwrap_err(), message, "{expression}");
        }
    }
}
