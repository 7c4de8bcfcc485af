//! Turns what a client sent into the type that a field holds. Nothing is refused here: what can't be understood becomes
//! the type's zero value, as in PocketBase, and the field's validation has the last word.

use std::collections::HashSet;

use serde_json::{Map, Number, Value, json};

use crate::distinct::Distinct;

/// Any scalar as text; lists and objects become empty.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        // Clients' numbers are doubles; never with an exponent.
        Value::Number(number) => number.as_f64().map_or_else(String::new, |float| format!("{float}")),
        _ => String::new(),
    }
}

/// A number, also out of a string; NaN and the infinities are possible there, and what is larger than any number is
/// infinite.
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or_default(),
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::String(text) => float_in(text).unwrap_or_default(),
        _ => 0.0,
    }
}

/// The number that `text` is to Go: `_` may stand between digits, `0x1p4` is 16.
fn float_in(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let underscores = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .map(|(at, _)| at);
    for at in underscores {
        if at == 0 || !(is_digit(at - 1) || matches!(bytes[at - 1], b'x' | b'X')) || !is_digit(at + 1) {
            return None;
        }
    }
    let text = text.replace('_', "");
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(&text)),
    };
    if let Some(hexadecimal) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return hexadecimal_float(hexadecimal).map(|float| sign * float);
    }
    // Not a number has no sign there.
    let signed_nan = unsigned.len() < text.len() && unsigned.eq_ignore_ascii_case("nan");
    if signed_nan { None } else { text.parse().ok() }
}

/// `1.8p-3`: digits to the base 16, and the power of two that they are multiplied by.
fn hexadecimal_float(text: &str) -> Option<f64> {
    let (digits, power) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut float = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        float = float * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    let power: i32 = power.parse().ok()?;
    Some(float * 2_f64.powi(power.checked_sub(shift)?))
}

/// A bool, also out of a number or of one of the words that stand for one.
pub(super) fn flag(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => matches!(text.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"),
        _ => false,
    }
}

/// A list of different, non-empty strings: out of a list, a single value, or a JSON list in a string. A list in which
/// a list or an object stands is empty.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    let mut add = |one: String| {
        if !one.is_empty() && seen.insert(one.clone()) {
            found.push(one);
        }
    };
    match value {
        Value::Array(many) if many.iter().any(|one| one.is_array() || one.is_object()) => {}
        Value::Array(many) => many.iter().map(text).for_each(add),
        Value::String(one) if one.contains('[') => match serde_json::from_str::<Vec<Option<String>>>(one) {
            Ok(many) => many.into_iter().flatten().for_each(add),
            Err(_) => add(one.clone()),
        },
        other => add(text(other)),
    }
    found
}

/// [`texts`] of a field of files, where lists may stand in lists.
pub(super) fn file_names(value: &Value) -> Vec<String> {
    fn flat(value: &Value, into: &mut Vec<Value>) {
        match value {
            Value::Array(many) => many.iter().for_each(|one| flat(one, into)),
            Value::Object(_) => {}
            other => into.push(other.clone()),
        }
    }
    let Value::Array(_) = value else {
        return texts(value);
    };
    let mut all = Vec::new();
    flat(value, &mut all);
    texts(&Value::Array(all))
}

/// The last of `texts`. PocketBase reads the one that stays once more, as what a client sent: `[]` is none, also within
/// a list.
pub(super) fn one_text(texts: Vec<String>) -> String {
    let last = texts.into_iter().next_back().unwrap_or_default();
    self::texts(&Value::String(last))
        .into_iter()
        .next_back()
        .unwrap_or_default()
}

/// A JSON number without a needless fraction or exponent.
pub(super) fn number(float: f64) -> Value {
    // Written out, a double that stands for a whole number has zeros where its precision ends, not digits that nobody
    // sent.
    if float.fract() == 0.0
        && let Ok(whole) = format!("{float}").parse::<i64>()
    {
        return whole.into();
    }
    Number::from_f64(float).map_or_else(|| json!(0), Value::Number)
}

