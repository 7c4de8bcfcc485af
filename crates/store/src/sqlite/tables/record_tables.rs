//! The table behind a collection: making it, and bringing it to a changed definition without losing a value.

use rusqlite::Connection;

use super::columns;
use crate::error::{Error, ErrorKind, Result, Subject};
use crate::model::collection::Collection;
use crate::model::field::Field;
use crate::model::identity::random_text;
use crate::model::index::Index;
use crate::sqlite::sql::{Attempting, driver_message, quote, schema_fault};

/// Makes the table and its indexes. Columns come in the order of their names, as PocketBase makes them.
pub(crate) fn create(connection: &Connection, collection: &Collection) -> Result<()> {
    let mut fields: Vec<&Field> = collection.fields.iter().collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    let declared: Vec<String> = fields
        .into_iter()
        .map(|field| format!("{} {}", quote(&field.name), columns::declaration(field)))
        .collect();
    change(
        connection,
        &collection.name,
        &format!("CREATE TABLE {} ({})", quote(&collection.name), declared.join(", ")),
    )?;
    create_indexes(connection, collection)
}

/// Brings the table of `old` to the definition `new`. Fields are told apart by their ids, so that a rename keeps the
/// values; a field that holds one value instead of several, or the other way round, has its values converted (of
/// several the last stays).
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] when an index is not accepted or a view still needs a dropped column; the caller's
/// transaction must then be undone.
pub(crate) fn sync(connection: &Connection, old: &Collection, new: &Collection) -> Result<()> {
    if !super::collections::table_exists(connection, &old.name)? {
        return create(connection, new);
    }
    // To SQLite names that differ by case only are the same: the table keeps its spelling, as in PocketBase.
    let renamed = !old.name.eq_ignore_ascii_case(&new.name);
    let reindex = renamed || old.name != new.name || old.fields != new.fields || old.indexes != new.indexes;
    if reindex {
        drop_indexes(connection, old)?;
    }
    let table = quote(&new.name);
    if renamed {
        rename_table(connection, &old.name, &new.name)?;
    }
    let find = |fields: &[Field], id: &str| fields.iter().find(|field| field.id == id).cloned();
    for field in &old.fields {
        if find(&new.fields, &field.id).is_none() {
            drop_column(connection, &new.name, &field.name)?;
        }
    }
    // New and renamed columns get a passing name first, for a name may move from one to the other (name, title → title,
    // name).
    let mut renames = Vec::new();
    for field in &new.fields {
        let passing = passing_name(&field.name);
        match find(&old.fields, &field.id) {
            None => change(
                connection,
                &new.name,
                &format!(
                    "ALTER TABLE {table} ADD COLUMN {} {}",
                    quote(&passing),
                    columns::declaration(field)
                ),
            )?,
            Some(before) if before.name != field.name => {
                rename_column(connection, &new.name, &before.name, &passing)?;
            }
            Some(_) => continue,
        }
        renames.push((passing, field.name.as_str()));
    }
    for (passing, name) in renames {
        rename_column(connection, &new.name, &passing, name)?;
    }
    for field in &new.fields {
        if let Some(before) = find(&old.fields, &field.id)
            && before.kind.is_multiple() != field.kind.is_multiple()
        {
            convert_multiplicity(connection, &new.name, field)?;
        }
    }
    if reindex {
        create_indexes(connection, new)
    } else {
        Ok(())
    }
}

fn passing_name(name: &str) -> String {
    format!("{name}{}", random_text(8, b"abcdefghijklmnopqrstuvwxyz"))
}

fn rename_table(connection: &Connection, old: &str, new: &str) -> Result<()> {
    change(
        connection,
        old,
        &format!("ALTER TABLE {} RENAME TO {}", quote(old), quote(new)),
    )
}

fn rename_column(connection: &Connection, table: &str, old: &str, new: &str) -> Result<()> {
    change(
        connection,
        table,
        &format!(
            "ALTER TABLE {} RENAME COLUMN {} TO {}",
            quote(table),
            quote(old),
            quote(new)
        ),
    )
}

