//! Turns what a client sent into the type that a field holds. Nothing is refused here: what can't be understood becomes the
//! type's zero value, as in PocketBase, and the field's validation has the last word.

use serde_json::{Map, Number, Value, json};

/// Any scalar as text; lists and objects become empty.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => match number.as_f64() {
            // Never an exponent.
            Some(float) if !number.is_i64() && !number.is_u64() => format!("{float}"),
            _ => number.to_string(),
        },
        _ => String::new(),
    }
}

/// A number, also out of a string; NaN and the infinities are possible there.
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or_default(),
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::String(text) => text.replace('_', "").parse().unwrap_or_default(),
        _ => 0.0,
    }
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

/// A list of different, non-empty strings: out of a list, a single value, or a JSON list in a string.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |one: String| {
        if !one.is_empty() && !found.contains(&one) {
            found.push(one);
        }
    };
    match value {
        Value::Array(many) => many.iter().map(text).for_each(add),
        Value::String(one) if one.contains('[') => match serde_json::from_str::<Vec<String>>(one) {
            Ok(many) => many.into_iter().for_each(add),
            Err(_) => add(one.clone()),
        },
        other => add(text(other)),
    }
    found
}

/// A JSON number without a needless fraction or exponent.
pub(super) fn number(float: f64) -> Value {
    // Written out, a double that stands for a whole number has zeros where its precision ends, not digits that nobody sent.
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

/// The value of a json field. Forms can only send strings: one that reads as JSON is taken as that.
pub(super) fn json(value: &Value) -> Value {
    let Value::String(text) = value else {
        return with_plain_numbers(value.clone());
    };
    let looks_like_json = matches!(text.as_str(), "null" | "true" | "false")
        || text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '"' | '[' | '{'));
    if looks_like_json && let Ok(parsed) = serde_json::from_str(text) {
        return parsed;
    }
    value.clone()
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
        assert_eq!(text(&json!(["x"])), "");
        assert!((float(&json!("1_000")) - 1000.0).abs() < f64::EPSILON);
        assert!(float(&json!(" 5 ")).abs() < f64::EPSILON);
        assert!(flag(&json!("T")) && flag(&json!(2)) && !flag(&json!("yes")) && !flag(&json!("2")));
    }

    #[test]
    fn lists_come_out_of_many_shapes() {
        assert_eq!(texts(&json!(["a", "a", ""])), ["a"]);
        assert_eq!(texts(&json!("[\"a\",\"b\"]")), ["a", "b"]);
        assert_eq!(texts(&json!("[a")), ["[a"]);
        assert_eq!(texts(&json!(5)), ["5"]);
        assert!(texts(&Value::Null).is_empty());
    }

    #[test]
    fn numbers_are_written_without_needless_digits() {
        assert_eq!(number(5.0).to_string(), "5");
        assert_eq!(number(0.1).to_string(), "0.1");
        assert_eq!(number(123_456_789_012_345_678.0).to_string(), "123456789012345680");
        assert_eq!(json(&json!({"a": [1, 2.0, 1e3]})).to_string(), r#"{"a":[1,2,1000]}"#);
    }

    #[test]
    fn json_in_strings_is_read_where_it_is_json() {
        assert_eq!(json(&json!("{\"a\":1}")), json!({"a": 1}));
        assert_eq!(json(&json!("[1")), json!("[1"));
        assert_eq!(json(&json!("12")), json!(12));
        assert_eq!(json(&json!("")), json!(""));
        assert_eq!(json(&json!("abc")), json!("abc"));
    }

    #[test]
    fn points_are_whole_or_null_island() {
        assert_eq!(
            geo_point(&json!({"lon": 20.5, "lat": 10})),
            json!({"lon": 20.5, "lat": 10})
        );
        assert_eq!(geo_point(&json!("{\"lon\":1,\"lat\":2}")), json!({"lon": 1, "lat": 2}));
        assert_eq!(geo_point(&json!("abc")), json!({"lon": 0, "lat": 0}));
    }
}
