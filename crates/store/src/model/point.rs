//! Points on the globe.

use serde_json::Value;

/// The text of a point as its column holds it, and as rules see it: `{"lon":1.5,"lat":2}`, in this order, as PocketBase
/// writes it. What is no number is 0.
#[must_use]
pub fn point_text(point: Option<&Value>) -> String {
    let part = |name| match point.and_then(|point| point.get(name)) {
        Some(Value::Number(number)) => number.to_string(),
        _ => "0".to_owned(),
    };
    format!(r#"{{"lon":{},"lat":{}}}"#, part("lon"), part("lat"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_longitude_comes_first_and_what_is_no_number_is_nothing() {
        for (point, text) in [
            (json!({"lat": 2, "lon": 1.5}), r#"{"lon":1.5,"lat":2}"#),
            (json!({"lat": "2", "lon": null}), r#"{"lon":0,"lat":0}"#),
            (json!([1, 2]), r#"{"lon":0,"lat":0}"#),
        ] {
            assert_eq!(point_text(Some(&point)), text);
        }
        assert_eq!(point_text(None), r#"{"lon":0,"lat":0}"#);
    }
}
