//! The tables that collections define: a row is a record.

use std::sync::Arc;

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Statement, params_from_iter};
use serde_json::Map;

use super::columns;
use crate::error::{Error, ErrorKind, Result, Subject};
use crate::model::collection::Collection;
use crate::model::field::{Field, FieldKind};
use crate::model::index::Index;
use crate::model::page::Most;
use crate::model::record::Record;
use crate::model::requester::Meter;
use crate::sqlite::sql::{Attempting, TooMuch, one_row, quote, storing_fault};

/// Ids in one `IN (…)`; far below SQLite's limit of parameters.
const IDS: usize = 500;
/// So many are looked for again and again: those of one record's relation.
const FEW_IDS: usize = 4;

/// The columns of `collection` in the order [`decode`] expects, each qualified by `table` (a table or alias, unquoted).
pub(crate) fn select_list(collection: &Collection, table: &str) -> String {
    let table = quote(table);
    let columns: Vec<String> = collection
        .fields
        .iter()
        .map(|field| format!("{table}.{}", quote(&field.name)))
        .collect();
    columns.join(", ")
}

/// The record in `row`, whose columns from `first` on are those of [`select_list`].
pub(crate) fn decode(collection: &Arc<Collection>, row: &Row<'_>, first: usize) -> rusqlite::Result<Record> {
    let mut values = Map::new();
    for (at, field) in collection.fields.iter().enumerate() {
        values.insert(
            field.name.clone(),
            columns::decode(collection, field, row.get_ref(first + at)?),
        );
    }
    Ok(Record {
        collection: Arc::clone(collection),
        values,
    })
}

/// About how much memory the values of `row` take, in bytes.
pub(crate) fn size(row: &Row<'_>) -> rusqlite::Result<usize> {
    const VALUE: usize = 32;
    let mut bytes = 0;
    for column in 0..row.as_ref().column_count() {
        bytes += VALUE
            + match row.get_ref(column)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
                _ => 0,
            };
    }
    Ok(bytes)
}

/// Adds what `row` holds to a meter.
pub(crate) fn meter(meter: Option<&dyn Meter>, row: &Row<'_>) -> rusqlite::Result<()> {
    let Some(meter) = meter else { return Ok(()) };
    if meter.add(size(row)?) {
        return Ok(());
    }
    Err(rusqlite::Error::ToSqlConversionFailure(Box::new(TooMuch)))
}

fn select(collection: &Collection) -> String {
    format!(
        "SELECT {} FROM {}",
        select_list(collection, &collection.name),
        quote(&collection.name)
    )
}

fn select_by_id(collection: &Collection) -> String {
    format!(
        "{} WHERE {}.`id` = ?1 LIMIT 1",
        select(collection),
        quote(&collection.name)
    )
}

pub(crate) fn find(connection: &Connection, collection: &Arc<Collection>, id: &str) -> Result<Option<Record>> {
    connection
        .prepare_cached(&select_by_id(collection))
        .and_then(|mut statement| statement.query_row([id], |row| decode(collection, row, 0)).optional())
        .attempting("reading a record")
}

pub(crate) fn has(connection: &Connection, collection: &Collection, id: &str) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {} WHERE `id` = ?", quote(&collection.name));
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.exists([id]))
        .attempting("looking for a record")
}

pub(crate) fn find_many(
    connection: &Connection,
    collection: &Arc<Collection>,
    ids: &[String],
    counted: Option<&dyn Meter>,
) -> Result<Vec<Record>> {
    let mut found = Vec::new();
    for ids in ids.chunks(IDS) {
        let marks = vec!["?"; ids.len()].join(",");
        let sql = format!(
            "{} WHERE {}.`id` IN ({marks})",
            select(collection),
            quote(&collection.name)
        );
        let read = |statement: &mut Statement<'_>| -> rusqlite::Result<Vec<Record>> {
            let rows = statement.query_map(params_from_iter(ids), |row| {
                meter(counted, row)?;
                decode(collection, row, 0)
            });
            rows?.collect()
        };
        // A statement for each number of ids is kept for small ones alone.
        let records = match ids.len() {
            ..=FEW_IDS => connection
                .prepare_cached(&sql)
                .and_then(|mut statement| read(&mut statement)),
            _ => connection.prepare(&sql).and_then(|mut statement| read(&mut statement)),
        };
        let records = records.attempting("reading records by id")?;
        found.extend(records);
    }
    Ok(found)
}

