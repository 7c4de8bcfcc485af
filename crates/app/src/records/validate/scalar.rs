//! Texts, numbers, dates, JSON, points and passwords.

use bosbase_store::{FieldKind, normalize_date};
use serde_json::{Value, json};

use super::Problem;
use crate::records::pattern::Patterns;

/// The pattern of ids that collections have unless they choose another; its ids never differ by case only.
pub(super) const LOWERCASE_KEYS: &str = "^[a-z0-9]+$";
/// PocketBase takes no number for a whole one from here on, and none below its negative: 2^63.
const BEYOND_WHOLE: f64 = 9_223_372_036_854_775_808.0;
/// Longest text, in characters, where the field sets no limit.
const TEXT_LIMIT: i64 = 5000;
/// Largest editor content and JSON, in bytes, where the field sets no limit.
const SIZE_LIMIT: i64 = 5 << 20;
/// Longest password, in characters, where the field sets no limit.
const PASSWORD_LIMIT: i64 = 71;
/// Longest password that bcrypt takes in, in bytes.
const BCRYPT_LIMIT: usize = 72;

const NOT_IN_KEYS: &str = "./\\|\"'`<>:?*%$\n\r\t ";
const RESERVED_KEYS: &[&str] = &[
    "CON", "PRN", "AUX", "NUL", "COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT0",
    "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

fn bytes(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

fn too_short(min: i64) -> Problem {
    Problem::new(
        "validation_min_text_constraint",
        format!("Must be at least {min} character(s)."),
    )
}

fn bad_format() -> Problem {
    Problem::new("validation_invalid_format", "Invalid value format.")
}

pub(super) fn text(kind: &FieldKind, value: &str, patterns: &Patterns) -> Option<Problem> {
    let FieldKind::Text {
        min,
        max,
        pattern,
        primary_key,
        required,
        ..
    } = kind
    else {
        return None;
    };
    if value.is_empty() {
        return (*required || *primary_key).then(Problem::required);
    }
    let length = count(value);
    if *min > 0 && length < *min {
        return Some(too_short(*min).with("min", *min));
    }
    let max = if *max == 0 { TEXT_LIMIT } else { *max };
    if length > max {
        let message = format!("Must be no more than {max} character(s).");
        return Some(Problem::new("validation_max_text_constraint", message).with("max", max));
    }
    (!pattern.is_empty() && !patterns.is_match(pattern, value)).then(bad_format)
}

/// What no id may be, even where its field's pattern allows it: ids are the names of folders and parts of URLs.
pub(super) fn forbidden_key(id: &str) -> Option<Problem> {
    // Control characters beyond PocketBase's list are refused too: no file system or log is the better for them.
    if let Some(c) = id.chars().find(|c| NOT_IN_KEYS.contains(*c) || *c == '\0') {
        let message = format!("'{c}' is not a valid primary key character.");
        return Some(Problem::new("validation_forbidden_pk_character", message).with("ch", c.to_string()));
    }
    let upper = id.to_uppercase();
    RESERVED_KEYS.contains(&upper.as_str()).then(|| {
        let message = format!("The primary key '{upper}' is reserved and cannot be used.");
        Problem::new("validation_reserved_pk", message).with("reserved", upper)
    })
}

pub(super) fn editor(max_size: i64, required: bool, value: &str) -> Option<Problem> {
    if value.is_empty() {
        return required.then(Problem::required);
    }
    let max = if max_size <= 0 { SIZE_LIMIT } else { max_size };
    (bytes(value) > max).then(|| {
        let message = format!("The maximum allowed content size is {max} bytes.");
        Problem::new("validation_content_size_limit", message).with("maxSize", max)
    })
}

pub(super) fn number(
    min: Option<f64>,
    max: Option<f64>,
    only_int: bool,
    required: bool,
    value: f64,
) -> Option<Problem> {
    if value == 0.0 {
        return required.then(Problem::required);
    }
    if only_int && (value.fract() != 0.0 || !(-BEYOND_WHOLE..BEYOND_WHOLE).contains(&value)) {
        return Some(Problem::new(
            "validation_only_int_constraint",
            "Decimal numbers are not allowed.",
        ));
    }
    let shown = crate::records::value::number;
    if let Some(min) = min.filter(|min| value < *min) {
        let message = format!("Must be greater or equal than {}.", shown(min));
        return Some(Problem::new("validation_min_number_constraint", message).with("min", shown(min)));
    }
    let max = max.filter(|max| value > *max)?;
    let message = format!("Must be less or equal than {}.", shown(max));
    Some(Problem::new("validation_max_number_constraint", message).with("max", shown(max)))
}

/// Dates are compared as they are stored: their order is that of their text.
pub(super) fn date(min: &str, max: &str, required: bool, value: &str) -> Option<Problem> {
    if value.is_empty() {
        return required.then(Problem::required);
    }
    // `2020-01-01 00:00:00.500Z` as Go writes it: no needless zeros.
    let shown = |limit: &str| {
        let seconds = limit.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
        let seconds = if seconds.len() < 19 { &limit[..19] } else { seconds };
        (
            format!("{seconds} +0000 UTC"),
            format!("{}Z", seconds.replacen(' ', "T", 1)),
        )
    };
    let (min, max) = (normalize_date(min), normalize_date(max));
    if !min.is_empty() && *value < *min {
        let (text, threshold) = shown(&min);
        let problem = Problem::new(
            "validation_min_greater_equal_than_required",
            format!("Must be no less than {text}."),
        );
        return Some(problem.with("threshold", threshold));
    }
    if max.is_empty() || *value <= *max {
        return None;
    }
    let (text, threshold) = shown(&max);
    let problem = Problem::new(
        "validation_max_less_equal_than_required",
        format!("Must be no greater than {text}."),
    );
    Some(problem.with("threshold", threshold))
}

pub(super) fn json(max_size: i64, required: bool, value: &Value) -> Option<Problem> {
    let max = if max_size <= 0 { SIZE_LIMIT } else { max_size };
    if bytes(&value.to_string()) > max {
        let message = format!("The maximum allowed JSON size is {max} bytes.");
        return Some(Problem::new("validation_json_size_limit", message).with("maxSize", max));
    }
    let empty = [Value::Null, json!(""), json!([]), json!({})].contains(value);
    (required && empty).then(Problem::required)
}

pub(super) fn geo_point(required: bool, value: &Value) -> Option<Problem> {
    let coordinate = |name| value.get(name).and_then(Value::as_f64).unwrap_or_default();
    let (lon, lat) = (coordinate("lon"), coordinate("lat"));
    if lon == 0.0 && lat == 0.0 {
        return required.then(Problem::required);
    }
    if !(-90.0..=90.0).contains(&lat) {
        let message = "Latitude must be between -90 and 90 degrees.";
        return Some(Problem::new("validation_invalid_latitude", message));
    }
    (!(-180.0..=180.0).contains(&lon)).then(|| {
        let message = "Longitude must be between -180 and 180 degrees.";
        Problem::new("validation_invalid_longitude", message)
    })
}

/// `plain` is the password as newly set, if it was; `hash` what is stored.
pub(super) fn password(kind: &FieldKind, plain: Option<&str>, hash: &str, patterns: &Patterns) -> Option<Problem> {
    let FieldKind::Password {
        min,
        max,
        pattern,
        required,
        ..
    } = kind
    else {
        return None;
    };
    let Some(plain) = plain else {
        return (*required && hash.is_empty()).then(Problem::required);
    };
    if plain.is_empty() {
        return (*required).then(Problem::required);
    }
    if plain.len() > BCRYPT_LIMIT {
        return Some(Problem::new("validation_invalid_value", "Invalid value."));
    }
    let length = count(plain);
    if length < *min {
        return Some(too_short(*min));
    }
    let max = if *max <= 0 { PASSWORD_LIMIT } else { *max };
    if length > max {
        let message = format!("Must be less than {max} character(s).");
        return Some(Problem::new("validation_max_text_constraint", message));
    }
    (!pattern.is_empty() && !patterns.is_match(pattern, plain)).then(bad_format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_dates_are_told_as_pocketbase_tells_them() {
        let problem = date("2020-01-01 00:00:00.000Z", "", false, "2019-01-01 00:00:00.000Z").unwrap();
        assert_eq!(problem.message, "Must be no less than 2020-01-01 00:00:00 +0000 UTC.");
        assert_eq!(problem.params["threshold"], "2020-01-01T00:00:00Z");
        let problem = date("", "9999-12-31 10:20:30.500Z", false, "9999-12-31 10:20:30.501Z").unwrap();
        assert_eq!(
            problem.message,
            "Must be no greater than 9999-12-31 10:20:30.5 +0000 UTC."
        );
        assert_eq!(problem.params["threshold"], "9999-12-31T10:20:30.5Z");
        assert_eq!(date("0001-01-01", "", false, "0000-01-01 00:00:00.000Z"), None);
    }

    #[test]
    fn ids_that_would_be_paths_are_refused() {
        for id in ["..", "a/b", "a\\b", "a b", "nul", "a\0b"] {
            assert!(forbidden_key(id).is_some(), "{id:?}");
        }
        assert_eq!(forbidden_key("a-b_c~1"), None);
    }

    #[test]
    fn numbers_are_held_to_their_limits() {
        let problem = number(Some(2.0), Some(10.0), true, false, 1.0).unwrap();
        assert_eq!(problem.message, "Must be greater or equal than 2.");
        assert!(
            number(Some(2.0), Some(10.0), true, false, 0.0).is_none(),
            "zero is no value"
        );
        assert!(number(None, None, true, false, 2.5).is_some());
        assert!(number(None, Some(10.5), false, false, 10.6).is_some());
    }
}
