//! Values that stand in for those of a row, so that another row can have what a unique index keeps of it.
//!
//! No row is deleted for that: tables of other programs may refer to it, and lose their rows with it. Nobody sees the
//! values that stand in: they are written over before the commit, and no trigger runs on the connection that writes.

use std::collections::HashMap;

use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use serde_json::json;

use super::records::{changes, refused, writable};
use crate::error::{ErrorKind, Result};
use crate::model::collection::Collection;
use crate::model::field::{Field, FieldKind};
use crate::model::identity::random_text;
use crate::model::point::point_text;
use crate::model::record::Record;
use crate::sqlite::sql::{Attempting, one_row, quote};

const ATTEMPTED: &str = "letting a record give way";

/// Lets the row of each of `records` give way on its way to what the record says; those without a row are passed over.
/// Returns those that could not give up all.
///
/// Column by column a row gets what it is to hold, or else what no other row holds. So each unique index on columns
/// holds of it what it is to hold, or what nobody asks for. Columns in expressions, and in the conditions of partial
/// indexes, are dealt with alike; that frees what most of them keep.
pub(crate) fn give_way<'r>(
    connection: &Connection,
    records: impl IntoIterator<Item = &'r Record>,
) -> Result<Vec<&'r Record>> {
    let mut known: HashMap<&str, Kept> = HashMap::new();
    let mut waiting: Vec<&Record> = records.into_iter().collect();
    loop {
        let before = waiting.len();
        let mut stuck = Vec::new();
        for record in waiting {
            let collection = &record.collection;
            writable(collection)?;
            if !known.contains_key(collection.id.as_str()) {
                known.insert(&collection.id, Kept::of(connection, collection)?);
            }
            if !gives_way(connection, record, &known[collection.id.as_str()])? {
                stuck.push(record);
            }
        }
        // What one could not take may have been given up by a later one.
        if stuck.is_empty() || stuck.len() == before {
            return Ok(stuck);
        }
        waiting = stuck;
    }
}

/// Whether each column of the row that the record changes, and that may be kept unique, took another value.
fn gives_way(connection: &Connection, record: &Record, kept: &Kept) -> Result<bool> {
    let mut all = true;
    for (field, value) in changes(connection, record)?.unwrap_or_default() {
        if kept.may_be_of(field) {
            all &= set(connection, record, field, value)? || set(connection, record, field, stand_in(field))?;
        }
    }
    Ok(all)
}

/// What the unique indexes of a table are made of.
struct Kept {
    /// Names of columns, and SQL in which they occur; in lower case.
    texts: Vec<String>,
}

impl Kept {
    fn of(connection: &Connection, collection: &Collection) -> Result<Self> {
        // An index that belongs to the table's definition has no SQL. What a generated column is made of, the table's
        // tells alone.
        const TEXTS: &str = r#"
            SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
                AND name IN (SELECT name FROM pragma_index_list(?1, 'main') WHERE "unique")
            UNION ALL
            SELECT x.name FROM pragma_index_list(?1, 'main') AS i JOIN pragma_index_xinfo(i.name, 'main') AS x
                WHERE i."unique" AND i.origin != 'c' AND x."key" AND x.name IS NOT NULL
            UNION ALL
            SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE
                AND EXISTS (SELECT 1 FROM pragma_table_xinfo(?1, 'main') WHERE hidden IN (2, 3))"#;
        let texts = connection
            .prepare_cached(TEXTS)
            .and_then(|mut statement| {
                let texts = statement.query_map([&collection.name], |row| row.get::<_, String>(0))?;
                texts.map(|text| Ok(text?.to_ascii_lowercase())).collect()
            })
            .attempting(ATTEMPTED)?;
        Ok(Self { texts })
    }

    /// Whether the field's column may be part of one. That it occurs in another word costs a statement.
    fn may_be_of(&self, field: &Field) -> bool {
        let name = field.name.to_ascii_lowercase();
        self.texts.iter().any(|text| text.contains(&name))
    }
}

/// Sets one column; `false` where an index or the table refuses the value.
fn set(connection: &Connection, record: &Record, field: &Field, value: Sql) -> Result<bool> {
    let collection = &record.collection;
    let sql = format!(
        "UPDATE OR ABORT {} SET {} = ?1 WHERE `id` = ?2",
        quote(&collection.name),
        quote(&field.name)
    );
    let stored = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.execute((value, record.id())))
        .map_err(|error| refused(error, ATTEMPTED, collection))
        .and_then(|stored| one_row(stored, ATTEMPTED));
    match stored {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unique | ErrorKind::Refused) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A value that no row holds, of the field's kind: expressions can read it.
fn stand_in(field: &Field) -> Sql {
    let text = random_text(32, b"abcdefghijklmnopqrstuvwxyz");
    // Fewer digits than a double holds exactly.
    let number = || random_text(15, b"123456789").parse::<i64>().unwrap_or_default();
    match &field.kind {
        FieldKind::Number { .. } | FieldKind::Bool { .. } => Sql::Integer(number()),
        FieldKind::Json { .. } => Sql::Text(json!(text).to_string()),
        FieldKind::GeoPoint { .. } => Sql::Text(point_text(Some(&json!({"lon": number(), "lat": number()})))),
        kind if kind.is_multiple() => Sql::Text(json!([text]).to_string()),
        _ => Sql::Text(text),
    }
}