pub(crate) fn find_by(
    connection: &Connection,
    collection: &Arc<Collection>,
    field: &str,
    value: &str,
    case_insensitive: bool,
) -> Result<Option<Record>> {
    const ATTEMPTED: &str = "finding a record by a field";
    let Some(field) = collection.field(field) else {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            ATTEMPTED,
            format!("the collection {} has no field {field}", collection.name),
        ));
    };
    let collate = if case_insensitive && has_nocase_index(collection, &field.name) {
        " COLLATE NOCASE"
    } else {
        ""
    };
    let sql = format!(
        "{} WHERE {}.{} = ?1{collate} LIMIT 1",
        select(collection),
        quote(&collection.name),
        quote(&field.name)
    );
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            statement
                .query_row([value], |row| decode(collection, row, 0))
                .optional()
        })
        .attempting(ATTEMPTED)
}

pub(crate) fn prefixes(
    connection: &Connection,
    collection: &Collection,
    field: &str,
    length: usize,
) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT DISTINCT substr(CAST({} AS TEXT), 1, {length}) FROM {} WHERE {0} IS NOT NULL",
        quote(field),
        quote(&collection.name)
    );
    connection
        .prepare(&sql)
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .attempting("reading the beginnings of a column")
}

/// Whether a unique index covers just this column, without regard to case.
fn has_nocase_index(collection: &Collection, field: &str) -> bool {
    collection
        .unique_indexes(field)
        .any(|index| index.columns[0].collate.eq_ignore_ascii_case("nocase"))
}

pub(crate) fn count(connection: &Connection, collection: &Collection) -> Result<u64> {
    let sql = format!("SELECT COUNT(*) FROM {}", quote(&collection.name));
    let count: i64 = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .attempting("counting records")?;
    Ok(count.unsigned_abs())
}

/// How many records were made after `moment`, and how many of the others were changed after it, as far as fields that
/// keep these times tell; nothing where there is no such field. Reads the whole table.
pub(crate) fn touched_since(
    connection: &Connection,
    collection: &Collection,
    moment: &str,
) -> Result<(Option<u64>, Option<u64>)> {
    let keeps = |of_changes: bool| {
        let keeps = |field: &&Field| match field.kind {
            FieldKind::Autodate { on_create, on_update } => on_update == of_changes && (on_create || on_update),
            _ => false,
        };
        collection.fields.iter().find(keeps).map(|field| quote(&field.name))
    };
    let Some(created) = keeps(false) else {
        return Ok((None, None));
    };
    let changed = keeps(true);
    // Without regard to what was made after it, which is told by itself.
    let changed = changed.map_or_else(
        || "NULL".to_owned(),
        |updated| format!("COUNT(*) FILTER (WHERE {created} <= ?1 AND {updated} > ?1)"),
    );
    let sql = format!(
        "SELECT COUNT(*) FILTER (WHERE {created} > ?1), {changed} FROM {}",
        quote(&collection.name)
    );
    let (made, changed): (i64, Option<i64>) = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([moment], |row| Ok((row.get(0)?, row.get(1)?))))
        .attempting("counting the records that were changed")?;
    Ok((Some(made.unsigned_abs()), changed.map(i64::unsigned_abs)))
}

pub(crate) fn referencing(
    connection: &Connection,
    collection: &Arc<Collection>,
    field: &Field,
    id: &str,
    most: Most,
    counted: Option<&dyn Meter>,
) -> Result<Vec<Record>> {
    let column = format!("{}.{}", quote(&collection.name), quote(&field.name));
    let condition = if field.kind.is_multiple() {
        format!(
            "EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid({column}) THEN {column} ELSE json_array({column}) END) \
             WHERE value = ?1)"
        )
    } else {
        format!("{column} = ?1")
    };
    let sql = format!("{} WHERE {condition} LIMIT ?2", select(collection));
    let limit = i64::try_from(most.records).unwrap_or(i64::MAX);
    let (mut found, mut left) = (Vec::new(), most.bytes);
    let mut read = || {
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query((id, limit))?;
        while let Some(row) = rows.next()? {
            meter(counted, row)?;
            found.push(decode(collection, row, 0)?);
            left = left.saturating_sub(size(row)?);
            if left == 0 {
                break;
            }
        }
        Ok(())
    };
    read()
        .map(|()| found)
        .attempting("finding the records that refer to another")
}

pub(crate) fn insert(connection: &Connection, record: &Record) -> Result<()> {
    let collection = &record.collection;
    writable(collection)?;
    let names: Vec<String> = collection.fields.iter().map(|field| quote(&field.name)).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let sql = format!(
        "INSERT OR ABORT INTO {} ({}) VALUES ({marks})",
        quote(&collection.name),
        names.join(", ")
    );
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.execute(params_from_iter(row(record))))
        .map_err(|error| refused(error, "storing a new record", collection))
        .and_then(|stored| one_row(stored, "storing a new record"))
}

