//! How many records a snapshot has of each collection.

use std::sync::Arc;

use bosbase_background::give_way;
use rusqlite::{Connection, OptionalExtension as _};

use super::PinnedDatabase;
use crate::error::Result;
use crate::model::collection::Collection;
use crate::sqlite::sql::Attempting;
use crate::sqlite::tables::records;

/// Virtual machine instructions between two moments at which counting gives way to others: some hundred entries.
const STEPS: i32 = 1_000;

/// Every collection of `database`, with the number of its records; nothing for a view, whose query nobody bounds, and
/// for one without a table.
pub(super) fn count(database: &PinnedDatabase) -> Result<Vec<(Arc<Collection>, Option<u64>)>> {
    const ATTEMPTED: &str = "counting the records of a snapshot";
    let schema = database.schema()?;
    let pin = database.pin_shared();
    let mut connection = pin.connection();
    let step = || {
        give_way();
        false
    };
    connection.progress_handler(STEPS, Some(step)).attempting(ATTEMPTED)?;
    let counted = schema
        .all()
        .iter()
        .map(|collection| Ok((Arc::clone(collection), count_one(&connection, collection)?)))
        .collect();
    connection
        .progress_handler(0, None::<fn() -> bool>)
        .attempting(ATTEMPTED)?;
    counted
}

fn count_one(connection: &Connection, collection: &Collection) -> Result<Option<u64>> {
    // A view or a virtual table may stand in the place of another program's table, and computes for as long as it
    // likes.
    const IS_TABLE: &str =
        "SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE AND type = 'table'";
    if collection.is_view() {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(IS_TABLE).attempting("looking for a table")?;
    let is_table = statement
        .query_row([&collection.name], |_| Ok(()))
        .optional()
        .attempting("looking for a table")?;
    is_table.map(|()| records::count(connection, collection)).transpose()
}
