//! How a collection, or all of its records, go.

use std::sync::Arc;

use bosbase_store::{Collection, FieldKind, ListQuery, Schema, WriteTx};

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::records::{Deleted, TOLD, carry_out, delete, disk_error};

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
        let (key, files) = (id_or_name.to_owned(), self.files().clone());
        let removal = self.store().write(move |tx| {
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
            files
                .intend(Vec::new(), vec![collection.id.clone()])
                .map_err(disk_error)
        })?;
        carry_out(removal);
        Ok(())
    }

    /// Deletes all records of a collection, with what deleting each brings about in others. All of it happens or nothing.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`]; [`crate::ErrorKind::Invalid`] for a view, for superusers, and where a record can't be
    /// deleted because another one requires it.
    pub fn truncate_collection(&self, id_or_name: &str) -> Result<()> {
        let (key, app) = (id_or_name.to_owned(), self.clone());
        let (removal, changed, news) = self.store().write(move |tx| {
            let collection = tx.schema().find(&key).cloned().ok_or_else(Error::not_found)?;
            if collection.is_view() {
                return Err(Error::invalid(
                    "View collections cannot be truncated since they don't store their own records.",
                ));
            }
            if collection.is_superusers() {
                return Err(Error::invalid(TRUNCATE_FAILED));
            }
            let deleted = delete_all(tx, &collection).map_err(|error| match error.kind() {
                ErrorKind::Invalid => Error::invalid(TRUNCATE_FAILED).caused_by(error),
                _ => error,
            })?;
            // Who may hear of it is decided on what others still see: the data as it was before.
            let news = app.hub().prepare_delete(&app, &deleted.records);
            let removal = app.files().intend(deleted.files, vec![collection.id.clone()]);
            Ok((removal.map_err(disk_error)?, deleted.changed, news))
        })?;
        self.tell_of_changes(&changed);
        news.send();
        carry_out(removal);
        Ok(())
    }
}

/// Deletes every record of `collection`; the files of its own are left out of the answer, for they go all at once.
fn delete_all(tx: &mut WriteTx<'_>, collection: &Arc<Collection>) -> Result<Deleted> {
    const CHUNK: u64 = 500;
    let query = ListQuery {
        per_page: CHUNK,
        skip_total: true,
        allow_hidden: true,
        ..ListQuery::default()
    };
    let mut all = Deleted::default();
    loop {
        let records = tx.list_records(collection, &query)?.items;
        if records.is_empty() {
            return Ok(all);
        }
        for record in records {
            // One may have gone along with another.
            if tx.record(collection, record.id())?.is_none() {
                continue;
            }
            let with_it = delete(tx, record)?;
            let others = with_it.files.into_iter().filter(|(of, ..)| *of != collection.id);
            all.files.extend(others);
            let room = TOLD.saturating_sub(all.records.len());
            all.records.extend(with_it.records.into_iter().take(room));
            let room = TOLD.saturating_sub(all.changed.len());
            all.changed.extend(with_it.changed.into_iter().take(room));
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
