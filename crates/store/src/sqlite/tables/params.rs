//! `_params`: a value by key. The application's settings are the row `settings`.

use rusqlite::{Connection, OptionalExtension};

use crate::error::Result;
use crate::model::moment::now;
use crate::sqlite::sql::{Attempting, one_row};

pub(crate) fn get(connection: &Connection, key: &str) -> Result<Option<String>> {
    connection
        .prepare_cached("SELECT CAST(`value` AS TEXT) FROM `_params` WHERE `id` = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([key], |row| row.get::<_, Option<String>>(0))
                .optional()
        })
        .attempting("reading a parameter")
        .map(Option::flatten)
}

pub(crate) fn set(connection: &Connection, key: &str, value: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT OR ABORT INTO `_params` (`id`, `value`, `created`, `updated`) VALUES (?1, ?2, ?3, ?3) \
             ON CONFLICT (`id`) DO UPDATE SET `value` = excluded.`value`, `updated` = excluded.`updated`",
        )
        .and_then(|mut statement| statement.execute([key, value, &now()]))
        .attempting("writing a parameter")
        .and_then(|stored| one_row(stored, "writing a parameter"))
}
