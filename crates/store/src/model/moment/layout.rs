//! The layouts in which PocketBase understands a date, read as Go's `time.Parse` reads them
//! (<https://pkg.go.dev/time#Parse>).
//!
//! What looks lax is theirs: the name of a day need not fit the date, an hour may have one digit, seconds may always
//! have a fraction, one space stands for several, and a zone's abbreviation says nothing (but for the hours behind
//! `GMT`).

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use Part::{
    Clock, Day, Hour12, Literal, Meridiem, Minute, Month, MonthName, Offset, PaddedDay, ShortYear, Weekday,
    WeekdayInFull, Year, Zone,
};

/// One part of a layout.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// These characters; a space stands for any number of them.
    Literal(&'static str),
    /// Four digits.
    Year,
    /// Two digits, of 1969 to 2068.
    ShortYear,
    /// Two digits.
    Month,
    /// Three letters of any case.
    MonthName,
    /// Two digits.
    Day,
    /// One or two digits, before which a space may stand.
    PaddedDay,
    /// Three letters of any case.
    Weekday,
    /// The whole name.
    WeekdayInFull,
    /// Hours of one or two digits, minutes, and seconds with or without a fraction where the flag is set.
    Clock(bool),
    /// One or two digits, up to 12.
    Hour12,
    /// Two digits.
    Minute,
    /// `AM` or `PM`.
    Meridiem,
    /// `+02:00` or `+0200`; `Z` where that is allowed.
    Offset { colon: bool, zulu: bool },
    /// An abbreviation.
    Zone,
}

const COLON: Part = Offset {
    colon: true,
    zulu: false,
};
const PLAIN: Part = Offset {
    colon: false,
    zulu: false,
};
const COLON_OR_Z: Part = Offset {
    colon: true,
    zulu: true,
};
const PLAIN_OR_Z: Part = Offset {
    colon: false,
    zulu: true,
};
const DASH: Part = Literal("-");
const SPACE: Part = Literal(" ");
const TIME: Part = Clock(true);

/// In the order in which they are tried.
const LAYOUTS: &[&[Part]] = &[
    &[Year, DASH, Month, DASH, Day],
    &[Year, DASH, Month, DASH, Day, Literal("T"), TIME, COLON_OR_Z],
    &[Year, DASH, Month, DASH, Day, Literal("T"), TIME],
    &[
        Weekday,
        Literal(", "),
        Day,
        SPACE,
        MonthName,
        SPACE,
        Year,
        SPACE,
        TIME,
        SPACE,
        PLAIN,
    ],
    &[
        Weekday,
        Literal(", "),
        Day,
        SPACE,
        MonthName,
        SPACE,
        Year,
        SPACE,
        TIME,
        SPACE,
        Zone,
    ],
    &[
        Day,
        SPACE,
        MonthName,
        SPACE,
        ShortYear,
        SPACE,
        Clock(false),
        SPACE,
        PLAIN,
    ],
    &[
        Day,
        SPACE,
        MonthName,
        SPACE,
        ShortYear,
        SPACE,
        Clock(false),
        SPACE,
        Zone,
    ],
    &[
        WeekdayInFull,
        Literal(", "),
        Day,
        DASH,
        MonthName,
        DASH,
        ShortYear,
        SPACE,
        TIME,
        SPACE,
        Zone,
    ],
    &[Year, DASH, Month, DASH, Day, SPACE, TIME, SPACE, PLAIN, SPACE, Zone],
    &[Year, DASH, Month, DASH, Day, Literal("T"), TIME, PLAIN],
    &[Year, DASH, Month, DASH, Day, SPACE, TIME, PLAIN_OR_Z],
    &[Year, DASH, Month, DASH, Day, SPACE, TIME],
    &[Weekday, SPACE, MonthName, SPACE, PaddedDay, SPACE, TIME, SPACE, Year],
    &[
        Weekday, SPACE, MonthName, SPACE, PaddedDay, SPACE, TIME, SPACE, Zone, SPACE, Year,
    ],
    &[
        Weekday, SPACE, MonthName, SPACE, Day, SPACE, TIME, SPACE, PLAIN, SPACE, Year,
    ],
    &[Year, DASH, Month, DASH, Day, SPACE, TIME, COLON_OR_Z],
    &[Day, SPACE, MonthName, SPACE, Year],
    &[Year, DASH, Month, DASH, Day, SPACE, TIME, SPACE, COLON],
    &[Year, DASH, Month, DASH, Day, SPACE, TIME, SPACE, PLAIN],
    &[Hour12, Literal(":"), Minute, Meridiem],
    &[MonthName, SPACE, PaddedDay, SPACE, TIME],
];

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The date and time in UTC that `text` is in the first layout that fits it.
pub(super) fn parse(text: &str) -> Option<DateTime> {
    LAYOUTS.iter().find_map(|layout| read(layout, text))
}

