//! A record in the making: what is stored, with what was sent applied to it.

use std::collections::BTreeMap;
use std::collections::HashSet;

use bosbase_store::{Field, FieldKind, Record, normalize_date, point_text};
use serde_json::{Map, Value, json};

use super::{pattern, value};
use crate::files::Upload;

/// What a request made up, by key and pattern, so that it makes up the same record again when it is planned anew.
pub(super) type Made = BTreeMap<(String, String), String>;

/// A record as it would be stored, and what can't be seen from its values alone.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// The new state. Passwords still hold what was stored before, see `passwords`.
    pub(super) record: Record,
    /// What is stored now; `None` for a new record.
    pub(super) original: Option<Record>,
    /// Newly set passwords by field, in plain text.
    pub(super) passwords: BTreeMap<String, String>,
    /// Number fields that were sent something that is no finite number.
    pub(super) not_numbers: Vec<String>,
    /// JSON fields that were sent what can't be kept as it is.
    pub(super) not_json: Vec<String>,
    /// What was sent, with modifiers replaced by their outcome: `@request.body`.
    pub(super) body: Map<String, Value>,
}

/// What a key does to the field it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Set,
    Append,
    Prepend,
    Subtract,
    Generate,
}

impl Draft {
    /// A new record, or a change of `original`, which belongs to the same collection as `blank`.
    pub(super) fn new(blank: Record, original: Option<Record>) -> Self {
        Self {
            record: original.clone().unwrap_or(blank),
            original,
            passwords: BTreeMap::new(),
            not_numbers: Vec::new(),
            not_json: Vec::new(),
            body: Map::new(),
        }
    }

    /// Applies what was sent; `files` pairs keys with the stored names of uploads, `made` keeps what is made up.
    ///
    /// Shorter keys come first, so that a plain `tags` is there when `tags+` adds to it.
    pub(super) fn apply(&mut self, values: &Map<String, Value>, files: &[(String, String)], made: &mut Made) {
        let mut keys: Vec<&String> = values.keys().collect();
        keys.sort_by_key(|key| key.len());
        for key in keys {
            self.apply_one(key, &values[key], made);
        }
        let mut by_key: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (key, name) in files {
            by_key.entry(key).or_default().push(name.as_str().into());
        }
        let mut by_key: Vec<_> = by_key.into_iter().collect();
        by_key.sort_by_key(|(key, _)| key.len());
        for (key, mut names) in by_key {
            // Names sent beside files of the same key say which of the old ones stay.
            if let Some(kept) = values
                .get(key)
                .filter(|_| !key.starts_with('+') && !key.ends_with(['+', '-']))
            {
                let mut all: Vec<Value> = value::texts(kept).into_iter().map(Value::from).collect();
                all.append(&mut names);
                names = all;
            }
            self.apply_one(key, &Value::Array(names), made);
        }
    }

    /// Puts files in the place of their names for the rules, which see of one that comes what PocketBase shows them: an
    /// object. The record keeps the names.
    pub(super) fn describe(&mut self, uploads: &[&Upload]) {
        let collection = self.record.collection.clone();
        let is_file = |field: &&Field| matches!(field.kind, FieldKind::File { .. });
        for field in collection.fields.iter().filter(is_file) {
            let items = match self.body.get_mut(&field.name) {
                Some(Value::Array(items)) => items.as_mut_slice(),
                Some(one) => std::slice::from_mut(one),
                None => continue,
            };
            for item in items {
                if let Some(upload) = uploads.iter().find(|upload| *item == upload.name()) {
                    *item = json!({
                        "name": upload.name(),
                        "originalName": upload.original_name(),
                        "size": upload.len(),
                    });
                }
            }
        }
    }

    fn apply_one(&mut self, key: &str, given: &Value, made: &mut Made) {
        let collection = self.record.collection.clone();
        let Some((field, change)) = collection
            .fields
            .iter()
            .find_map(|field| Some((field, change(field, key)?)))
        else {
            self.body.insert(key.to_owned(), given.clone());
            return;
        };
        self.set(field, (key, change), given, made);
        let outcome = match (&field.kind, self.passwords.get(&field.name)) {
            (FieldKind::Json { .. }, _) => value::json_text(given).into(),
            (FieldKind::GeoPoint { .. }, _) => point_text(Some(&value::geo_point(given))).into(),
            (_, Some(plain)) => plain.as_str().into(),
            (_, None) => self.record.values.get(&field.name).cloned().unwrap_or_default(),
        };
        self.body.insert(field.name.clone(), outcome);
    }

