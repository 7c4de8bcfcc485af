//! How a collection, or all of its records, go.

use bosbase_store::{Collection, FieldKind, Schema};

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};

const FAILED: &str = "Failed to delete collection.";
const TRUNCATE_FAILED: &str =
    "Failed to truncate collection (most likely due to required cascade delete record references).";

impl App {
    /// Deletes a collection with its records and their files.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`]; [`crate::ErrorKind::Invalid`] for one of the system's and one that another relates to
    /// or that a view asks about.
    pub fn delete_collection(&self, id_or_name: &str) -> Result<()> {
        let key = id_or_name.to_owned();
        let id = self.store().write(move |tx| {
            let collection = tx.schema().find(&key).cloned().ok_or_else(Error::not_found)?;
            if collection.system {
                return Err(Error::invalid(FAILED));
            }
            let relating = relating(tx.schema(), &collection);
            if !relating.is_empty() {
                return Err(Error::invalid(format!(
                    "Failed to delete collection probably due to existing reference in {}.",
                    relating.join(", ")
                )));
            }
            tx.delete_collection(&collection).map_err(refused)?;
            Ok(collection.id.clone())
        })?;
        self.remove_collection_files(&id);
        Ok(())
    }

    /// Deletes all records of a collection.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`]; [`crate::ErrorKind::Invalid`] for a view and for superusers.
    pub fn truncate_collection(&self, id_or_name: &str, _caller: &Caller) -> Result<()> {
        let key = id_or_name.to_owned();
        let id = self.store().write(move |tx| {
            let collection = tx.schema().find(&key).cloned().ok_or_else(Error::not_found)?;
            if collection.is_view() {
                return Err(Error::invalid(
                    "View collections cannot be truncated since they don't store their own records.",
                ));
            }
            if collection.is_superusers() || !relating(tx.schema(), &collection).is_empty() {
                return Err(Error::invalid(TRUNCATE_FAILED));
            }
            tx.truncate(&collection)?;
            Ok(collection.id.clone())
        })?;
        self.remove_collection_files(&id);
        Ok(())
    }

    /// Removes the files of records that went with their collection. That is durable by now, so a failure is only logged; the
    /// removal waits in the list of pending ones.
    pub(super) fn remove_collection_files(&self, id: &str) {
        if let Err(error) = self.files().remove_collection(id) {
            tracing::error!(%error, collection = id, "the files of a collection could not be removed");
        }
    }
}

/// The names of the other collections with a relation to this one.
fn relating(schema: &Schema, collection: &Collection) -> Vec<String> {
    schema
        .all()
        .iter()
        .filter(|other| other.id != collection.id)
        .filter(|other| {
            other.fields.iter().any(
                |field| matches!(&field.kind, FieldKind::Relation { collection_id, .. } if *collection_id == collection.id),
            )
        })
        .map(|other| other.name.clone())
        .collect()
}

/// A view that asks about the collection is what the database can have against it.
fn refused(error: bosbase_store::Error) -> Error {
    match error.kind() {
        bosbase_store::ErrorKind::InvalidSchema => Error::invalid(FAILED).caused_by(error),
        _ => error.into(),
    }
}
