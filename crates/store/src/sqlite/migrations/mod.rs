//! Bringing a data directory to what PocketBase 0.40.6 makes: a fresh one, one of that version, or an older one.
//!
//! Each step is noted in `_migrations` under the name PocketBase gave it, so that it takes the directory over as it is.

mod alert_template;
mod normalize_indexes;

use std::collections::HashSet;

use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};
use crate::model::auth_options::list_providers;
use crate::model::collection::Collection;
use crate::model::defaults;
use crate::model::moment::now;
use crate::sqlite::agreement::{self, Agreement};
use crate::sqlite::sql::Attempting;
use crate::sqlite::tables::{collections, history, params, views};

/// PocketBase's own migrations up to 0.40.6 in their order. One name more is not an error: a later version's.
const KNOWN: [&str; 8] = [
    "1640988000_aux_init.go",
    "1640988000_init.go",
    "1717233556_v0.23_migrate.go",
    "1717233557_v0.23_migrate2.go",
    "1717233558_v0.23_migrate3.go",
    "1717233559_v0.23_migrate4.go",
    "1763020353_update_default_auth_alert_templates.go",
    "1778828400_normalize_indexes.go",
];

/// A change of the schema, by the name it is noted under.
type Upgrade = (&'static str, fn(&Connection) -> Result<()>);

/// What came after 0.23, oldest first.
const UPGRADES: [Upgrade; 2] = [(KNOWN[6], alert_template::apply), (KNOWN[7], normalize_indexes::apply)];

/// The last migration of those that made PocketBase 0.23 of an older one.
const V0_23: &str = "1717233559_v0.23_migrate4.go";

/// Whether `file` is one of PocketBase's own migrations, and none of an application or of a later version.
#[must_use]
pub fn is_own_migration(file: &str) -> bool {
    KNOWN.contains(&file)
}

/// The changes of the schema that opening a database makes of which `applied` tells what was done to it, by the names
/// that PocketBase gave them, oldest first.
#[must_use]
pub fn due_upgrades(applied: &HashSet<String>) -> Vec<&'static str> {
    let files = UPGRADES.iter().map(|(file, _)| *file);
    files.filter(|file| !applied.contains(*file)).collect()
}

/// Brings `data.db` up to date, all of it or nothing, and says whether the collections and their tables agree then.
/// What does not is mended where `mends` says so, in a transaction of its own: that it fails (a full disk) keeps nobody
/// from the data.
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] when the file holds something else than PocketBase's tables, or those of before 0.23.
pub(crate) fn migrate_data(connection: &Connection, mends: bool) -> Result<Agreement> {
    let is_new = in_transaction(connection, |connection| {
        if is_empty(connection)? {
            initialize(connection)?;
            return Ok(true);
        }
        check_origin(connection)?;
        let applied = history::applied(connection)?;
        let due: Vec<Upgrade> = UPGRADES
            .into_iter()
            .filter(|(file, _)| !applied.contains(*file))
            .collect();
        for (file, upgrade) in &due {
            upgrade(connection)?;
            history::add(connection, file)?;
        }
        if !due.is_empty() {
            // Newer versions tell more about what a view selects.
            views::refresh(connection, "")?;
        }
        Ok(false)
    })?;
    if is_new {
        return Ok(Agreement::default());
    }
    if !mends {
        return agreement::look(connection, None);
    }
    match in_transaction(connection, agreement::mend) {
        // It was given up by who waits for it.
        Err(error) if error.kind() == ErrorKind::TimedOut => Err(error),
        Err(error) => agreement::look(connection, Some(error.detail())),
        mended => mended,
    }
}

/// Brings `auxiliary.db` up to date.
///
/// # Errors
/// When it can't be read or written.
pub(crate) fn migrate_auxiliary(connection: &Connection) -> Result<()> {
    if collections::table_exists(connection, "_logs")? {
        return Ok(());
    }
    in_transaction(connection, |connection| {
        connection
            .execute_batch(include_str!("0002_auxiliary_init.sql"))
            .attempting("making the tables of auxiliary.db")
    })
}

fn in_transaction<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    const ATTEMPTED: &str = "preparing the database";
    connection.execute_batch("BEGIN IMMEDIATE").attempting(ATTEMPTED)?;
    let committed = work(connection).and_then(|done| {
        connection.execute_batch("COMMIT").attempting(ATTEMPTED)?;
        Ok(done)
    });
    match committed {
        Ok(done) => Ok(done),
        Err(error) => {
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK").attempting(ATTEMPTED)?;
            }
            Err(error)
        }
    }
}

fn is_empty(connection: &Connection) -> Result<bool> {
    connection
        .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .attempting("looking at the database")
        .map(|tables| tables == 0)
}

fn initialize(connection: &Connection) -> Result<()> {
    connection
        .execute_batch(include_str!("0001_data_init.sql"))
        .attempting("making the tables of data.db")?;
    for collection in defaults::collections()? {
        collections::create(connection, &collection)?;
    }
    params::set(connection, "settings", &defaults::settings()?)?;
    for file in KNOWN {
        history::add(connection, file)?;
    }
    Ok(())
}

/// Whether this is the database of a PocketBase application of 0.23 or later.
pub(crate) fn check_origin(connection: &Connection) -> Result<()> {
    const ATTEMPTED: &str = "opening the application's database";
    for table in ["_migrations", "_collections", "_params"] {
        if !collections::table_exists(connection, table)? {
            return Err(Error::new(
                ErrorKind::InvalidSchema,
                ATTEMPTED,
                format!("data.db has no table {table}: it is not the database of a PocketBase application"),
            ));
        }
    }
    if !history::applied(connection)?.contains(V0_23) {
        return Err(Error::new(
            ErrorKind::InvalidSchema,
            ATTEMPTED,
            "data.db was made by PocketBase 0.22 or older: start it once with PocketBase 0.23 or later, which upgrades it, \
             and then open it here",
        ));
    }
    Ok(())
}

/// Writes the row of a changed collection in the form of this version, changed now.
fn store_again(connection: &Connection, mut collection: Collection) -> Result<()> {
    list_providers(&mut collection.options);
    collection.updated = now();
    collections::update_row(connection, &collection)
}