/// The same value with every number as [`number`] writes it: clients' numbers are doubles.
pub(super) fn with_plain_numbers(value: Value) -> Value {
    match value {
        Value::Number(given) => given.as_f64().map_or(Value::Number(given), number),
        Value::Array(many) => many.into_iter().map(with_plain_numbers).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, with_plain_numbers(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

/// A string that looks like JSON and says what can't be kept: a name twice, a number beyond all numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unkeepable;

/// The value of a json field. Forms can only send strings: one that reads as JSON is taken as that.
pub(super) fn json(value: &Value) -> Result<Value, Unkeepable> {
    match value {
        Value::String(text) => read_json(text).unwrap_or_else(|| Ok(value.clone())),
        _ => Ok(with_plain_numbers(value.clone())),
    }
}

/// The value of a string that is JSON; none of any other.
fn read_json(text: &str) -> Option<Result<Value, Unkeepable>> {
    let looks_like_json = matches!(text, "null" | "true" | "false")
        || text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '"' | '[' | '{'));
    if !looks_like_json {
        return None;
    }
    match serde_json::from_str(text) {
        Ok(Distinct(parsed)) => Some(Ok(parsed)),
        Err(error) if error.is_data() || error.to_string().starts_with("number out of range") => Some(Err(Unkeepable)),
        Err(_) => None,
    }
}

/// The text of a json field as rules see it in `@request.body`: what was sent, where that is JSON already.
pub(super) fn json_text(value: &Value) -> String {
    match value {
        Value::String(text) if read_json(text).is_some() => text.clone(),
        Value::String(_) => value.to_string(),
        _ => with_plain_numbers(value.clone()).to_string(),
    }
}

/// A point on the globe, `{"lon": 0, "lat": 0}` where there is none in `value`.
pub(super) fn geo_point(value: &Value) -> Value {
    let parsed;
    let value = match value {
        Value::String(text) => {
            parsed = serde_json::from_str(text).unwrap_or_default();
            &parsed
        }
        other => other,
    };
    let coordinate = |name| number(value.get(name).and_then(Value::as_f64).unwrap_or_default());
    json!({"lon": coordinate("lon"), "lat": coordinate("lat")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_as_pocketbase_reads_them() {
        assert_eq!(text(&json!(1.5)), "1.5");
        assert_eq!(text(&json!(1e21)), "1000000000000000000000");
        assert_eq!(text(&json!(-5)), "-5");
        assert_eq!(text(&json!(9_223_372_036_854_775_808_u64)), "9223372036854776000");
        assert_eq!(text(&json!(["x"])), "");
        assert!((float(&json!("1_000")) - 1000.0).abs() < f64::EPSILON);
        assert!((float(&json!("0x1.8p1")) - 3.0).abs() < f64::EPSILON);
        for none in [" 5 ", "_1", "1_", "1__0", "0x10", "+nan", "0b1", "1,5", "."] {
            assert!(float(&json!(none)).abs() < f64::EPSILON, "{none}");
        }
        assert!(flag(&json!("T")) && flag(&json!(2)) && !flag(&json!("yes")) && !flag(&json!("2")));
    }

    #[test]
    fn lists_come_out_of_many_shapes() {
        assert_eq!(texts(&json!(["a", "a", ""])), ["a"]);
        assert_eq!(texts(&json!("[\"a\",\"b\"]")), ["a", "b"]);
        assert_eq!(texts(&json!("[a")), ["[a"]);
        assert_eq!(texts(&json!("[\"a\",null]")), ["a"]);
        assert!(texts(&json!([["a"], "b"])).is_empty());
        assert_eq!(file_names(&json!([[["a"]], "b", {"c": "d"}])), ["a", "b"]);
        assert_eq!(texts(&json!(5)), ["5"]);
        assert!(texts(&Value::Null).is_empty());
        assert_eq!(one_text(texts(&json!(["a", "[]"]))), "");
        assert_eq!(one_text(texts(&json!(["[\"a\",\"b\"]"]))), "b");
        assert_eq!(one_text(texts(&json!(["[b"]))), "[b");
        assert_eq!(one_text(Vec::new()), "");
    }

    #[test]
    fn numbers_are_written_without_needless_digits() {
        assert_eq!(number(5.0).to_string(), "5");
        assert_eq!(number(0.1).to_string(), "0.1");
        assert_eq!(number(123_456_789_012_345_678.0).to_string(), "123456789012345680");
        assert_eq!(
            json(&json!({"a": [1, 2.0, 1e3]})).unwrap().to_string(),
            r#"{"a":[1,2,1000]}"#
        );
    }

    #[test]
    fn json_in_strings_is_read_where_it_is_json() {
        assert_eq!(json(&json!("{\"a\":1}")), Ok(json!({"a": 1})));
        assert_eq!(json(&json!("[1")), Ok(json!("[1")));
        assert_eq!(json(&json!("12")), Ok(json!(12)));
        assert_eq!(json(&json!("")), Ok(json!("")));
        assert_eq!(json(&json!("abc")), Ok(json!("abc")));
        assert_eq!(json(&json!("{\"a\":1,\"a\":2}")), Err(Unkeepable));
        assert_eq!(json(&json!("[1e400]")), Err(Unkeepable));
    }

    #[test]
    fn rules_see_json_as_its_text() {
        for (sent, seen) in [
            (json!(null), "null"),
            (json!("null"), "null"),
            (json!(""), r#""""#),
            (json!("abc"), r#""abc""#),
            (json!("\"abc\""), r#""abc""#),
            (json!("\"abc"), r#""\"abc""#),
            (json!("1.50"), "1.50"),
            (json!("[1, 2]"), "[1, 2]"),
            (json!("[1, 2"), r#""[1, 2""#),
            (json!({"a": [1, true]}), r#"{"a":[1,true]}"#),
            (json!(["<&"]), r#"["<&"]"#),
            (json!(false), "false"),
        ] {
            assert_eq!(json_text(&sent), seen, "{sent}");
        }
    }

    #[test]
    fn points_are_whole_or_null_island() {
        assert_eq!(
            geo_point(&json!({"lon": 20.5, "lat": 10})),
            json!({"lon": 20.5, "lat": 10})
        );
        assert_eq!(geo_point(&json!("{\"lon\":1,\"lat\":2}")), json!({"lon": 1, "lat": 2}));
        assert_eq!(geo_point(&json!("abc")), json!({"lon": 0, "lat": 0}));
        assert_eq!(geo_point(&json!({"lon": null, "lat": 2})), json!({"lon": 0, "lat": 2}));
    }
}
