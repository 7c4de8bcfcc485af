//! `_collections`: the definition of every collection.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{record_tables, views};
use crate::error::{Error, ErrorKind, Result};
use crate::model::collection::{Collection, CollectionKind, Rules};
use crate::model::schema::Schema;
use crate::sqlite::sql::{Attempting, one_row, quote};

const COLUMNS: &str = "`id`, `system`, `type`, `name`, `fields`, `indexes`, `listRule`, `viewRule`, `createRule`, \
                       `updateRule`, `deleteRule`, `options`, `created`, `updated`";

/// Every collection, in the order they were made.
pub(crate) fn load(connection: &Connection) -> Result<Schema> {
    const ATTEMPTED: &str = "reading the collections";
    let mut statement = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM `_collections` ORDER BY rowid"))
        .attempting(ATTEMPTED)?;
    let mut rows = statement.query([]).attempting(ATTEMPTED)?;
    let mut collections = Vec::new();
    while let Some(row) = rows.next().attempting(ATTEMPTED)? {
        collections.push(Arc::new(from_row(row)?));
    }
    Ok(Schema::new(collections))
}

/// The collection with this id.
pub(crate) fn find(connection: &Connection, id: &str) -> Result<Option<Arc<Collection>>> {
    const ATTEMPTED: &str = "reading a collection";
    let mut statement = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM `_collections` WHERE `id` = ?1"))
        .attempting(ATTEMPTED)?;
    let mut rows = statement.query([id]).attempting(ATTEMPTED)?;
    let row = rows.next().attempting(ATTEMPTED)?;
    row.map(|row| from_row(row).map(Arc::new)).transpose()
}

/// Like [`load`], for a database that may have no collections at all (`auxiliary.db`).
pub(crate) fn load_if_present(connection: &Connection) -> Result<Schema> {
    if table_exists(connection, "_collections")? {
        load(connection)
    } else {
        Ok(Schema::default())
    }
}

/// Whether there is a table of this name, which SQLite compares without regard to case.
pub(crate) fn table_exists(connection: &Connection, name: &str) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE")
        .and_then(|mut statement| statement.query_row([name], |_| Ok(())).optional())
        .attempting("looking for a table")
        .map(|found| found.is_some())
}

fn from_row(row: &Row<'_>) -> Result<Collection> {
    const ATTEMPTED: &str = "reading a collection";
    let text = |at: usize| row.get::<_, String>(at).attempting(ATTEMPTED);
    let rule = |at: usize| row.get::<_, Option<String>>(at).attempting(ATTEMPTED);
    let name = text(3)?;
    let kind = match text(2)?.as_str() {
        "base" => CollectionKind::Base,
        "auth" => CollectionKind::Auth,
        "view" => CollectionKind::View,
        other => return Err(malformed(&name, "type", format!("unknown type {other}"))),
    };
    Ok(Collection {
        id: text(0)?,
        kind,
        system: row.get(1).attempting(ATTEMPTED)?,
        fields: parse(&name, "fields", &text(4)?)?,
        indexes: parse::<Option<Vec<String>>>(&name, "indexes", &text(5)?)?.unwrap_or_default(),
        rules: Rules {
            list_rule: rule(6)?,
            view_rule: rule(7)?,
            create_rule: rule(8)?,
            update_rule: rule(9)?,
            delete_rule: rule(10)?,
        },
        options: parse(&name, "options", &text(11)?)?,
        created: text(12)?,
        updated: text(13)?,
        name,
    })
}

fn parse<T: DeserializeOwned>(collection: &str, column: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| malformed(collection, column, error.to_string()).caused_by(error))
}

fn malformed(collection: &str, column: &str, detail: String) -> Error {
    Error::new(
        ErrorKind::InvalidSchema,
        format!("reading the {column} of the collection {collection}"),
        detail,
    )
}

