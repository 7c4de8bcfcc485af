//! Collections: how they are defined, checked, changed and removed.
//!
//! What is sent becomes a [`draft`](Draft), is completed with what follows from it, checked as a whole (`validate`),
//! and stored with its table in one transaction. Definitions, ids, codes and messages are PocketBase's.

mod auth_checks;
mod context;
mod defaults;
mod draft;
mod field_checks;
mod fields;
mod import;
mod index_checks;
mod present;
mod problem;
mod remove;
mod rules;
#[cfg(test)]
mod tests;
mod trial;
mod validate;

use std::sync::Arc;

use bosbase_store::{
    AuthOptions, Collection, CollectionKind, ErrorKind as StoreError, LONG_WRITE, Page, Store, Subject, WriteTx,
    new_secret,
};
use serde_json::{Map, Value};

use crate::console::closed;
use crate::error::{Error, Result};
use crate::files::FileStore;
use crate::memory::Memory;
use crate::records::{Audience, Patterns, delete_all_traces};
use crate::reserve::Reserve;

use context::Context;
use draft::{Draft, Malformed};
use problem::{Problem, Problems};

pub use bosbase_store::CollectionQuery;
pub use present::present;

const CREATE_FAILED: &str = "Failed to create collection.";
const UPDATE_FAILED: &str = "Failed to update collection.";

/// The collections of an application. Clones share them.
#[derive(Clone)]
pub struct Collections {
    inner: Arc<Parts>,
}

/// What collections need.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) files: FileStore,
    pub(crate) audience: Arc<dyn Audience>,
    pub(crate) memory: Memory,
    pub(crate) reserve: Reserve,
}

impl Collections {
    pub(crate) fn new(parts: Parts) -> Self {
        Self { inner: Arc::new(parts) }
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }

    fn files(&self) -> &FileStore {
        &self.inner.files
    }

    fn audience(&self) -> &dyn Audience {
        self.inner.audience.as_ref()
    }

    /// The collections that pass the query's filter.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for a filter or order that can't be used.
    pub fn list(&self, query: &CollectionQuery) -> Result<Page<Arc<Collection>>> {
        let found = self.store().read(|tx| tx.list_collections(query));
        found.map_err(|error| Error::from(error).explaining_query())
    }

    /// The collection with this id or name.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`].
    pub fn get(&self, id_or_name: &str) -> Result<Arc<Collection>> {
        self.store()
            .schema()
            .find(id_or_name)
            .cloned()
            .ok_or_else(Error::not_found)
    }

    /// Makes a collection as `sent` defines it.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] with what is wrong by field.
    pub fn create(&self, sent: Map<String, Value>) -> Result<Arc<Collection>> {
        self.store().write_within(LONG_WRITE, move |tx| {
            if ["type", "name"].iter().any(|part| !is_text_or_absent(&sent, part)) {
                return Err(Error::invalid(
                    "Failed to load the collection type data due to invalid formatting.",
                ));
            }
            let draft = Draft::create(&sent).map_err(malformed)?;
            save(tx, draft, CREATE_FAILED)
        })
    }

    /// Changes what `sent` names of a collection; the rest stays. A list of fields or indexes replaces the one before,
    /// and the columns of fields that are gone go with them.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`]; [`crate::ErrorKind::Invalid`] with what is wrong by field.
    pub fn update(&self, id_or_name: &str, sent: Map<String, Value>) -> Result<Arc<Collection>> {
        let key = id_or_name.to_owned();
        self.store().write_within(LONG_WRITE, move |tx| {
            let original = tx.schema().find(&key).cloned().ok_or_else(Error::not_found)?;
            let draft = Draft::update(&original, &sent).map_err(malformed)?;
            save(tx, draft, UPDATE_FAILED)
        })
    }

