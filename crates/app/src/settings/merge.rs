//! A change to the settings: what it names is replaced, what it does not stays.

use serde_json::{Map, Value};

use super::sections::Settings;
use crate::error::{Error, Result};

/// What older clients show, and send back, in place of a secret.
const REDACTED: &str = "******";

/// So many names that there are not are told at a time.
const MOST_UNHEARD: usize = 10;

/// `current` with what `patch` says. Names that there are not are passed over; `null` is the zero value of its kind.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where a value is of the wrong type.
pub(super) fn merged(current: &Settings, patch: &Map<String, Value>) -> Result<Settings> {
    let mut document = current.document();
    if let Some(document) = document.as_object_mut() {
        apply(document, patch);
    }
    serde_json::from_value(document)
        .map_err(|error| Error::invalid("An error occurred while loading the submitted data.").caused_by(error))
}

/// The names in `patch` that are no setting's, as `backups.alarmHours`; the first ones.
pub(super) fn unheard(current: &Settings, patch: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(known) = current.document().as_object() {
        look(known, patch, "", &mut found);
    }
    found
}

fn look(known: &Map<String, Value>, patch: &Map<String, Value>, above: &str, found: &mut Vec<String>) {
    for (name, new) in patch {
        if found.len() >= MOST_UNHEARD {
            return;
        }
        match (known.get(name), new) {
            (None, _) => {
                let shown: String = name.chars().take(60).collect();
                found.push(format!("{above}{}", shown.escape_debug()));
            }
            (Some(Value::Object(known)), Value::Object(new)) => look(known, new, &format!("{above}{name}."), found),
            _ => {}
        }
    }
}

fn apply(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, new) in patch {
        let Some(old) = target.get_mut(name) else { continue };
        match (&mut *old, new) {
            (Value::Object(old), Value::Object(new)) => apply(old, new),
            (old, Value::Null) => *old = zero(old),
            (_, Value::String(text)) if text == REDACTED && matches!(name.as_str(), "secret" | "password") => {}
            (old, new) => *old = without_nulls(new),
        }
    }
}

fn zero(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => Value::Bool(false),
        Value::Number(_) => Value::from(0),
        Value::String(_) => Value::String(String::new()),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(map) => Value::Object(map.iter().map(|(name, value)| (name.clone(), zero(value))).collect()),
    }
}

/// `value` with what is null left out, so that it takes its default.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(current: &Settings, patch: &Value) -> Settings {
        merged(current, patch.as_object().unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_named_stays() {
        let before = change(
            &Settings::default(),
            &json!({"smtp": {"password": "p", "username": "u"}}),
        );
        let after = change(
            &before,
            &json!({"smtp": {"username": "v"}, "unheard": 1, "meta": {"of": 2}}),
        );
        assert_eq!(after.smtp.username, "v");
        assert_eq!(after.smtp.password, "p");
        assert_eq!(after.meta, before.meta);
    }

    #[test]
    fn names_that_there_are_not_are_found() {
        let patch = json!({
            "smtp": {"username": "v", "tsl": true}, "unheard\n": {"of": 1}, "batch": 1, "logs": null,
            "rateLimits": {"rules": [{"odd": 1}]}, "backups": {"alarmHours": 3, "s3": {"Bucket": "b"}},
        });
        let found = unheard(&Settings::default(), patch.as_object().unwrap());
        let expected = ["backups.alarmHours", "backups.s3.Bucket", "smtp.tsl", "unheard\\n"];
        assert_eq!(found, expected);
        let many: Map<_, _> = (0..100).map(|n| (n.to_string(), Value::Null)).collect();
        assert_eq!(unheard(&Settings::default(), &many).len(), MOST_UNHEARD);
    }

    #[test]
    fn asterisks_keep_a_secret_and_an_empty_one_removes_it() {
        let before = change(&Settings::default(), &json!({"backups": {"s3": {"secret": "k"}}}));
        let kept = change(
            &before,
            &json!({"backups": {"s3": {"secret": "******", "bucket": "b"}}}),
        );
        assert_eq!(
            (kept.backups.s3.secret.as_str(), kept.backups.s3.bucket.as_str()),
            ("k", "b")
        );
        let removed = change(&kept, &json!({"backups": {"s3": {"secret": ""}}}));
        assert_eq!(removed.backups.s3.secret, "");
    }

    #[test]
    fn null_empties_and_a_wrong_type_is_refused() {
        let after = change(
            &Settings::default(),
            &json!({"meta": null, "rateLimits": {"rules": null}}),
        );
        assert_eq!(after.meta.app_name, "");
        assert!(after.rate_limits.rules.is_empty());
        for wrong in [
            json!({"meta": {"appName": 12}}),
            json!({"batch": {"maxRequests": 1.5}}),
            json!({"trustedProxy": {"useLeftmostIP": "x"}}),
            json!({"smtp": 1}),
        ] {
            assert!(
                merged(&Settings::default(), wrong.as_object().unwrap()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let settings = change(
            &Settings::default(),
            &json!({"smtp": {"password": "s1"}, "s3": {"secret": "s2"}, "backups": {"s3": {"secret": "s3"}}}),
        );
        let shown = settings.public().to_string();
        assert!(!shown.contains("password") && !shown.contains("secret"), "{shown}");
    }
}
