//! Records: listed, shown, made, changed and deleted under their collection's rules.
//!
//! A write is planned, then performed. The plan ([`plan`]) reads one moment of the data: body → [`Draft`](draft::Draft)
//! (modifiers and types) → rule → validation. Then come hashes, and the files are put in place ([`save`]). The commit
//! ([`change`]) checks again what somebody may have changed since, so that no concurrent change is lost; if anything
//! has, the write starts over. Files that nobody names any more go afterwards, and the [`Audience`] is told.

mod account;
mod audience;
mod batch;
mod beforehand;
mod body;
mod change;
mod delete;
mod draft;
mod expand;
mod file;
mod link;
mod list;
mod locks;
mod meter;
mod passwords;
mod pattern;
mod plan;
mod present;
mod references;
mod returning;
mod rules;
mod save;
mod spool;
mod text;
mod validate;
mod value;

#[cfg(test)]
mod races;
#[cfg(test)]
mod tests;

pub(crate) use account::delete_all_traces;
pub use audience::{Audience, Farewell, RecordAction};
pub use batch::{BatchAction, BatchAnswer, BatchOutcome, BatchRequest, Foresight, Upsert};
pub use body::Body;
pub(crate) use delete::{Deleted, Told, cascades, delete, doomed, reachable_files, referring};
pub use file::{Found, RecordFile, Wanted};
pub(crate) use link::{Extras, Link};
pub use list::{Answer, ListRequest};
pub(crate) use meter::{AnswerMeter, MessageMeter};
pub use pattern::{Patterns, generate};
pub(crate) use present::{present, present_in, present_own};
pub use references::StoredReferences;
pub(crate) use references::file_names;
pub(crate) use returning::{Expected, Fate, Returned, Returning, differing};
pub(crate) use save::{after_deletion, carry_out, disk_error, expected, settle, token_ended};
pub(crate) use validate::accepts_text;

use std::collections::HashMap;
use std::sync::Arc;

use bosbase_store::{Collection, FieldKind, ReadTx, Schema, Store};

use crate::auth::{Passwords, Sessions};
use crate::error::{Error, ErrorKind, Result};
use crate::files::FileStore;
use crate::limits::PasswordTries;
use crate::memory::Memory;
use crate::reserve::Reserve;
pub(crate) use locks::RecordLocks;

/// The records of an application. Clones share them.
#[derive(Clone)]
pub struct Records {
    inner: Arc<Inner>,
}

/// What records need.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) files: FileStore,
    pub(crate) audience: Arc<dyn Audience>,
    pub(crate) sessions: Sessions,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) tries: PasswordTries,
    pub(crate) memory: Memory,
    pub(crate) reserve: Reserve,
}

struct Inner {
    store: Store,
    files: FileStore,
    audience: Arc<dyn Audience>,
    sessions: Sessions,
    passwords: Arc<Passwords>,
    tries: PasswordTries,
    memory: Memory,
    reserve: Reserve,
    patterns: Patterns,
    locks: RecordLocks,
}

impl Records {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            inner: Arc::new(Inner {
                store: parts.store,
                files: parts.files,
                audience: parts.audience,
                sessions: parts.sessions,
                passwords: parts.passwords,
                tries: parts.tries,
                memory: parts.memory,
                reserve: parts.reserve,
                patterns: Patterns::default(),
                locks: RecordLocks::default(),
            }),
        }
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

    fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    pub(crate) fn patterns(&self) -> &Patterns {
        &self.inner.patterns
    }

    /// The collection with this name or id, for work on its records.
    fn collection_of_records(&self, collection: &str) -> Result<Arc<Collection>> {
        find(&self.store().schema(), collection)
    }

    /// How many bytes a request may have that creates or changes a record of `collection`: `base` and what its fields
    /// may hold, its files only where `has_files`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is no such collection.
    pub fn body_limit(&self, collection: &str, base: u64, has_files: bool) -> Result<u64> {
        let schema = self.store().schema();
        let collection = schema
            .find(collection)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing or invalid collection context."))?;
        let sized = |size: i64| u64::try_from(size).ok().filter(|size| *size > 0).unwrap_or(5 << 20);
        let sizes = collection.fields.iter().map(|field| match &field.kind {
            FieldKind::Editor { max_size, .. } | FieldKind::Json { max_size, .. } => sized(*max_size),
            FieldKind::File {
                max_size, max_select, ..
            } if has_files => sized(*max_size).saturating_mul(u64::try_from(*max_select).unwrap_or(1).max(1)),
            _ => 0,
        });
        Ok(sizes.fold(base, u64::saturating_add))
    }
}

impl Records {
    /// Whether it takes a password's hash to create or change a record of `collection` out of `body`.
    #[must_use]
    pub fn hashes_passwords(&self, collection: &str, body: &Body) -> bool {
        let schema = self.store().schema();
        schema.find(collection).is_some_and(|collection| {
            let mut fields = collection.fields.iter();
            let sets = fields
                .any(|field| matches!(field.kind, FieldKind::Password { .. }) && body.values.contains_key(&field.name));
            sets || (collection.is_auth() && body.values.contains_key("oldPassword"))
        })
    }

    /// The keys under which files may be sent for a record of `collection` (its file fields, with and without the
    /// modifiers that add to a list), with how many the field holds.
    #[must_use]
    pub fn file_keys(&self, collection: &str) -> HashMap<String, usize> {
        let schema = self.store().schema();
        let fields = schema.find(collection).map(|collection| collection.fields.as_slice());
        let mut keys = HashMap::new();
        for field in fields.unwrap_or_default() {
            let FieldKind::File { max_select, .. } = &field.kind else {
                continue;
            };
            let most = usize::try_from(*max_select).unwrap_or(1).max(1);
            for key in [
                field.name.clone(),
                format!("+{}", field.name),
                format!("{}+", field.name),
            ] {
                keys.insert(key, most);
            }
        }
        keys
    }
}

/// The collection with this name or id.
fn find(schema: &Schema, collection: &str) -> Result<Arc<Collection>> {
    let found = schema.find(collection).cloned();
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing collection context."))
}

/// Whether a collection has a record with this id.
fn is_there(tx: &ReadTx<'_>, collection: &str, id: &str) -> Result<bool> {
    match tx.schema().find(collection).cloned() {
        Some(collection) => Ok(tx.record(&collection, id)?.is_some()),
        None => Ok(false),
    }
}

/// Records of views can't be written.
fn writable(collection: &Collection) -> Result<()> {
    if collection.is_view() {
        return Err(Error::invalid("Unsupported collection type."));
    }
    Ok(())
}
