//! Many definitions at once, all or none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bosbase_store::{Collection, Field, LONG_WRITE, Schema, WriteTx};
use serde_json::{Map, Value, json};

use super::context::Context;
use super::draft::Draft;
use super::problem::{Problem, Problems};
use super::validate;
use super::{Collections, complete, fields, index_problem, malformed, store};
use crate::error::{Error, ErrorKind, Result};
use crate::files::Removals;
use crate::records::{Patterns, carry_out, delete_all_traces, disk_error};

/// How often an import starts over because somebody else changed the collections meanwhile.
const ATTEMPTS: usize = 10;
const FAILED: &str = "Failed to import collections.";
const CODE: &str = "validation_collections_import_failure";

/// A definition of the import, stored and not yet checked.
struct Imported {
    draft: Draft,
    view_error: Option<String>,
}

impl Collections {
    /// Makes or changes the collections of `sent.collections`, each found by its id or name; with `sent.deleteMissing`
    /// deletes the others, but for the system's, and the fields that are not named. All of it happens or nothing.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] with the first definition that can't stand.
    pub fn import(&self, sent: &Map<String, Value>) -> Result<()> {
        let definitions = definitions(sent)?;
        let delete_missing = match sent.get("deleteMissing") {
            None | Some(Value::Null) => false,
            Some(value) => value.as_bool().ok_or_else(unreadable)?,
        };
        let definitions = Arc::new(definitions);
        for _ in 0..ATTEMPTS {
            let noted = match delete_missing {
                true => left_out(&self.store().schema(), &definitions),
                false => Vec::new(),
            };
            let removals = Removals::of_collections(noted.clone());
            let removal = self.files().intend(removals).map_err(disk_error)?;
            let definitions = definitions.clone();
            let imported = self.store().write_within(LONG_WRITE, move |tx| {
                if delete_missing && left_out(tx.schema(), &definitions) != noted {
                    return Ok(false);
                }
                import(tx, &definitions, delete_missing).map(|()| true)
            })?;
            if imported {
                carry_out(removal);
                return Ok(());
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "The collections are being changed all the time; try again.",
        ))
    }
}

/// The id, or else the name, by which a definition finds what is there.
fn key(definition: &Map<String, Value>) -> &str {
    let text = |name: &str| definition.get(name).and_then(Value::as_str);
    let text = |name: &str| text(name).filter(|text| !text.is_empty());
    text("id").or_else(|| text("name")).unwrap_or_default()
}

/// The ids of the collections that no definition names, but for the system's.
fn left_out(schema: &Schema, definitions: &[Map<String, Value>]) -> Vec<String> {
    let named: HashSet<&str> = definitions
        .iter()
        .filter_map(|definition| schema.find(key(definition)))
        .map(|collection| collection.id.as_str())
        .collect();
    let all = schema.all().iter();
    all.filter(|collection| !collection.system && !named.contains(collection.id.as_str()))
        .map(|collection| collection.id.clone())
        .collect()
}

fn unreadable() -> Error {
    Error::invalid("An error occurred while loading the submitted data.")
}

fn definitions(sent: &Map<String, Value>) -> Result<Vec<Map<String, Value>>> {
    let list = match sent.get("collections") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.clone(),
        Some(_) => return Err(unreadable()),
    };
    if list.is_empty() {
        // An empty import that deletes what is missing would delete everything.
        let mut problems = Problems::default();
        problems.add("collections", Problem::required());
        return Err(problems.into_error("An error occurred while validating the submitted data."));
    }
    list.into_iter()
        .map(|definition| match definition {
            Value::Object(definition) => Ok(definition),
            _ => Err(unreadable()),
        })
        .collect()
}

fn import(tx: &mut WriteTx<'_>, definitions: &[Map<String, Value>], delete_missing: bool) -> Result<()> {
    let before: HashMap<String, Arc<Collection>> = tx
        .schema()
        .all()
        .iter()
        .map(|collection| (collection.id.clone(), collection.clone()))
        .collect();
    let left_out = left_out(tx.schema(), definitions);
    let mut drafts = Vec::with_capacity(definitions.len());
    for definition in definitions {
        drafts.push(draft(tx, definition, delete_missing)?);
    }
    // Views may ask about any of the others.
    drafts.sort_by_key(|draft| draft.collection.is_view());

    if delete_missing {
        // First, for their names may be used anew. Views before what they ask about.
        let mut missing: Vec<_> = left_out.iter().filter_map(|id| before.get(id)).collect();
        missing.sort_by_key(|old| !old.is_view());
        for old in missing {
            delete_all_traces(tx, old)?;
            tx.delete_collection(old)
                .map_err(|error| raw(error.detail()).caused_by(error))?;
        }
    }
    let mut imported = Vec::with_capacity(drafts.len());
    for mut draft in drafts {
        let view_error = complete(tx, &mut draft);
        if let Some(error) = &view_error {
            let name = &draft.collection.name;
            return Err(raw(&format!("failed to save collection {name:?}: {error}")));
        }
        store(tx, &draft).map_err(|error| match index_problem(&error) {
            Some(problems) => problems.into_error(FAILED).caused_by(error),
            None => {
                let name = &draft.collection.name;
                raw(&format!("failed to save collection {name:?}: {}", error.detail())).caused_by(error)
            }
        })?;
        imported.push(Imported { draft, view_error });
    }
    for Imported { draft, view_error } in imported {
        let collection = &draft.collection;
        let context = Context {
            tx,
            // A new one is stored by now: it is checked as what it is.
            original: Some(before.get(&collection.id).map_or(collection, |before| before)),
            patterns: Patterns::default(),
            view_error,
        };
        let problems = validate::check(&context, &draft);
        if !problems.is_empty() {
            return Err(failed(collection, &problems));
        }
    }
    Ok(())
}

fn draft(tx: &WriteTx<'_>, definition: &Map<String, Value>, delete_missing: bool) -> Result<Draft> {
    let Some(existing) = tx.schema().find(key(definition)) else {
        return Draft::create(definition).map_err(malformed);
    };
    let mut definition = definition.clone();
    if delete_missing && definition.get("fields").is_none_or(Value::is_null) {
        definition.insert("fields".to_owned(), json!([]));
    }
    let mut draft = Draft::update(existing, &definition).map_err(malformed)?;
    for field in &existing.fields {
        if field.system || !delete_missing {
            keep(&mut draft.collection.fields, field);
        }
    }
    Ok(draft)
}

/// Adds a field that is there to the imported ones; one of its name and type is it, also if another id was sent.
fn keep(list: &mut Vec<Field>, field: &Field) {
    if list.iter().any(|other| other.id == field.id) {
        return;
    }
    if let Some(same) = list
        .iter_mut()
        .find(|other| other.name == field.name && other.kind.name() == field.kind.name())
    {
        same.id.clone_from(&field.id);
    }
    fields::add(list, field.clone());
}

fn failed(collection: &Collection, problems: &Problems) -> Error {
    let plain = serde_json::to_string_pretty(&problems.to_plain()).unwrap_or_default();
    error(format!(
        "Data validations failed for collection {:?} ({}):\n{plain}",
        collection.name, collection.id
    ))
}

fn raw(cause: &str) -> Error {
    error(format!(
        "Failed to import the collections configuration. Raw error:\n{cause}"
    ))
}

fn error(message: String) -> Error {
    let mut problems = Problems::default();
    problems.add("collections", Problem::new(CODE, message));
    problems.into_error(FAILED)
}
