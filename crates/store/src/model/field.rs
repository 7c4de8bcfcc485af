//! The fields of a collection, as PocketBase 0.23 and later stores them in `_collections.fields`.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// Up to here every whole number is exact in a double: 2^53.
pub(crate) const EXACT: u64 = 1 << 53;

/// One field of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Stable identifier (`text3208210256`); survives a rename.
    #[serde(default)]
    pub id: String,
    /// Column and JSON name.
    #[serde(default)]
    pub name: String,
    /// Part of the collection's type: can't be removed or renamed.
    #[serde(default)]
    pub system: bool,
    /// Left out of API answers to anyone but superusers.
    #[serde(default)]
    pub hidden: bool,
    /// A dashboard's hint to show this field as the record's label.
    #[serde(default)]
    pub presentable: bool,
    /// The type and its options.
    #[serde(flatten)]
    pub kind: FieldKind,
}

/// The type of a field with the options that only it has. Options absent from stored JSON take their zero value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the options are PocketBase's, documented in docs/api.md")]
pub enum FieldKind {
    Text {
        #[serde(default)]
        help: String,
        #[serde(default)]
        min: i64,
        #[serde(default)]
        max: i64,
        #[serde(default)]
        pattern: String,
        #[serde(default)]
        autogenerate_pattern: String,
        #[serde(default)]
        primary_key: bool,
        #[serde(default)]
        required: bool,
    },
    Editor {
        #[serde(default)]
        help: String,
        #[serde(default)]
        max_size: i64,
        #[serde(default, rename = "convertURLs")]
        convert_urls: bool,
        #[serde(default)]
        required: bool,
    },
    Number {
        #[serde(default)]
        help: String,
        #[serde(default, serialize_with = "whole_or_real")]
        min: Option<f64>,
        #[serde(default, serialize_with = "whole_or_real")]
        max: Option<f64>,
        #[serde(default)]
        only_int: bool,
        #[serde(default)]
        required: bool,
    },
    Bool {
        #[serde(default)]
        help: String,
        #[serde(default)]
        required: bool,
    },
    Email {
        #[serde(default)]
        help: String,
        #[serde(default, deserialize_with = "null_as_default")]
        except_domains: Vec<String>,
        #[serde(default, deserialize_with = "null_as_default")]
        only_domains: Vec<String>,
        #[serde(default)]
        required: bool,
    },
    Url {
        #[serde(default)]
        help: String,
        #[serde(default, deserialize_with = "null_as_default")]
        except_domains: Vec<String>,
        #[serde(default, deserialize_with = "null_as_default")]
        only_domains: Vec<String>,
        #[serde(default)]
        required: bool,
    },
    Date {
        #[serde(default)]
        help: String,
        #[serde(default)]
        min: String,
        #[serde(default)]
        max: String,
        #[serde(default)]
        required: bool,
    },
    Autodate {
        #[serde(default)]
        on_create: bool,
        #[serde(default)]
        on_update: bool,
    },
    Select {
        #[serde(default)]
        help: String,
        #[serde(default, deserialize_with = "null_as_default")]
        values: Vec<String>,
        #[serde(default)]
        max_select: i64,
        #[serde(default)]
        required: bool,
    },
    File {
        #[serde(default)]
        help: String,
        #[serde(default)]
        max_select: i64,
        #[serde(default)]
        max_size: i64,
        #[serde(default, deserialize_with = "null_as_default")]
        mime_types: Vec<String>,
        #[serde(default, deserialize_with = "null_as_default")]
        thumbs: Vec<String>,
        #[serde(default)]
        protected: bool,
        #[serde(default)]
        required: bool,
    },
    Relation {
        #[serde(default)]
        help: String,
        #[serde(default)]
        collection_id: String,
        #[serde(default)]
        cascade_delete: bool,
        #[serde(default)]
        min_select: i64,
        #[serde(default)]
        max_select: i64,
        #[serde(default)]
        required: bool,
    },
    Json {
        #[serde(default)]
        help: String,
        #[serde(default)]
        max_size: i64,
        #[serde(default)]
        required: bool,
    },
    Password {
        #[serde(default)]
        help: String,
        #[serde(default)]
        min: i64,
        #[serde(default)]
        max: i64,
        #[serde(default)]
        pattern: String,
        #[serde(default)]
        cost: i64,
        #[serde(default)]
        required: bool,
    },
    GeoPoint {
        #[serde(default)]
        help: String,
        #[serde(default)]
        required: bool,
    },
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// `5`, not `5.0`, as PocketBase writes a limit.
fn whole_or_real<S: serde::Serializer>(limit: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    limit.map(number).serialize(serializer)
}

impl FieldKind {
    /// The `type` value in JSON (`text`, `geoPoint`, …).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Editor { .. } => "editor",
            Self::Number { .. } => "number",
            Self::Bool { .. } => "bool",
            Self::Email { .. } => "email",
            Self::Url { .. } => "url",
            Self::Date { .. } => "date",
            Self::Autodate { .. } => "autodate",
            Self::Select { .. } => "select",
            Self::File { .. } => "file",
            Self::Relation { .. } => "relation",
            Self::Json { .. } => "json",
            Self::Password { .. } => "password",
            Self::GeoPoint { .. } => "geoPoint",
        }
    }

    /// Whether a value must not be the type's zero value.
    #[must_use]
    pub fn required(&self) -> bool {
        match self {
            Self::Text { required, .. }
            | Self::Editor { required, .. }
            | Self::Number { required, .. }
            | Self::Bool { required, .. }
            | Self::Email { required, .. }
            | Self::Url { required, .. }
            | Self::Date { required, .. }
            | Self::Select { required, .. }
            | Self::File { required, .. }
            | Self::Relation { required, .. }
            | Self::Json { required, .. }
            | Self::Password { required, .. }
            | Self::GeoPoint { required, .. } => *required,
            Self::Autodate { .. } => false,
        }
    }

    /// Whether a record holds a list of values in this field (select, file and relation with `maxSelect` above 1).
    #[must_use]
    pub fn is_multiple(&self) -> bool {
        match self {
            Self::Select { max_select, .. } | Self::File { max_select, .. } | Self::Relation { max_select, .. } => {
                *max_select > 1
            }
            _ => false,
        }
    }
}

/// A number as JSON writes it: `5`, not `5.0`, where it is whole.
pub(crate) fn number(value: f64) -> Value {
    #[allow(clippy::cast_precision_loss, reason = "2^53 is exact")]
    if value.fract() == 0.0 && value.abs() <= EXACT as f64 {
        #[allow(clippy::cast_possible_truncation, reason = "whole and within ±2^53")]
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::from(0), Value::Number)
}