pub(crate) fn update(connection: &Connection, record: &Record) -> Result<()> {
    const ATTEMPTED: &str = "storing a changed record";
    let collection = &record.collection;
    writable(collection)?;
    let Some(changed) = changes(connection, record)? else {
        return Err(Error::new(
            ErrorKind::NotFound,
            ATTEMPTED,
            "there is no record with this id",
        ));
    };
    if changed.is_empty() {
        return Ok(());
    }
    let assignments: Vec<String> = changed
        .iter()
        .map(|(field, _)| format!("{} = ?", quote(&field.name)))
        .collect();
    let sql = format!(
        "UPDATE OR ABORT {} SET {} WHERE `id` = ?",
        quote(&collection.name),
        assignments.join(", ")
    );
    let values = changed.into_iter().map(|(_, value)| value);
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            statement.execute(params_from_iter(values.chain([Sql::Text(record.id().to_owned())])))
        })
        .map_err(|error| refused(error, ATTEMPTED, collection))
        .and_then(|stored| one_row(stored, ATTEMPTED))
}

/// The fields whose column holds something else than `record` does, with what it is to hold; `None` where the record is
/// not stored. SQLite makes the entries of an index anew where one of its columns is set, also to what it was.
pub(super) fn changes<'a>(connection: &Connection, record: &'a Record) -> Result<Option<Vec<(&'a Field, Sql)>>> {
    let fields = &record.collection.fields;
    connection
        .prepare_cached(&select_by_id(&record.collection))
        .and_then(|mut statement| {
            let compared = statement.query_row([record.id()], |stored| {
                let mut changed = Vec::new();
                for (at, (field, value)) in fields.iter().zip(row(record)).enumerate() {
                    if stored.get_ref(at)? != ValueRef::from(&value) {
                        changed.push((field, value));
                    }
                }
                Ok(changed)
            });
            compared.optional()
        })
        .attempting("comparing a record with what is stored")
}

/// Whether the rows of a table follow what they refer to.
pub(crate) fn has_following_references(connection: &Connection) -> Result<bool> {
    const FOLLOWING: &str = "
        SELECT 1 FROM main.sqlite_schema AS t, pragma_foreign_key_list(t.name, 'main') AS f
        WHERE t.type = 'table' AND f.on_update NOT IN ('NO ACTION', 'RESTRICT')";
    connection
        .prepare_cached(FOLLOWING)
        .and_then(|mut statement| statement.exists([]))
        .attempting("looking for references that follow")
}

pub(crate) fn delete(connection: &Connection, collection: &Collection, id: &str) -> Result<bool> {
    writable(collection)?;
    connection
        .prepare_cached(&format!("DELETE FROM {} WHERE `id` = ?1", quote(&collection.name)))
        .and_then(|mut statement| statement.execute([id]))
        .attempting("deleting a record")
        .map(|deleted| deleted > 0)
}

pub(crate) fn truncate(connection: &Connection, collection: &Collection) -> Result<()> {
    writable(collection)?;
    connection
        .execute(&format!("DELETE FROM {}", quote(&collection.name)), [])
        .attempting("deleting all records")
        .map(drop)
}

/// What the columns of a record hold, field by field.
fn row(record: &Record) -> impl Iterator<Item = Sql> {
    record
        .collection
        .fields
        .iter()
        .map(|field| columns::encode(field, record.values.get(&field.name)))
}

pub(super) fn writable(collection: &Collection) -> Result<()> {
    if collection.is_view() {
        return Err(Error::new(
            ErrorKind::InvalidSchema,
            "writing a record",
            format!("{} is a view: it can only be read", collection.name),
        ));
    }
    Ok(())
}

/// Why SQLite did not store a row.
pub(super) fn refused(error: rusqlite::Error, attempted: &'static str, collection: &Collection) -> Error {
    name_columns(storing_fault(error, attempted), collection)
}

/// SQLite names an index on expressions by its name; the caller wants the columns.
fn name_columns(error: Error, collection: &Collection) -> Error {
    let Some(Subject::Columns(columns)) = error.subject() else {
        return error;
    };
    let [named] = columns.as_slice() else { return error };
    let Some(name) = named.strip_prefix("index '").and_then(|name| name.strip_suffix('\'')) else {
        return error;
    };
    let columns = collection
        .indexes
        .iter()
        .filter_map(|sql| Index::parse(sql))
        .find(|index| index.name.eq_ignore_ascii_case(name))
        .map(|index| index.columns.into_iter().map(|column| column.name).collect());
    match columns {
        Some(columns) => error.about(Subject::Columns(columns)),
        None => error,
    }
}