/// What was read of a text so far.
#[derive(Default)]
struct Read {
    year: i16,
    /// Counted from 1; 0 where there was none.
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    is_afternoon: Option<bool>,
    /// Whether the zone was called `UTC`, which outweighs an offset.
    is_utc: bool,
    /// Seconds east of UTC, as an offset said.
    offset: Option<i64>,
    /// The same as the name of a zone said, which counts the other way: the time is that of UTC, shown there.
    named: i64,
}

fn read(layout: &[Part], text: &str) -> Option<DateTime> {
    let mut read = Read {
        month: 1,
        day: 1,
        ..Read::default()
    };
    let mut rest = text;
    for part in layout {
        rest = read.part(*part, rest)?;
    }
    rest.is_empty().then(|| read.finish())?
}

impl Read {
    /// Reads one part from the start of `text`; returns what follows.
    fn part<'t>(&mut self, part: Part, text: &'t str) -> Option<&'t str> {
        let rest = match part {
            Literal(expected) => return literal(expected, text),
            Year => {
                let (digits, rest) = text.split_at_checked(4)?;
                self.year = all_digits(digits)?.parse().ok()?;
                rest
            }
            ShortYear => {
                let (digits, rest) = text.split_at_checked(2)?;
                let year: i16 = digits.parse().ok()?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
                rest
            }
            Month => two_digits(text)
                .and_then(|(month, rest)| within(month, 1, 12).map(|month| (month, rest)))
                .map(|(month, rest)| {
                    self.month = month;
                    rest
                })?,
            MonthName => {
                let (name, rest) = text.split_at_checked(3)?;
                let at = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
                self.month = i8::try_from(at + 1).ok()?;
                rest
            }
            Day => {
                let (day, rest) = two_digits(text)?;
                self.day = day;
                rest
            }
            PaddedDay => {
                let (day, rest) = one_or_two_digits(text.strip_prefix(' ').unwrap_or(text))?;
                self.day = day;
                rest
            }
            Weekday => {
                let (name, rest) = text.split_at_checked(3)?;
                WEEKDAYS.iter().find(|day| day[..3].eq_ignore_ascii_case(name))?;
                rest
            }
            WeekdayInFull => WEEKDAYS.iter().find_map(|day| {
                let (name, rest) = text.split_at_checked(day.len())?;
                day.eq_ignore_ascii_case(name).then_some(rest)
            })?,
            Clock(seconds) => self.clock(seconds, text)?,
            Hour12 => {
                let (hour, rest) = one_or_two_digits(text)?;
                self.hour = within(hour, 0, 12)?;
                rest
            }
            Minute => {
                let (minute, rest) = two_digits(text)?;
                self.minute = within(minute, 0, 59)?;
                rest
            }
            Meridiem => {
                let (which, rest) = text.split_at_checked(2)?;
                self.is_afternoon = Some(match which {
                    "AM" => false,
                    "PM" => true,
                    _ => return None,
                });
                rest
            }
            Offset { colon, zulu } => self.offset(colon, zulu, text)?,
            Zone => self.zone(text)?,
        };
        Some(rest)
    }

    fn clock<'t>(&mut self, seconds: bool, text: &'t str) -> Option<&'t str> {
        let (hour, rest) = one_or_two_digits(text)?;
        self.hour = within(hour, 0, 23)?;
        let (minute, rest) = two_digits(rest.strip_prefix(':')?)?;
        self.minute = within(minute, 0, 59)?;
        if !seconds {
            return Some(rest);
        }
        let (second, rest) = two_digits(rest.strip_prefix(':')?)?;
        self.second = within(second, 0, 59)?;
        let Some(fraction) = rest.strip_prefix(['.', ',']) else {
            return Some(rest);
        };
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        let (digits, after) = fraction.split_at(end);
        if digits.is_empty() {
            return Some(rest);
        }
        self.nanosecond = format!("{:0<9}", &digits[..digits.len().min(9)]).parse().ok()?;
        Some(after)
    }

    fn offset<'t>(&mut self, colon: bool, zulu: bool, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix('Z').filter(|_| zulu) {
            self.is_utc = true;
            return Some(rest);
        }
        let (sign, rest) = text.split_at_checked(1)?;
        let (hours, rest) = two_digits(rest)?;
        let rest = if colon { rest.strip_prefix(':')? } else { rest };
        let (minutes, rest) = two_digits(rest)?;
        // A whole day and a whole hour are offsets, too.
        let (hours, minutes) = (within(hours, 0, 24)?, within(minutes, 0, 60)?);
        let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
        self.offset = Some(match sign {
            "+" => seconds,
            "-" => -seconds,
            _ => return None,
        });
        Some(rest)
    }

    fn zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix("UTC") {
            self.is_utc = true;
            return Some(rest);
        }
        if let Some(after) = text.strip_prefix("GMT") {
            let (hours, rest) = signed_hours(after).unwrap_or((0, after));
            self.named = hours * 3600;
            return Some(rest);
        }
        if text.starts_with(['+', '-']) {
            return signed_hours(text).map(|(_, rest)| rest).filter(|_| text.len() >= 3);
        }
        if let Some(rest) = text.strip_prefix("ChST").or_else(|| text.strip_prefix("MeST")) {
            return Some(rest);
        }
        let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
        let name = &text[..letters];
        let is_zone = match letters {
            3 => true,
            4 => name.ends_with('T') || name == "WITA",
            5 => name.ends_with('T'),
            _ => false,
        };
        is_zone.then(|| &text[letters..])
    }

    fn finish(self) -> Option<DateTime> {
        let hour = match self.is_afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let date = Date::new(self.year, self.month, self.day).ok()?;
        let time = Time::new(hour, self.minute, self.second, self.nanosecond).ok()?;
        let shift = match self.offset {
            _ if self.is_utc => 0,
            Some(offset) => -offset,
            None => self.named,
        };
        date.to_datetime(time)
            .checked_add(SignedDuration::from_secs(shift))
            .ok()
    }
}