/// Writes the row of a new collection.
pub(crate) fn insert_row(connection: &Connection, collection: &Collection) -> Result<()> {
    write_row(
        connection,
        &format!(
            "INSERT OR ABORT INTO `_collections` ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        ),
        collection,
    )
    .and_then(|stored| one_row(stored, "storing a collection"))
}

/// Writes the row of a collection anew, found by its id.
///
/// # Errors
/// [`ErrorKind::NotFound`] when it is not there.
pub(crate) fn update_row(connection: &Connection, collection: &Collection) -> Result<()> {
    let changed = write_row(
        connection,
        "UPDATE `_collections` SET `system` = ?2, `type` = ?3, `name` = ?4, `fields` = ?5, `indexes` = ?6, `listRule` = ?7, \
         `viewRule` = ?8, `createRule` = ?9, `updateRule` = ?10, `deleteRule` = ?11, `options` = ?12, `created` = ?13, \
         `updated` = ?14 WHERE `id` = ?1",
        collection,
    )?;
    if changed == 0 {
        return Err(Error::new(
            ErrorKind::NotFound,
            "storing a collection",
            format!("there is no collection {}", collection.id),
        ));
    }
    Ok(())
}

fn write_row(connection: &Connection, sql: &str, collection: &Collection) -> Result<usize> {
    let rules = &collection.rules;
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement.execute(rusqlite::params![
                collection.id,
                collection.system,
                collection.kind.name(),
                collection.name,
                to_json(&collection.fields),
                to_json(&collection.indexes),
                rules.list_rule,
                rules.view_rule,
                rules.create_rule,
                rules.update_rule,
                rules.delete_rule,
                to_json(&collection.options),
                collection.created,
                collection.updated,
            ])
        })
        .attempting("storing a collection")
}

/// Its JSON with sorted keys, as PocketBase stores fields.
fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .map(|value: Value| value.to_string())
        .expect("fields, indexes and options are plain data, which always has a JSON form")
}

/// Makes a collection: its row, its table and indexes, or its view.
pub(crate) fn create(connection: &Connection, collection: &Collection) -> Result<()> {
    if collection.is_view() {
        views::save(connection, &collection.name, collection.view_query())?;
    } else {
        record_tables::create(connection, collection)?;
    }
    insert_row(connection, collection)?;
    views::refresh(connection, &collection.id)
}

/// Brings row, table and indexes, or the view, from `old` to `new`; fields are told apart by their ids.
pub(crate) fn update(connection: &Connection, old: &Collection, new: &Collection) -> Result<()> {
    if old.is_view() != new.is_view() {
        return Err(Error::new(
            ErrorKind::InvalidSchema,
            format!("changing the collection {}", old.name),
            "a view can't become a table, nor a table a view",
        ));
    }
    update_row(connection, new)?;
    if new.is_view() {
        views::remove(connection, &old.name)?;
        views::save(connection, &new.name, new.view_query())?;
    } else {
        record_tables::sync(connection, old, new)?;
    }
    views::refresh(connection, &new.id)
}

/// Deletes the row and the table with all records, or the view, unless another view can't be read without it.
pub(crate) fn delete(connection: &Connection, collection: &Collection) -> Result<()> {
    const ATTEMPTED: &str = "deleting a collection";
    let readable = views::readable(connection)?;
    let deleted = connection
        .execute("DELETE FROM `_collections` WHERE `id` = ?1", [&collection.id])
        .attempting(ATTEMPTED)?;
    if deleted == 0 {
        return Err(Error::new(
            ErrorKind::NotFound,
            ATTEMPTED,
            format!("there is no collection {}", collection.id),
        ));
    }
    if collection.is_view() {
        views::remove(connection, &collection.name)?;
    } else {
        connection
            .execute_batch(&format!("DROP TABLE IF EXISTS {}", quote(&collection.name)))
            .attempting(ATTEMPTED)?;
    }
    let still = views::readable(connection)?;
    let broken = readable
        .iter()
        .find(|name| **name != collection.name && !still.contains(name));
    match broken {
        Some(view) => Err(Error::new(
            ErrorKind::InvalidSchema,
            ATTEMPTED,
            format!("the view {view} needs {}", collection.name),
        )),
        None => views::refresh(connection, &collection.id),
    }
}
