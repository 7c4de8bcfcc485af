//! `_collections`: the definition of every collection.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::indexes::Index;
use super::{columns, indexes};
use crate::collection::{Collection, CollectionKind, Rules};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use crate::sql::{Attempting, quote};

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

/// Like [`load`], for a database that may have no collections at all (`auxiliary.db`).
pub(crate) fn load_if_present(connection: &Connection) -> Result<Schema> {
    if table_exists(connection, "_collections")? {
        load(connection)
    } else {
        Ok(Schema::default())
    }
}

/// Whether there is a table of this name.
pub(crate) fn table_exists(connection: &Connection, name: &str) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")
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
            "INSERT INTO `_collections` ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        ),
        collection,
    )
    .map(drop)
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
    let kind = match collection.kind {
        CollectionKind::Base => "base",
        CollectionKind::Auth => "auth",
        CollectionKind::View => "view",
    };
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement.execute(rusqlite::params![
                collection.id,
                collection.system,
                kind,
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

/// Makes a collection: its row, its table and indexes.
pub(crate) fn create(connection: &Connection, collection: &Collection) -> Result<()> {
    insert_row(connection, collection)?;
    create_table(connection, collection)?;
    create_indexes(connection, collection)
}

/// Makes the table alone. Columns come in the order of their names, as PocketBase makes them.
fn create_table(connection: &Connection, collection: &Collection) -> Result<()> {
    let mut declared: Vec<(&str, String)> = collection
        .fields
        .iter()
        .map(|field| {
            (
                field.name.as_str(),
                format!("{} {}", quote(&field.name), columns::declaration(field)),
            )
        })
        .collect();
    declared.sort_by(|a, b| a.0.cmp(b.0));
    let declared: Vec<String> = declared.into_iter().map(|(_, column)| column).collect();
    connection
        .execute_batch(&format!(
            "CREATE TABLE {} ({})",
            quote(&collection.name),
            declared.join(", ")
        ))
        .attempting(&format!("making the table {}", collection.name))
}

/// Makes the indexes of a collection's table, whatever table name they were written with.
pub(crate) fn create_indexes(connection: &Connection, collection: &Collection) -> Result<()> {
    for sql in &collection.indexes {
        let attempted = format!("making an index of {}", collection.name);
        let Some(mut index) = indexes::Index::parse(sql) else {
            return Err(Error::new(
                ErrorKind::InvalidSchema,
                attempted,
                format!("not a CREATE INDEX statement: {sql}"),
            ));
        };
        index.table.clone_from(&collection.name);
        connection
            .execute_batch(&Index::statement(&index))
            .attempting(&attempted)
            .map_err(|error| match error.kind() {
                ErrorKind::NoSpace | ErrorKind::Corrupt => error,
                _ => Error::new(ErrorKind::InvalidSchema, attempted, error.detail().to_owned()).caused_by(error),
            })?;
    }
    Ok(())
}
