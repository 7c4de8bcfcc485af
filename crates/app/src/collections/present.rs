//! A definition as it is shown: options beside the rest, without secrets.

use bosbase_store::{AuthOptions, Collection};
use serde_json::{Map, Value};

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
    AuthOptions::hide_secrets(&mut options);
    shown.append(&mut options);
    shown
}

#[cfg(test)]
mod tests {
    use bosbase_store::CollectionKind;
    use serde_json::json;

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
