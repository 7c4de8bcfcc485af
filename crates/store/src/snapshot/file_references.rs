//! The files that the records of a snapshot name.

use std::collections::VecDeque;
use std::sync::Arc;

use super::PinnedDatabase;
use super::pinned::Pin;
use crate::collection::Collection;
use crate::error::Result;
use crate::field::{Field, FieldKind};
use crate::schema::Schema;
use crate::sql::{Attempting, quote};
use crate::tables::columns;

/// Records read at a time.
const RECORDS: i64 = 1_000;

/// One file of one record: `storage/<collection_id>/<record_id>/<file_name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReference {
    /// The collection's id.
    pub collection_id: String,
    /// The record's id.
    pub record_id: String,
    /// The file's name, as the record holds it.
    pub file_name: String,
}

/// Iterates over the files and keeps the pin of `data.db` up meanwhile; see [`Snapshot::file_references`](super::Snapshot::file_references).
pub struct FileReferences {
    pin: Arc<Pin>,
    left: VecDeque<Arc<Collection>>,
    /// The rowid of the last record read of the first collection left.
    after: i64,
    found: VecDeque<FileReference>,
    failed: bool,
}

impl FileReferences {
    pub(super) fn new(database: &PinnedDatabase, schema: &Schema) -> Self {
        let left = schema
            .all()
            .iter()
            .filter(|collection| !collection.is_view() && file_fields(collection).next().is_some())
            .cloned()
            .collect();
        Self {
            pin: database.pin_shared(),
            left,
            after: i64::MIN,
            found: VecDeque::new(),
            failed: false,
        }
    }

    /// Reads the next records; the collection is done when there are none.
    fn read_on(&mut self, collection: &Arc<Collection>) -> Result<bool> {
        const ATTEMPTED: &str = "reading which files a snapshot needs";
        let fields: Vec<&Field> = file_fields(collection).collect();
        let selected: Vec<String> = fields.iter().map(|field| quote(&field.name)).collect();
        let sql = format!(
            "SELECT _rowid_, `id`, {} FROM {} WHERE _rowid_ > ?1 ORDER BY _rowid_ LIMIT {RECORDS}",
            selected.join(", "),
            quote(&collection.name)
        );
        let connection = self.pin.connection();
        let mut statement = connection.prepare_cached(&sql).attempting(ATTEMPTED)?;
        let mut rows = statement.query([self.after]).attempting(ATTEMPTED)?;
        let mut any = false;
        while let Some(row) = rows.next().attempting(ATTEMPTED)? {
            any = true;
            self.after = row.get(0).attempting(ATTEMPTED)?;
            let record_id: String = row.get(1).attempting(ATTEMPTED)?;
            for at in 0..fields.len() {
                for file_name in columns::list_items(&columns::text_of(row.get_ref(at + 2).attempting(ATTEMPTED)?)) {
                    self.found.push_back(FileReference {
                        collection_id: collection.id.clone(),
                        record_id: record_id.clone(),
                        file_name,
                    });
                }
            }
        }
        Ok(any)
    }
}

fn file_fields(collection: &Collection) -> impl Iterator<Item = &Field> {
    collection
        .fields
        .iter()
        .filter(|field| matches!(field.kind, FieldKind::File { .. }))
}

impl Iterator for FileReferences {
    type Item = Result<FileReference>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            if let Some(found) = self.found.pop_front() {
                return Some(Ok(found));
            }
            let collection = Arc::clone(self.left.front()?);
            match self.read_on(&collection) {
                Ok(true) => {}
                Ok(false) => {
                    self.left.pop_front();
                    self.after = i64::MIN;
                }
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
