//! Values as the text that PocketBase shows of them.

use rusqlite::types::ValueRef;

/// The value as text; `None` for null. What is no UTF-8 is replaced.
pub(super) fn of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(real(number)),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// The shortest text that reads back as `number`, as C's `%g` would write it: with an exponent below 1e-4 and from 1e6
/// on.
fn real(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or_default() {
        -4..6 => number.to_string(),
        exponent => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_pocketbase_writes_them() {
        for (number, text) in [
            (0.1, "0.1"),
            (2.5, "2.5"),
            (1.0, "1"),
            (-0.0, "-0"),
            (123_456.5, "123456.5"),
            (1e6, "1e+06"),
            (12_345_678.0, "1.2345678e+07"),
            (123_456_789.123, "1.23456789123e+08"),
            (1e15, "1e+15"),
            (1e21, "1e+21"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1e-7, "1e-07"),
            (1e300, "1e+300"),
            (0.300_000_000_000_000_04, "0.30000000000000004"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(real(number), text);
        }
    }
}
