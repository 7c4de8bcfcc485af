//! One record of a collection.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::collection::Collection;

/// A record's values, already of the types their fields have: text, email, url, date, editor, password (the stored
/// hash) and single select/file/relation as strings (`""` for none), multiple ones as arrays of strings, numbers as
/// numbers, bools as bools, json as any value, geoPoint as `{"lon":0,"lat":0}`, dates as `2026-11-23 06:17:03.216Z`.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The collection it belongs to.
    pub collection: Arc<Collection>,
    /// Every field of the collection by name, hidden ones included.
    pub values: Map<String, Value>,
}

impl Record {
    /// Its `id`, empty before it has one.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// A value as text; empty where it is absent or not text.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.values.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// A value as a bool; false where it is absent or not one.
    #[must_use]
    pub fn flag(&self, field: &str) -> bool {
        self.values.get(field).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The strings of a single or multiple select, file or relation field; empty strings are left out.
    #[must_use]
    pub fn texts(&self, field: &str) -> Vec<&str> {
        match self.values.get(field) {
            Some(Value::String(one)) if !one.is_empty() => vec![one],
            Some(Value::Array(many)) => many
                .iter()
                .filter_map(Value::as_str)
                .filter(|one| !one.is_empty())
                .collect(),
            _ => Vec::new(),
        }
    }
}