    fn set(&mut self, field: &Field, (key, change): (&str, Change), given: &Value, made: &mut Made) {
        let current = self.record.values.get(&field.name).unwrap_or(&Value::Null);
        let next = match &field.kind {
            FieldKind::Text {
                autogenerate_pattern, ..
            } => {
                let mut text = value::text(given);
                if change == Change::Generate && !autogenerate_pattern.is_empty() {
                    text.push_str(make_up(made, key, autogenerate_pattern));
                }
                text.into()
            }
            FieldKind::Editor { .. } | FieldKind::Email { .. } | FieldKind::Url { .. } => value::text(given).into(),
            FieldKind::Number { .. } => {
                let given = value::float(given);
                let next = match change {
                    Change::Append => value::float(current) + given,
                    Change::Subtract => value::float(current) - given,
                    _ => given,
                };
                if !next.is_finite() {
                    self.not_numbers.push(field.name.clone());
                }
                value::number(next)
            }
            FieldKind::Bool { .. } => value::flag(given).into(),
            FieldKind::Date { .. } => normalize_date(&value::text(given)).into(),
            // The clock's alone.
            FieldKind::Autodate { .. } => return,
            FieldKind::Json { .. } => value::json(given).unwrap_or_else(|_| {
                self.not_json.push(field.name.clone());
                given.clone()
            }),
            FieldKind::GeoPoint { .. } => value::geo_point(given),
            FieldKind::Password { .. } => {
                self.passwords.insert(field.name.clone(), value::text(given));
                return;
            }
            FieldKind::Select { .. } | FieldKind::File { .. } | FieldKind::Relation { .. } => {
                let given = match field.kind {
                    FieldKind::File { .. } => value::file_names(given),
                    _ => value::texts(given),
                };
                let next = list(change, &value::texts(current), given);
                if field.kind.is_multiple() {
                    next.into_iter().map(Value::from).collect()
                } else {
                    value::one_text(next).into()
                }
            }
        };
        self.record.values.insert(field.name.clone(), next);
    }

    /// Takes back what was sent for hidden fields, as if it had not been; a password may be set all the same.
    pub(super) fn forget_hidden(&mut self) {
        let collection = self.record.collection.clone();
        for field in collection.fields.iter().filter(|field| field.hidden) {
            if collection.is_auth() && field.name == "password" {
                continue;
            }
            self.body.remove(&field.name);
            self.passwords.remove(&field.name);
            self.not_numbers.retain(|name| *name != field.name);
            self.not_json.retain(|name| *name != field.name);
            let before = match &self.original {
                Some(original) => original.values.get(&field.name).cloned(),
                None => Some(zero(field)),
            };
            if let Some(before) = before {
                self.record.values.insert(field.name.clone(), before);
            }
        }
    }

    /// Gives a new record the values that fields make up themselves; `made` keeps them.
    pub(super) fn generate(&mut self, made: &mut Made) {
        if self.original.is_some() {
            return;
        }
        let collection = self.record.collection.clone();
        for field in &collection.fields {
            if let FieldKind::Text {
                autogenerate_pattern, ..
            } = &field.kind
                && !autogenerate_pattern.is_empty()
                && self.record.text(&field.name).is_empty()
            {
                let value = make_up(made, &field.name, autogenerate_pattern);
                self.record.values.insert(field.name.clone(), value.into());
            }
        }
    }

    /// A password as it was newly set, empty where it was not.
    pub(super) fn plain_password(&self, field: &str) -> &str {
        self.passwords.get(field).map_or("", String::as_str)
    }
}

/// A text of `pattern` for what was sent under `key`, the same each time.
fn make_up<'a>(made: &'a mut Made, key: &str, pattern: &str) -> &'a str {
    let made = made.entry((key.to_owned(), pattern.to_owned()));
    made.or_insert_with(|| pattern::generate(pattern).unwrap_or_default())
}

/// A record with the zero value of each field and no id.
pub(super) fn blank(collection: &std::sync::Arc<bosbase_store::Collection>) -> Record {
    Record {
        collection: collection.clone(),
        values: collection
            .fields
            .iter()
            .map(|field| (field.name.clone(), zero(field)))
            .collect(),
    }
}

fn zero(field: &Field) -> Value {
    match &field.kind {
        FieldKind::Number { .. } => 0.into(),
        FieldKind::Bool { .. } => false.into(),
        FieldKind::Json { .. } => Value::Null,
        FieldKind::GeoPoint { .. } => value::geo_point(&Value::Null),
        kind if kind.is_multiple() => Value::Array(Vec::new()),
        _ => "".into(),
    }
}

/// What `key` means to `field`, if it is one of its keys.
fn change(field: &Field, key: &str) -> Option<Change> {
    if key == field.name {
        return Some(Change::Set);
    }
    let list = matches!(
        field.kind,
        FieldKind::Select { .. } | FieldKind::File { .. } | FieldKind::Relation { .. }
    );
    let number = matches!(field.kind, FieldKind::Number { .. });
    match (key.strip_prefix(&field.name), key.strip_prefix('+')) {
        (Some("+"), _) if list || number => Some(Change::Append),
        (Some("-"), _) if list || number => Some(Change::Subtract),
        (Some(":autogenerate"), _) if matches!(field.kind, FieldKind::Text { .. }) => Some(Change::Generate),
        (_, Some(name)) if list && name == field.name => Some(Change::Prepend),
        _ => None,
    }
}

fn list(change: Change, current: &[String], given: Vec<String>) -> Vec<String> {
    let all: Vec<String> = match change {
        Change::Append => current.iter().cloned().chain(given).collect(),
        Change::Prepend => given.into_iter().chain(current.iter().cloned()).collect(),
        Change::Subtract => {
            let given: HashSet<String> = given.into_iter().collect();
            current.iter().filter(|one| !given.contains(*one)).cloned().collect()
        }
        Change::Set | Change::Generate => given,
    };
    let mut seen = HashSet::with_capacity(all.len());
    all.into_iter().filter(|one| seen.insert(one.clone())).collect()
}
