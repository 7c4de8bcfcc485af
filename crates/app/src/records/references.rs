//! Which files the database names.

use std::collections::HashSet;
use std::io;

use bosbase_store::{FieldKind, Record, Store};

use crate::files::References;

/// What the records of a store name.
pub struct StoredReferences(pub Store);

impl References for StoredReferences {
    fn files_of(&self, collection: &str, record: &str) -> io::Result<Option<HashSet<String>>> {
        let found: bosbase_store::Result<_> = self.0.read(|tx| match tx.schema().find(collection) {
            Some(known) if known.id == collection && !known.is_view() => tx.record(known, record),
            _ => Ok(None),
        });
        let record = found.map_err(io::Error::other)?;
        Ok(record.map(|record| file_names(&record).into_iter().collect()))
    }
}

/// The names of all files of a record.
pub(super) fn file_names(record: &Record) -> Vec<String> {
    let fields = record.collection.fields.iter();
    fields
        .filter(|field| matches!(field.kind, FieldKind::File { .. }))
        .flat_map(|field| record.texts(&field.name))
        .map(str::to_owned)
        .collect()
}
