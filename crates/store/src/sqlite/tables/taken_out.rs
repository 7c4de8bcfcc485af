//! A row that is out of its table for a moment.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::records::{delete, refused, row, writable};
use crate::error::Result;
use crate::model::collection::Collection;
use crate::model::record::Record;
use crate::sqlite::sql::{Attempting, one_row, quote};

/// A row that was taken out of a table, with all that it held.
#[derive(Debug)]
pub struct TakenOut {
    /// Its columns, those that are no fields among them, and where SQLite kept it.
    columns: Vec<(String, Sql)>,
}

impl TakenOut {
    /// Takes the row out.
    pub(crate) fn take(connection: &Connection, collection: &Collection, id: &str) -> Result<Option<Self>> {
        const ATTEMPTED: &str = "taking a record out";
        writable(collection)?;
        let table = quote(&collection.name);
        let names = written_columns(connection, collection).attempting(ATTEMPTED)?;
        let list: Vec<String> = names.iter().map(|name| quote(name)).collect();
        let sql = format!("SELECT {} FROM {table} WHERE `id` = ?1", list.join(", "));
        let columns = connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    let value = |(at, name): (usize, &String)| Ok((name.clone(), row.get(at)?));
                    names.iter().enumerate().map(value).collect()
                };
                statement.query_row([id], read).optional()
            })
            .attempting(ATTEMPTED)?;
        delete(connection, collection, id)?;
        Ok(columns.map(|columns| Self { columns }))
    }

    /// Puts it back as what `record` says.
    pub(crate) fn put_back(mut self, connection: &Connection, record: &Record) -> Result<()> {
        let collection = &record.collection;
        for (field, value) in collection.fields.iter().zip(row(record)) {
            match self
                .columns
                .iter_mut()
                .find(|(name, _)| name.eq_ignore_ascii_case(&field.name))
            {
                Some((_, held)) => *held = value,
                None => self.columns.push((field.name.clone(), value)),
            }
        }
        let names: Vec<String> = self.columns.iter().map(|(name, _)| quote(name)).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let sql = format!(
            "INSERT OR ABORT INTO {} ({}) VALUES ({marks})",
            quote(&collection.name),
            names.join(", ")
        );
        connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.execute(params_from_iter(self.columns.into_iter().map(|(_, value)| value)))
            })
            .map_err(|error| refused(error, "putting a record back", collection))
            .and_then(|stored| one_row(stored, "putting a record back"))
    }
}

/// The columns that can be written, and `_rowid_` where the table has it: lists without an order show records in its.
fn written_columns(connection: &Connection, collection: &Collection) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare_cached("SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0")?;
    let columns = statement.query_map([&collection.name], |row| row.get(0))?;
    let mut columns: Vec<String> = columns.collect::<rusqlite::Result<_>>()?;
    // Another program may have made a table WITHOUT ROWID.
    let sql = "SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE AND wr = 0";
    let has_place = connection.prepare_cached(sql)?.exists([&collection.name])?;
    if has_place && !columns.iter().any(|name| name.eq_ignore_ascii_case("_rowid_")) {
        columns.push("_rowid_".to_owned());
    }
    Ok(columns)
}