fn drop_column(connection: &Connection, table: &str, column: &str) -> Result<()> {
    let sql = format!("ALTER TABLE {} DROP COLUMN {}", quote(table), quote(column));
    connection.execute_batch(&sql).map_err(|error| {
        schema_fault(error, &format!("changing the table {table}"), |error| {
            format!("failed to drop column {column} - {}", driver_message(error))
        })
    })
}

/// Gives the field a column of its present declaration with the values of the one it has.
fn convert_multiplicity(connection: &Connection, table: &str, field: &Field) -> Result<()> {
    const ATTEMPTED: &str = "converting the values of a field";
    // Views would keep the old column from being dropped; they come back unchanged.
    let views: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'view' AND sql IS NOT NULL ORDER BY rowid")
        .and_then(|mut statement| statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .attempting(ATTEMPTED)?;
    for (name, _) in &views {
        super::views::remove(connection, name)?;
    }
    let before = passing_name(&format!("_{}", field.name));
    rename_column(connection, table, &field.name, &before)?;
    let (table_name, table) = (table, quote(table));
    let (column, old) = (quote(&field.name), quote(&before));
    let value = if field.kind.is_multiple() {
        format!(
            "CASE WHEN COALESCE({old}, '') = '' THEN '[]' \
             WHEN json_valid({old}) AND json_type({old}) = 'array' THEN {old} ELSE json_array({old}) END"
        )
    } else {
        format!(
            "CASE WHEN COALESCE({old}, '[]') = '[]' THEN '' \
             WHEN json_valid({old}) AND json_type({old}) = 'array' THEN COALESCE(json_extract({old}, '$[#-1]'), '') \
             ELSE {old} END"
        )
    };
    for sql in [
        format!(
            "ALTER TABLE {table} ADD COLUMN {column} {}",
            columns::declaration(field)
        ),
        format!("UPDATE {table} SET {column} = {value}"),
        format!("ALTER TABLE {table} DROP COLUMN {old}"),
    ] {
        change(connection, table_name, &sql)?;
    }
    for (_, sql) in &views {
        connection.execute_batch(sql).attempting(ATTEMPTED)?;
    }
    Ok(())
}

pub(crate) fn drop_index(connection: &Connection, name: &str) -> Result<()> {
    connection
        .execute_batch(&format!("DROP INDEX IF EXISTS {}", quote(name)))
        .attempting("dropping an index")
}

fn drop_indexes(connection: &Connection, collection: &Collection) -> Result<()> {
    for index in collection.indexes.iter().filter_map(|sql| Index::parse(sql)) {
        drop_index(connection, &index.name)?;
    }
    Ok(())
}

/// Makes the indexes of the collection, also those that were written for another table.
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] with PocketBase's message as detail and the refused index as its subject.
fn create_indexes(connection: &Connection, collection: &Collection) -> Result<()> {
    for (position, sql) in collection.indexes.iter().enumerate() {
        let Some(index) = Index::parse(sql) else {
            let attempted = format!("making an index of {}", collection.name);
            return Err(
                Error::new(ErrorKind::InvalidSchema, attempted, "Invalid CREATE INDEX expression.")
                    .about(Subject::Index(position)),
            );
        };
        create_index(connection, collection, index).map_err(|error| error.about(Subject::Index(position)))?;
    }
    Ok(())
}

/// Makes one index on the table of the collection.
pub(crate) fn create_index(connection: &Connection, collection: &Collection, mut index: Index) -> Result<()> {
    let attempted = format!("making an index of {}", collection.name);
    index.table.clone_from(&collection.name);
    connection.execute(&index.statement(), []).map(drop).map_err(|error| {
        schema_fault(error, &attempted, |error| {
            format!("Failed to create index {} - {}.", index.name, driver_message(error))
        })
    })
}

/// Runs DDL; what SQLite refuses is the definition's fault unless the disk is.
fn change(connection: &Connection, table: &str, sql: &str) -> Result<()> {
    let attempted = format!("changing the table {table}");
    connection
        .execute_batch(sql)
        .map_err(|error| schema_fault(error, &attempted, driver_message))
}
