//! Records: listed, shown, made, changed and deleted under their collection's rules.
//!
//! A write goes body → [`Draft`](draft::Draft) (modifiers and types) → rule → validation → files in place → commit → files that
//! are no longer named are removed. Validation reads one moment of the data and the commit checks that the record is still
//! what it was then, so that no concurrent change is lost; if it is not, the write starts over.

mod account;
mod body;
mod date;
mod delete;
mod draft;
mod expand;
mod file;
mod list;
mod locks;
mod pattern;
mod present;
mod references;
mod rules;
mod save;
mod validate;
mod value;

#[cfg(test)]
mod tests;

pub use body::Body;
pub(crate) use delete::{Deleted, TOLD, delete};
pub use file::{RecordFile, RemoteFile};
pub use list::{ListRequest, Page};
pub use locks::RecordLocks;
pub use pattern::{Patterns, generate};
pub use present::present;
pub(crate) use present::present_in;
pub use references::StoredReferences;
pub(crate) use save::{carry_out, disk_error};

use std::collections::HashSet;
use std::sync::Arc;

use bosbase_store::{Collection, FieldKind};

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};

impl App {
    /// The collection with this name or id, for work on its records.
    fn collection_of_records(&self, collection: &str) -> Result<Arc<Collection>> {
        let schema = self.store().schema();
        schema
            .find(collection)
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing collection context."))
    }

    /// How many bytes a request may have that creates or changes a record of `collection`: `base` and what its fields may hold.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is no such collection.
    pub fn record_body_limit(&self, collection: &str, base: u64) -> Result<u64> {
        let schema = self.store().schema();
        let collection = schema
            .find(collection)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing or invalid collection context."))?;
        let sized = |size: i64| u64::try_from(size).ok().filter(|size| *size > 0).unwrap_or(5 << 20);
        let sizes = collection.fields.iter().map(|field| match &field.kind {
            FieldKind::Editor { max_size, .. } | FieldKind::Json { max_size, .. } => sized(*max_size),
            FieldKind::File {
                max_size, max_select, ..
            } => sized(*max_size).saturating_mul(u64::try_from(*max_select).unwrap_or(1).max(1)),
            _ => 0,
        });
        Ok(sizes.fold(base, u64::saturating_add))
    }
}

impl App {
    /// The keys under which files may be sent for a record of `collection`: its file fields, with and without the modifiers
    /// that add to a list.
    #[must_use]
    pub fn record_file_keys(&self, collection: &str) -> HashSet<String> {
        let schema = self.store().schema();
        let fields = schema.find(collection).map(|collection| collection.fields.as_slice());
        fields
            .unwrap_or_default()
            .iter()
            .filter(|field| matches!(field.kind, FieldKind::File { .. }))
            .flat_map(|field| {
                [
                    field.name.clone(),
                    format!("+{}", field.name),
                    format!("{}+", field.name),
                ]
            })
            .collect()
    }
}

/// Records of views can't be written.
fn writable(collection: &Collection) -> Result<()> {
    if collection.is_view() {
        return Err(Error::invalid("Unsupported collection type."));
    }
    Ok(())
}