fn literal<'t>(expected: &str, mut text: &'t str) -> Option<&'t str> {
    for c in expected.chars() {
        if c == ' ' {
            if !text.is_empty() && !text.starts_with(' ') {
                return None;
            }
            text = text.trim_start_matches(' ');
        } else {
            text = text.strip_prefix(c)?;
        }
    }
    Some(text)
}

fn all_digits(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

fn two_digits(text: &str) -> Option<(i8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    Some((all_digits(digits)?.parse().ok()?, rest))
}

fn one_or_two_digits(text: &str) -> Option<(i8, &str)> {
    two_digits(text).or_else(|| {
        let (digit, rest) = text.split_at_checked(1)?;
        Some((all_digits(digit)?.parse().ok()?, rest))
    })
}

/// `+3`, up to 23 hours.
fn signed_hours(text: &str) -> Option<(i64, &str)> {
    let (sign, number) = text.split_at_checked(1)?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    let hours: i64 = number[..end].parse().ok().filter(|hours| *hours <= 23)?;
    match sign {
        "+" => Some((hours, &number[end..])),
        "-" => Some((-hours, &number[end..])),
        _ => None,
    }
}

fn within(number: i8, least: i8, most: i8) -> Option<i8> {
    (least..=most).contains(&number).then_some(number)
}
