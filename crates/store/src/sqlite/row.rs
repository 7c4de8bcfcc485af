//! A record as it is read, before anything was made of it.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde_json::Value;

use crate::model::collection::Collection;
use crate::sqlite::tables::columns;

/// One row of a collection's table, for those who write it on at once.
#[derive(Debug)]
pub struct RecordRow<'a> {
    collection: &'a Collection,
    row: &'a Row<'a>,
}

/// A value as it is stored. Texts need not be UTF-8.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "SQLite's storage classes")]
pub enum Stored<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl<'a> RecordRow<'a> {
    /// The first columns of `row` are the fields of `collection`.
    pub(crate) fn new(collection: &'a Collection, row: &'a Row<'a>) -> Self {
        Self { collection, row }
    }

    fn column(&self, field: usize) -> ValueRef<'_> {
        self.row.get_ref(field).unwrap_or(ValueRef::Null)
    }

    /// What is stored for the field at this place among the collection's fields.
    #[must_use]
    pub fn stored(&self, field: usize) -> Stored<'_> {
        match self.column(field) {
            ValueRef::Null => Stored::Null,
            ValueRef::Integer(number) => Stored::Integer(number),
            ValueRef::Real(number) => Stored::Real(number),
            ValueRef::Text(bytes) => Stored::Text(bytes),
            ValueRef::Blob(bytes) => Stored::Blob(bytes),
        }
    }

    /// The same as a value of the field's type, as in [`Record`](crate::Record); null where there is no such field.
    #[must_use]
    pub fn value(&self, field: usize) -> Value {
        let kind = self.collection.fields.get(field);
        kind.map_or(Value::Null, |kind| {
            columns::decode(self.collection, kind, self.column(field))
        })
    }
}
