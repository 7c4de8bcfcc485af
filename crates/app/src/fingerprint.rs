//! Short digests of JSON, to see later whether it is the same without keeping it.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A digest of `value` in which the order of an object's keys does not count, as 16 hexadecimal digits. Of values that
/// are secret, `key` keeps anybody from trying guesses who does not have it.
#[must_use]
pub(crate) fn fingerprint(key: &[u8], value: &Value) -> String {
    let mut hash = Sha256::new();
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    feed(&mut hash, value);
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(name, _)| name.as_str());
            hash.update([b'{']);
            for (name, value) in entries {
                feed(hash, &Value::from(name.as_str()));
                feed(hash, value);
            }
            hash.update([b'}']);
        }
        Value::Array(items) => {
            hash.update([b'[']);
            for item in items {
                feed(hash, item);
            }
            hash.update([b']']);
        }
        // Each ends with what none of them holds.
        plain => {
            hash.update(plain.to_string());
            hash.update([0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_does_not_count_and_all_else_does() {
        let print = |value: Value| fingerprint(b"", &value);
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(
            print(parse(r#"{"a": 1, "b": {"c": [1, 2], "d": null}}"#)),
            print(parse(r#"{"b": {"d": null, "c": [1, 2]}, "a": 1}"#))
        );
        let different = [
            json!({"a": 1}),
            json!({"a": "1"}),
            json!({"a": [1]}),
            json!({"a": [[1]]}),
            json!([1, 2]),
            json!([12]),
            json!([2, 1]),
            json!(["a", "b"]),
            json!({"a": "b"}),
            json!(null),
            json!(""),
        ];
        let prints: std::collections::BTreeSet<_> = different.iter().map(|value| print(value.clone())).collect();
        assert_eq!(prints.len(), different.len());
        assert_ne!(fingerprint(b"key", &json!("a")), fingerprint(b"", &json!("a")));
    }
}
