//! How a collection, or all of its records, go.

use std::sync::Arc;

use bosbase_store::{Collection, FieldKind, LONG_WRITE, ListQuery, PageRequest, ReadTx, Schema, WriteTx};

use super::Collections;
use crate::error::{Error, ErrorKind, Result};
use crate::files::Removals;
use crate::records::{
    Deleted, Told, after_deletion, carry_out, delete, delete_all_traces, disk_error, doomed, expected, reachable_files,
};

/// Records that are read together, and their bytes.
const CHUNK: u64 = 500;
const CHUNK_BYTES: usize = 4 << 20;
/// How often a removal starts over because somebody else changed the collections meanwhile.
const ATTEMPTS: usize = 10;
const FAILED: &str = "Failed to delete collection.";
const TRUNCATE_FAILED: &str =
    "Failed to truncate collection (most likely due to required cascade delete record references).";

impl Collections {
    /// Deletes a collection with its records and their files.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`]; [`crate::ErrorKind::Invalid`] for one of the system's and one that another
    /// relates to or that a view asks about.
    pub fn delete(&self, id_or_name: &str) -> Result<()> {
        self.inner.reserve.spend(|| self.delete_once(id_or_name))
    }

    fn delete_once(&self, id_or_name: &str) -> Result<()> {
        let id = self.get(id_or_name)?.id.clone();
        let removals = Removals::of_collections(vec![id.clone()]);
        let removal = self.files().intend(removals).map_err(disk_error)?;
        self.store().write_within(LONG_WRITE, move |tx| {
            let collection = tx.schema().find(&id).cloned().ok_or_else(Error::not_found)?;
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
            delete_all_traces(tx, &collection)?;
            tx.delete_collection(&collection).map_err(refused)
        })?;
        carry_out(removal);
        Ok(())
    }

    /// Deletes all records of a collection, with what deleting each brings about in others. All of it happens or
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`]; [`crate::ErrorKind::Invalid`] for a view, for superusers, and where a record
    /// can't be deleted because another one requires it.
    pub fn truncate(&self, id_or_name: &str) -> Result<()> {
        self.inner.reserve.spend(|| self.truncate_once(id_or_name))
    }

    fn truncate_once(&self, id_or_name: &str) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let collection = self.get(id_or_name)?;
            if collection.is_view() {
                return Err(Error::invalid(
                    "View collections cannot be truncated since they don't store their own records.",
                ));
            }
            if collection.is_superusers() {
                return Err(Error::invalid(TRUNCATE_FAILED));
            }
            // Who may hear of it is decided on what is there before it happens.
            let farewell = if self.audience().is_listening() {
                let leaving = expected(self.store(), |tx| doomed(tx, first_records(tx, &collection)?))?;
                Some(self.audience().before_deletion(leaving.records))
            } else {
                None
            };
            let mut noted = reachable_files(&self.store().schema(), &collection);
            if !noted.contains(&collection.id) {
                noted.push(collection.id.clone());
            }
            let removals = Removals::of_collections(noted.clone());
            let removal = self.files().intend(removals).map_err(disk_error)?;
            let id = collection.id.clone();
            let deleted = self
                .store()
                .write_within(LONG_WRITE, move |tx| truncate(tx, &collection, &noted))?;
            if let Some(deleted) = deleted {
                after_deletion(self.audience(), deleted, farewell, removal, vec![id]);
                return Ok(());
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "The collections are being changed all the time; try again.",
        ))
    }
}

/// Deletes every record of `collection`. `None`, and nothing happened, where it is defined otherwise by now, or files
/// of collections that are not among `noted` might go.
fn truncate(tx: &mut WriteTx<'_>, collection: &Arc<Collection>, noted: &[String]) -> Result<Option<Deleted>> {
    let current = tx.schema().find(&collection.id);
    let is_same = current.is_some_and(|current| **current == **collection);
    let reachable = reachable_files(tx.schema(), collection);
    if !is_same || !reachable.iter().all(|id| noted.contains(id)) {
        return Ok(None);
    }
    let deleted = delete_all(tx, collection).map_err(|error| match error.kind() {
        ErrorKind::Invalid => error.saying(TRUNCATE_FAILED),
        _ => error,
    })?;
    Ok(Some(deleted))
}

/// As many records of `collection` as are told of.
fn first_records(tx: &ReadTx<'_>, collection: &Arc<Collection>) -> Result<Told> {
    let mut told = Told::default();
    for page in 1.. {
        let mut query = every(CHUNK, told.left().bytes);
        query.page.page = page;
        let found = tx.list_records(collection, &query)?.items;
        let is_last = (found.len() as u64) < CHUNK;
        found.into_iter().for_each(|record| told.add(record));
        if is_last || told.is_full() {
            break;
        }
    }
    Ok(told)
}

/// A page of all records there are, of so many bytes at the most.
fn every(per_page: u64, most_bytes: usize) -> ListQuery {
    ListQuery {
        page: PageRequest::first(per_page),
        allow_hidden: true,
        most_bytes: Some(most_bytes),
        ..ListQuery::default()
    }
}

/// Deletes every record of `collection`; the files of its own are left out of the answer, for they go all at once.
fn delete_all(tx: &mut WriteTx<'_>, collection: &Arc<Collection>) -> Result<Deleted> {
    let query = every(CHUNK, CHUNK_BYTES);
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
            with_it.records.records.into_iter().for_each(|one| all.records.add(one));
            with_it.changed.records.into_iter().for_each(|one| all.changed.add(one));
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
