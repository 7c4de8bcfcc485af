//! A field as a column: its declaration, and its values to SQLite and back.

use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::{Map, Value, json};

use crate::model::collection::Collection;
use crate::model::field::{EXACT, Field, FieldKind, number};
use crate::model::moment::normalize_date;
use crate::model::point::point_text;

/// The type and default of the field's column, as PocketBase declares it.
pub(crate) fn declaration(field: &Field) -> &'static str {
    match &field.kind {
        FieldKind::Text { primary_key: true, .. } => {
            "TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL"
        }
        FieldKind::Number { .. } => "NUMERIC DEFAULT 0 NOT NULL",
        FieldKind::Bool { .. } => "BOOLEAN DEFAULT FALSE NOT NULL",
        FieldKind::Json { .. } => "JSON DEFAULT NULL",
        FieldKind::GeoPoint { .. } => "JSON DEFAULT '{\"lon\":0,\"lat\":0}' NOT NULL",
        kind if kind.is_multiple() => "JSON DEFAULT '[]' NOT NULL",
        _ => "TEXT DEFAULT '' NOT NULL",
    }
}

/// The `value` that `collection` holds as one of the field's type. What another program (or a view's expression) left
/// there in another type is converted as PocketBase converts it.
pub(crate) fn decode(collection: &Collection, field: &Field, value: ValueRef<'_>) -> Value {
    match &field.kind {
        FieldKind::Number { .. } => decode_number(value),
        FieldKind::Bool { .. } => Value::Bool(match value {
            // An expression has no declared type, so that PocketBase reads its text: 2 is no word for true.
            _ if collection.is_view() => is_true(text_of(value).as_bytes()),
            ValueRef::Integer(number) => number != 0,
            ValueRef::Real(number) => number != 0.0,
            ValueRef::Text(text) => is_true(text),
            _ => false,
        }),
        FieldKind::Date { .. } | FieldKind::Autodate { .. } => Value::String(normalize_date(&text_of(value))),
        FieldKind::Json { .. } => decode_json(value),
        FieldKind::GeoPoint { .. } => match decode_json(value) {
            Value::Object(point) => json!({
                "lon": point.get("lon").filter(|number| number.is_number()).cloned().unwrap_or_else(|| json!(0)),
                "lat": point.get("lat").filter(|number| number.is_number()).cloned().unwrap_or_else(|| json!(0)),
            }),
            _ => field.kind.zero(),
        },
        FieldKind::Select { .. } | FieldKind::File { .. } | FieldKind::Relation { .. } => {
            let mut items = list_items(&text_of(value));
            if field.kind.is_multiple() {
                Value::Array(items.into_iter().map(Value::String).collect())
            } else {
                Value::String(items.pop().unwrap_or_default())
            }
        }
        FieldKind::Text { .. }
        | FieldKind::Editor { .. }
        | FieldKind::Email { .. }
        | FieldKind::Url { .. }
        | FieldKind::Password { .. } => Value::String(text_of(value)),
    }
}

/// What is stored for `value`, or for the field's zero value where there is none.
pub(crate) fn encode(field: &Field, value: Option<&Value>) -> Sql {
    match &field.kind {
        FieldKind::Number { .. } => match value {
            // Beyond the numbers that a double holds exactly, digits would be stored that no comparison with a double
            // finds.
            Some(Value::Number(number)) => match number.as_i64() {
                Some(whole) if whole.unsigned_abs() <= EXACT => Sql::Integer(whole),
                _ => Sql::Real(number.as_f64().unwrap_or_default()),
            },
            _ => Sql::Integer(0),
        },
        FieldKind::Bool { .. } => Sql::Integer(i64::from(value.and_then(Value::as_bool).unwrap_or_default())),
        FieldKind::Json { .. } => match value {
            // So that unique indexes and views see nothing, as in PocketBase.
            None | Some(Value::Null) => Sql::Null,
            Some(value) => Sql::Text(value.to_string()),
        },
        FieldKind::GeoPoint { .. } => Sql::Text(point_text(value)),
        kind if kind.is_multiple() => Sql::Text(match value {
            Some(Value::Array(_)) => value.map(Value::to_string).unwrap_or_default(),
            Some(Value::String(one)) if !one.is_empty() => json!([one]).to_string(),
            _ => "[]".to_owned(),
        }),
        _ => Sql::Text(match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(Value::Array(items)) => items.last().and_then(Value::as_str).unwrap_or_default().to_owned(),
            Some(other) => other.to_string(),
        }),
    }
}

fn is_true(text: &[u8]) -> bool {
    matches!(text, b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True")
}

fn decode_number(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(whole) => Value::from(whole),
        ValueRef::Real(real) => number(real),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .map_or(Value::from(0), number),
        _ => Value::from(0),
    }
}

fn decode_json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(whole) => Value::from(whole),
        ValueRef::Real(real) => number(real),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            // What begins with a space, or with nothing, is a text to PocketBase, too.
            if bytes.first().is_none_or(u8::is_ascii_whitespace) {
                return Value::String(String::from_utf8_lossy(bytes).into_owned());
            }
            serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
        }
    }
}

/// The stored value as text.
pub(crate) fn text_of(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(whole) => whole.to_string(),
        ValueRef::Real(real) => number(real).to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The values in a select, file or relation column: a JSON array of strings, or one plain string. No duplicates, no
/// empties.
pub(crate) fn list_items(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let parsed = if text.starts_with('[') {
        serde_json::from_str(text).ok()
    } else {
        None
    };
    let Some(items) = parsed else {
        return vec![text.to_owned()];
    };
    let mut unique: Vec<String> = Vec::new();
    for item in items_as_text(items) {
        if !item.is_empty() && !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
}

fn items_as_text(items: Vec<Value>) -> impl Iterator<Item = String> {
    items.into_iter().map(|item| match item {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

impl FieldKind {
    /// The value of a field that nothing was written to.
    #[must_use]
    pub fn zero(&self) -> Value {
        match self {
            Self::Number { .. } => Value::from(0),
            Self::Bool { .. } => Value::Bool(false),
            Self::Json { .. } => Value::Null,
            Self::GeoPoint { .. } => {
                let mut point = Map::new();
                point.insert("lon".to_owned(), Value::from(0));
                point.insert("lat".to_owned(), Value::from(0));
                Value::Object(point)
            }
            kind if kind.is_multiple() => Value::Array(Vec::new()),
            _ => Value::String(String::new()),
        }
    }
}
