//! Which files the database names.

use std::collections::HashSet;
use std::io;

use bosbase_store::{FieldKind, Record, Store};

use crate::files::References;

/// What the records of a store name.
pub struct StoredReferences(pub Store);

impl References for StoredReferences {
    fn files_of(&self, collection: &str, record: &str) -> io::Result<Option<HashSet<String>>> {
        let found: bosbase_store::Result<_> = self.0.read(|tx| match tx.stored_collection(collection)? {
            Some(stored) if !stored.is_view() => tx.record(&stored, record),
            _ => Ok(None),
        });
        let record = found.map_err(io::Error::other)?;
        Ok(record.map(|record| file_names(&record).into_iter().collect()))
    }
}

/// The names of all files of a record.
pub(crate) fn file_names(record: &Record) -> Vec<String> {
    let fields = record.collection.fields.iter();
    fields
        .filter(|field| matches!(field.kind, FieldKind::File { .. }))
        .flat_map(|field| record.texts(&field.name))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use bosbase_store::StoreOptions;
    use serde_json::json;

    use super::*;
    use crate::app::App;
    use crate::options::AppOptions;

    /// A command beside a server held files against the collections as they were when it began; a collection that the
    /// server made later named nothing.
    #[test]
    fn files_are_named_by_collections_that_another_process_made() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("pb_data");
        let server = App::open(AppOptions::at(data_dir.clone())).unwrap();
        let beside = Store::open(&StoreOptions {
            readers: 2,
            mends: false,
            ..StoreOptions::new(data_dir)
        })
        .unwrap();
        let body =
            json!({"name": "docs", "type": "base", "fields": [{"name": "file", "type": "file", "maxSelect": 1}]});
        let docs = server.collections().create(body.as_object().unwrap().clone()).unwrap();
        let mut record = super::super::draft::blank(&docs);
        record.values.insert("id".to_owned(), "r00000000000001".into());
        record.values.insert("file".to_owned(), "a.txt".into());
        server.store().write(move |tx| tx.insert_record(&record)).unwrap();
        let named = StoredReferences(beside.clone())
            .files_of(&docs.id, "r00000000000001")
            .unwrap();
        assert_eq!(named, Some(HashSet::from(["a.txt".to_owned()])));
        beside.close().unwrap();
        server.close().unwrap();
    }
}
