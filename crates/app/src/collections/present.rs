//! A definition as it is shown: options beside the rest, without secrets.

use bosbase_store::Collection;
use serde_json::{Map, Value, json};

/// The options that hold a secret.
const TOKENS: [&str; 5] = [
    "authToken",
    "passwordResetToken",
    "emailChangeToken",
    "verificationToken",
    "fileToken",
];

/// The collection as JSON.
#[must_use]
pub fn present(collection: &Collection) -> Map<String, Value> {
    let Ok(Value::Object(mut shown)) = serde_json::to_value(collection) else {
        unreachable!("a collection is plain data with named parts")
    };
    shown.remove("options");
    let mut options = if collection.is_auth() || collection.is_view() {
        collection.options.clone()
    } else {
        Map::new()
    };
    for token in TOKENS {
        if let Some(token) = options.get_mut(token).and_then(Value::as_object_mut) {
            token.remove("secret");
        }
    }
    if let Some(oauth2) = options.get_mut("oauth2").and_then(Value::as_object_mut) {
        let providers = oauth2.entry("providers").or_insert_with(|| json!([]));
        if providers.is_null() {
            *providers = json!([]);
        }
        for provider in providers.as_array_mut().into_iter().flatten() {
            if let Some(provider) = provider.as_object_mut() {
                provider.remove("clientSecret");
            }
        }
    }
    shown.append(&mut options);
    shown
}

#[cfg(test)]
mod tests {
    use bosbase_store::CollectionKind;

    use super::*;
    use crate::collections::defaults;

    #[test]
    fn no_secret_is_shown() {
        let mut collection = defaults::blank(CollectionKind::Auth);
        collection.options["oauth2"]["providers"] = json!([{"name": "google", "clientSecret": "hush"}]);
        let shown = Value::Object(present(&collection)).to_string();
        assert!(!shown.contains("secret") && !shown.contains("hush"), "{shown}");
        assert!(shown.contains("\"authToken\":{\"duration\":432000}"));
    }
}