    /// What a new collection of each type starts with.
    #[must_use]
    pub fn scaffolds(&self) -> Map<String, Value> {
        [
            ("base", CollectionKind::Base),
            ("auth", CollectionKind::Auth),
            ("view", CollectionKind::View),
        ]
        .into_iter()
        .map(|(name, kind)| {
            let mut collection = defaults::blank(kind);
            defaults::complete(&mut collection);
            (name.to_owned(), Value::Object(present(&collection)))
        })
        .collect()
    }
}

fn is_text_or_absent(sent: &Map<String, Value>, name: &str) -> bool {
    sent.get(name).is_none_or(|value| value.is_string() || value.is_null())
}

fn malformed(_: Malformed) -> Error {
    Error::invalid("Failed to load the submitted data due to invalid formatting.")
}

/// Checks and stores a draft.
fn save(tx: &mut WriteTx<'_>, mut draft: Draft, message: &str) -> Result<Arc<Collection>> {
    let view_error = complete(tx, &mut draft);
    let context = Context {
        tx,
        original: draft.original.as_ref(),
        patterns: Patterns::default(),
        view_error,
    };
    let problems = validate::check(&context, &draft);
    if !problems.is_empty() {
        return Err(problems.into_error(message));
    }
    store(tx, &draft).map_err(|error| explain(error, message))?;
    tx.schema()
        .find(&draft.collection.id)
        .cloned()
        .ok_or_else(|| Error::internal("the collection that was just stored is not there"))
}

/// Fills in what follows from the rest; says what is wrong with the query of a view.
fn complete(tx: &WriteTx<'_>, draft: &mut Draft) -> Option<String> {
    draft.complete(|id| tx.schema().find(id).is_some_and(|other| other.id == id));
    let collection = &mut draft.collection;
    if let Some(original) = &draft.original
        && collection.is_auth()
        && auth_rule(original) != auth_rule(collection)
    {
        // Who is logged in may not be admitted by the new rule.
        AuthOptions::change(&mut collection.options, |options| {
            options.auth_token.secret = new_secret();
        });
    }
    if !collection.is_view() {
        return None;
    }
    match tx.view_fields(collection.view_query()) {
        Ok(fields) => {
            collection.fields = fields;
            // Rules may speak of the fields although the records are not what they should be.
            field_checks::unfit(&collection.fields).or_else(|| {
                let checked = tx.check_view_ids(collection.view_query());
                checked.err().map(|error| error.detail().to_owned())
            })
        }
        Err(error) => {
            collection.fields.clear();
            Some(error.detail().to_owned())
        }
    }
}

/// The auth rule, where one that admits nobody is as good as none: changing between the two says nothing about
/// sessions.
fn auth_rule(collection: &Collection) -> String {
    AuthOptions::readable(&collection.options).auth_rule.unwrap_or_default()
}

fn store(tx: &mut WriteTx<'_>, draft: &Draft) -> bosbase_store::Result<()> {
    match &draft.original {
        None => {
            // An earlier one of its id may have left some.
            delete_all_traces(tx, &draft.collection)?;
            tx.create_collection(&draft.collection)
        }
        Some(original) => tx.update_collection(original, &draft.collection),
    }
}

/// What the database had against a definition that passed all checks.
fn explain(error: bosbase_store::Error, message: &str) -> Error {
    if !matches!(
        error.kind(),
        StoreError::InvalidSchema | StoreError::Unique | StoreError::Database
    ) {
        return error.into();
    }
    if let Some(problems) = index_problem(&error) {
        return problems.into_error(message).caused_by(error);
    }
    let text = format!("{message} Raw error: \n{}", closed(error.detail()));
    Error::invalid(text).caused_by(error)
}

/// The complaint about the index that the database refused, if it was one: the store names its position.
fn index_problem(error: &bosbase_store::Error) -> Option<Problems> {
    let Some(Subject::Index(position)) = error.subject() else {
        return None;
    };
    let problem = Problem::new("validation_invalid_index_expression", error.detail());
    let mut problems = Problems::default();
    problems.add("indexes", problem.at(position.to_string()));
    Some(problems)
}
