//! What a database holds, as SQLite's own table of it says.

use rusqlite::Connection;

use crate::error::Result;
use crate::sqlite::sql::Attempting;

/// A table, index, view or trigger.
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) name: String,
    /// The table it is on, or itself.
    pub(super) table: String,
    /// The statement that made it; empty for an index that belongs to a constraint.
    pub(super) sql: String,
}

/// A column of a table or view.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) generated: bool,
}

/// A part of an index.
pub(super) struct Part {
    /// The column's name; `None` for an expression.
    pub(super) column: Option<String>,
    pub(super) collate: String,
    pub(super) descending: bool,
}

/// Everything but what belongs to SQLite, in the order of its making.
pub(super) fn list(connection: &Connection) -> Result<Vec<Object>> {
    connection
        .prepare(
            "SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             ORDER BY rowid",
        )
        .and_then(|mut statement| {
            let object = |row: &rusqlite::Row<'_>| {
                Ok(Object {
                    kind: row.get(0)?,
                    name: row.get(1)?,
                    table: row.get(2)?,
                    sql: row.get(3)?,
                })
            };
            statement.query_map([], object)?.collect()
        })
        .attempting("listing what a database holds")
}

/// The object of this kind and name; SQLite compares names without regard to case.
pub(super) fn find<'a>(objects: &'a [Object], kind: &str, name: &str) -> Option<&'a Object> {
    let mut objects = objects.iter();
    objects.find(|object| object.kind == kind && object.name.eq_ignore_ascii_case(name))
}

/// The columns of a table or view. For a view, SQLite has to understand its query.
pub(super) fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Column>> {
    connection
        .prepare("SELECT name, hidden FROM pragma_table_xinfo(?1, 'main')")?
        .query_map([table], |row| {
            Ok(Column {
                name: row.get(0)?,
                generated: matches!(row.get::<_, i64>(1)?, 2 | 3),
            })
        })?
        .collect()
}

/// Whether an index is unique and whether it is partial; `None` where the table has no such index.
pub(super) fn index_flags(connection: &Connection, table: &str, index: &str) -> rusqlite::Result<Option<(bool, bool)>> {
    use rusqlite::OptionalExtension as _;
    connection
        .query_row(
            "SELECT \"unique\", partial FROM pragma_index_list(?1, 'main') WHERE name = ?2 COLLATE NOCASE",
            [table, index],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
}

/// What an index is made of, in order.
pub(super) fn index_parts(connection: &Connection, index: &str) -> rusqlite::Result<Vec<Part>> {
    connection
        .prepare("SELECT name, coll, \"desc\" FROM pragma_index_xinfo(?1, 'main') WHERE key = 1 ORDER BY seqno")?
        .query_map([index], |row| {
            Ok(Part {
                column: row.get(0)?,
                collate: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                descending: row.get(2)?,
            })
        })?
        .collect()
}
