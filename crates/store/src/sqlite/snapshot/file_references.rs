//! The files that the records of a snapshot name.

use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::types::Value;

use super::PinnedDatabase;
use super::pinned::Pin;
use crate::error::Result;
use crate::model::collection::Collection;
use crate::model::field::{Field, FieldKind};
use crate::model::schema::Schema;
use crate::sqlite::sql::{Attempting, quote};
use crate::sqlite::tables::columns;

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

/// Iterates over the files and keeps the pin of `data.db` up meanwhile; see
/// [`Snapshot::file_references`](super::Snapshot::file_references).
pub struct FileReferences {
    pin: Arc<Pin>,
    left: VecDeque<Arc<Collection>>,
    /// Where the last record stands that was read of the first collection left; nothing before its first.
    after: Value,
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
            after: Value::Null,
            found: VecDeque::new(),
            failed: false,
        }
    }

    /// Reads the next records; the collection is done when there are none.
    fn read_on(&mut self, collection: &Arc<Collection>) -> Result<bool> {
        const ATTEMPTED: &str = "reading which files a snapshot needs";
        let fields: Vec<&Field> = file_fields(collection).collect();
        let selected: Vec<String> = fields.iter().map(|field| quote(&field.name)).collect();
        let connection = self.pin.connection();
        // Another program may have made a table WITHOUT ROWID: its key is the order of its records.
        let numbered =
            "SELECT COUNT(*) FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE AND wr = 1";
        let mut statement = connection.prepare_cached(numbered).attempting(ATTEMPTED)?;
        let without: i64 = statement
            .query_row([&collection.name], |row| row.get(0))
            .attempting(ATTEMPTED)?;
        let place = if without > 0 { "`id`" } else { "_rowid_" };
        let further = match self.after {
            Value::Null => "?1 IS NULL".to_owned(),
            _ => format!("{place} > ?1"),
        };
        let sql = format!(
            "SELECT {place}, `id`, {} FROM {} WHERE {further} ORDER BY {place} LIMIT {RECORDS}",
            selected.join(", "),
            quote(&collection.name)
        );
        let mut statement = connection.prepare_cached(&sql).attempting(ATTEMPTED)?;
        let mut rows = statement.query([self.after.clone()]).attempting(ATTEMPTED)?;
        let mut any = false;
        while let Some(row) = rows.next().attempting(ATTEMPTED)? {
            any = true;
            self.after = row.get(0).attempting(ATTEMPTED)?;
            // Another program may have stored bytes there: one odd id keeps nothing else from being backed up.
            let record_id = columns::text_of(row.get_ref(1).attempting(ATTEMPTED)?);
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
                    self.after = Value::Null;
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
