//! `_migrations`: which changes of the schema were applied, by the name of their file, and when (µs since 1970).
//!
//! PocketBase keeps its own there beside the application's; the latter are none of our business and stay.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::error::Result;
use crate::sqlite::sql::{Attempting, one_row};

pub(crate) fn applied(connection: &Connection) -> Result<HashSet<String>> {
    connection
        .prepare("SELECT `file` FROM `_migrations`")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .attempting("reading which migrations were applied")
}

pub(crate) fn add(connection: &Connection, file: &str) -> Result<()> {
    connection
        .execute(
            "INSERT OR ABORT INTO `_migrations` (`file`, `applied`) VALUES (?1, ?2)",
            (file, Timestamp::now().as_microsecond()),
        )
        .attempting("noting an applied migration")
        .and_then(|stored| one_row(stored, "noting an applied migration"))
}
