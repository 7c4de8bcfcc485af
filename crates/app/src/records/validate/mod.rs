//! Holds a record's values against its fields' options, with PocketBase's codes and messages.

mod address;
mod choice;
mod file;
mod scalar;
mod trace;

use bosbase_store::{Field, FieldKind, Filter, ListQuery, PageRequest, ReadTx, Record};
use serde_json::{Map, Value};

use super::draft::Draft;
use super::pattern::Patterns;
use crate::error::{FieldErrors, Result};
use crate::files::Upload;

pub(super) use trace::TRACES;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    code: &'static str,
    message: String,
    params: Map<String, Value>,
}

impl Problem {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            params: Map::new(),
        }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    fn required() -> Self {
        Self::new("validation_required", "Cannot be blank.")
    }
}

/// Whether a field of text accepts `text`. Another kind of field accepts none.
pub(crate) fn accepts_text(kind: &FieldKind, text: &str, patterns: &Patterns) -> bool {
    matches!(kind, FieldKind::Text { .. }) && scalar::text(kind, text, patterns).is_none()
}

/// Everything that the checks of one record look at.
pub(super) struct Check<'a> {
    pub(super) draft: &'a Draft,
    pub(super) uploads: &'a [&'a Upload],
    pub(super) tx: &'a ReadTx<'a>,
    pub(super) patterns: &'a Patterns,
}

impl Check<'_> {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// Errors of the database only; faults of the values are the outcome.
    pub(super) fn all(&self) -> Result<FieldErrors> {
        let mut errors = FieldErrors::new();
        for field in &self.draft.record.collection.fields {
            if let Some(problem) = self.field(field)? {
                if problem.params.is_empty() {
                    errors.add(&field.name, problem.code, &problem.message);
                } else {
                    errors.add_with(
                        &field.name,
                        problem.code,
                        &problem.message,
                        &Value::Object(problem.params),
                    );
                }
            }
        }
        if errors.is_empty() {
            return trace::check(self.tx, &self.draft.record);
        }
        Ok(errors)
    }

    fn field(&self, field: &Field) -> Result<Option<Problem>> {
        let record = &self.draft.record;
        let text = || record.text(&field.name);
        let value = || record.values.get(&field.name).unwrap_or(&Value::Null);
        Ok(match &field.kind {
            FieldKind::Text { primary_key: true, .. } => return self.primary_key(field),
            FieldKind::Text { .. } => scalar::text(&field.kind, text(), self.patterns),
            FieldKind::Editor { max_size, required, .. } => scalar::editor(*max_size, *required, text()),
            FieldKind::Number { .. } if self.draft.not_numbers.contains(&field.name) => Some(Problem::new(
                "validation_not_a_number",
                "The submitted number is not properly formatted.",
            )),
            FieldKind::Number {
                min,
                max,
                only_int,
                required,
                ..
            } => scalar::number(*min, *max, *only_int, *required, value().as_f64().unwrap_or_default()),
            FieldKind::Bool { required, .. } => (*required && !record.flag(&field.name)).then(Problem::required),
            FieldKind::Email {
                only_domains,
                except_domains,
                required,
                ..
            } => address::email(text(), only_domains, except_domains, *required),
            FieldKind::Url {
                only_domains,
                except_domains,
                required,
                ..
            } => address::url(text(), only_domains, except_domains, *required),
            FieldKind::Date { min, max, required, .. } => scalar::date(min, max, *required, text()),
            FieldKind::Autodate { .. } => None,
            FieldKind::Json { .. } if self.draft.not_json.contains(&field.name) => {
                Some(Problem::new("validation_invalid_json", "Must be a valid json value"))
            }
            FieldKind::Json { max_size, required, .. } => scalar::json(*max_size, *required, value()),
            FieldKind::GeoPoint { required, .. } => scalar::geo_point(*required, value()),
            FieldKind::Password { .. } => scalar::password(
                &field.kind,
                self.draft.passwords.get(&field.name).map(String::as_str),
                text(),
                self.patterns,
            ),
            FieldKind::Select {
                values,
                max_select,
                required,
                ..
            } => choice::select(values, *max_select, *required, &record.texts(&field.name)),
            FieldKind::Relation { .. } => return choice::relation(&field.kind, &record.texts(&field.name), self.tx),
            FieldKind::File { .. } => {
                let before = self.draft.original.as_ref().map(|original| original.texts(&field.name));
                file::file(
                    &field.kind,
                    &record.texts(&field.name),
                    &before.unwrap_or_default(),
                    self.uploads,
                )
            }
        })
    }

    fn primary_key(&self, field: &Field) -> Result<Option<Problem>> {
        let FieldKind::Text { pattern, .. } = &field.kind else {
            return Ok(None);
        };
        let id = self.draft.record.id();
        if let Some(original) = &self.draft.original {
            // A stored id may be older than the options it would have to meet.
            return Ok((original.id() != id)
                .then(|| Problem::new("validation_pk_change", "The record primary key cannot be changed.")));
        }
        if let Some(problem) = scalar::text(&field.kind, id, self.patterns).or_else(|| scalar::forbidden_key(id)) {
            return Ok(Some(problem));
        }
        key_problem(self.tx, &self.draft.record, pattern)
    }
}

/// Whether what the checks found in the database is so in the data that `tx` has: the targets of relations are there,
/// and no other record has the id of a new one. `original` is what `record` was before.
///
/// # Errors
///
/// Only what the database says.
pub(super) fn holds(tx: &ReadTx<'_>, record: &Record, original: Option<&Record>) -> Result<bool> {
    for field in &record.collection.fields {
        let problem = match &field.kind {
            FieldKind::Relation { .. } => choice::relation(&field.kind, &record.texts(&field.name), tx)?,
            FieldKind::Text {
                primary_key: true,
                pattern,
                ..
            } if original.is_none() => key_problem(tx, record, pattern)?,
            _ => None,
        };
        if problem.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an id is another's but for upper and lower case, where that matters to its field.
pub(super) fn is_taken_but_for_case(tx: &ReadTx<'_>, record: &Record) -> Result<bool> {
    let pattern = record.collection.field("id").map(|field| &field.kind);
    match pattern {
        Some(FieldKind::Text { pattern, .. }) => Ok(key_problem(tx, record, pattern)?.is_some()),
        _ => Ok(false),
    }
}

/// What is wrong with a new record's id, as far as other records decide it. `pattern` is that of its field.
fn key_problem(tx: &ReadTx<'_>, record: &Record, pattern: &str) -> Result<Option<Problem>> {
    if pattern == scalar::LOWERCASE_KEYS || !differs_by_case_only(tx, record)? {
        return Ok(None);
    }
    Ok(Some(Problem::new(
        "validation_pk_invalid",
        "The record primary key is invalid or already exists.",
    )))
}

/// Whether there is a record whose id is the same but for upper and lower case: its files would share a folder on some
/// file systems.
fn differs_by_case_only(tx: &ReadTx<'_>, record: &Record) -> Result<bool> {
    let query = ListQuery {
        also: Some(Filter::is("id:lower", &record.id().to_lowercase())),
        page: PageRequest::first(1),
        allow_hidden: true,
        ..Default::default()
    };
    Ok(!tx.list_records(&record.collection, &query)?.items.is_empty())
}
