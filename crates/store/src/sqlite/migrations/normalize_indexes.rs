//! PocketBase 0.40: every index that a table has is one that its collection lists.

use rusqlite::Connection;

use super::store_again;
use crate::error::Result;
use crate::model::collection::Collection;
use crate::model::index::Index;
use crate::sqlite::sql::Attempting;
use crate::sqlite::tables::{collections, record_tables, views};

pub(super) fn apply(connection: &Connection) -> Result<()> {
    for collection in collections::load(connection)?.all() {
        if collection.system || collection.is_view() {
            continue;
        }
        let present = present(connection, collection)?;
        if present.is_empty() && collection.indexes.is_empty() {
            continue;
        }
        let listed: Vec<Index> = collection.indexes.iter().filter_map(|sql| Index::parse(sql)).collect();
        let mut changed = (**collection).clone();
        for sql in &mut changed.indexes {
            if let Some(text) = Index::on_table(sql, &collection.name) {
                *sql = text;
            }
        }
        for index in present {
            if listed.iter().any(|known| known.name.eq_ignore_ascii_case(&index.name)) {
                continue;
            }
            if listed
                .iter()
                .any(|listed| is_same(listed, &index) || is_same_identity(collection, listed, &index))
            {
                record_tables::drop_index(connection, &index.name)?;
            } else {
                // Somebody made it by hand; it stays, and from now on in the open.
                changed.indexes.push(index.statement());
            }
        }
        // Those that are listed and missing are made by `agreement::mend`.
        store_again(connection, changed)?;
    }
    // PocketBase looks at every view anew when a collection is saved; this version knows more of their fields.
    views::refresh(connection, "")
}

/// The indexes of the collection's table as SQLite has them, without those that belong to a constraint.
fn present(connection: &Connection, collection: &Collection) -> Result<Vec<Index>> {
    let statements: Vec<String> = connection
        .prepare(
            "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 COLLATE NOCASE AND sql IS NOT NULL \
             AND name NOT LIKE 'sqlite_autoindex_%' ORDER BY rowid",
        )
        .and_then(|mut statement| statement.query_map([&collection.name], |row| row.get(0))?.collect())
        .attempting("listing the indexes of a table")?;
    Ok(statements
        .iter()
        .filter_map(|sql| Index::parse(sql))
        .map(|index| Index {
            schema: String::new(),
            table: collection.name.clone(),
            ..index
        })
        .collect())
}

/// Whether both are the unique index on `tokenKey` or `email` that an auth collection has once, under a name of its
/// own.
fn is_same_identity(collection: &Collection, listed: &Index, index: &Index) -> bool {
    let is_on = |column: &&str| listed.makes_unique(column) && index.makes_unique(column);
    collection.is_auth() && ["tokenKey", "email"].iter().any(is_on)
}

/// Whether both are the same but for their names.
fn is_same(a: &Index, b: &Index) -> bool {
    let renamed = Index {
        name: b.name.clone(),
        schema: b.schema.clone(),
        table: b.table.clone(),
        ..a.clone()
    };
    renamed.statement() == b.statement()
}
