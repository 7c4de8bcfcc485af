//! Checking databases that nobody uses yet: those a restore has staged.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bosbase_background::give_way;
use rusqlite::{Connection, OpenFlags};

use crate::engine::{self, Access, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::migrations;
use crate::sql::Attempting;
use crate::store::{AUXILIARY, DATA};
use crate::tables::{collections, params};

/// Problems that a failed check lists at most.
const PROBLEMS: usize = 5;

/// After so many steps of a check it gives way: pages of the tables and indexes first, then entries. Pages that hold the rest of a long
/// value are no steps.
const STEPS: i32 = 50;

/// Lets SQLite check the database file at `path`, which must not be in use; takes as long as reading all of it, unless `given_up`
/// becomes true. Leaves no `-wal` or `-shm` file behind.
///
/// # Errors
/// [`ErrorKind::Corrupt`] with what is wrong; otherwise when the file can't be opened, or it was given up.
pub fn check_database(path: &Path, given_up: &Arc<AtomicBool>) -> Result<()> {
    let mut connection = engine::open(path, Role::Writer, Access::Existing)?;
    let given_up = Arc::clone(given_up);
    let is_over = move || given_up.load(Ordering::Relaxed);
    let checked = integrity(&mut connection, &path.display().to_string(), is_over);
    finish(connection)?;
    checked
}

/// Reads one value of `_params` out of `data.db` in `dir`, in use or not, and changes nothing there; `None` where there is no
/// such database or value.
///
/// # Errors
/// When it is no database or can't be read.
pub fn peek_param(dir: &Path, key: &str) -> Result<Option<String>> {
    let path = dir.join(DATA);
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(&path, flags).attempting(&format!("reading the database {}", path.display()))?;
    params::get(&connection, key)
}

/// Makes sure that `data.db` in `dir`, which must not be in use, is the database of a PocketBase application of version 0.23
/// or later whose collections this program understands.
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] with what is missing, [`ErrorKind::Corrupt`] when it is no database.
pub fn check_application(dir: &Path) -> Result<()> {
    let connection = engine::open(&dir.join(DATA), Role::Writer, Access::Existing)?;
    let checked = migrations::check_origin(&connection).and_then(|()| collections::load(&connection).map(drop));
    finish(connection)?;
    checked
}

/// Brings the databases in `dir`, which must not be in use, to what this version makes, as [`Store::open`](crate::Store::open)
/// would. Leaves no `-wal` or `-shm` file behind.
///
/// # Errors
/// Those of [`check_application`], and when the databases can't be written; a database is then as it was.
pub fn upgrade_staged(dir: &Path) -> Result<()> {
    check_application(dir)?;
    let data = engine::open(&dir.join(DATA), Role::Writer, Access::Existing)?;
    let upgraded = migrations::migrate_data(&data);
    finish(data)?;
    upgraded?;
    let auxiliary = engine::open(&dir.join(AUXILIARY), Role::Writer, Access::Create)?;
    let upgraded = migrations::migrate_auxiliary(&auxiliary);
    finish(auxiliary)?;
    upgraded
}

/// `PRAGMA integrity_check` of the database called `name` in messages. Nobody waits for it: it keeps out of everybody's way, and ends
/// with an error soon after `is_over`.
pub(crate) fn integrity(
    connection: &mut Connection,
    name: &str,
    is_over: impl Fn() -> bool + Send + 'static,
) -> Result<()> {
    let attempted = format!("checking the integrity of {name}");
    let step = move || {
        give_way();
        is_over()
    };
    let checked = connection.progress_handler(STEPS, Some(step)).and_then(|()| {
        connection
            .prepare(&format!("PRAGMA integrity_check({PROBLEMS})"))?
            .query_map([], |row| row.get(0))?
            .collect()
    });
    connection
        .progress_handler(0, None::<fn() -> bool>)
        .attempting(&attempted)?;
    let problems: Vec<String> = checked.attempting(&attempted)?;
    if problems == ["ok"] {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Corrupt, attempted, problems.join("; ")))
    }
}

/// Moves everything into the database file and closes it.
fn finish(connection: Connection) -> Result<()> {
    const ATTEMPTED: &str = "closing a staged database";
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .attempting(ATTEMPTED)?;
    connection.close().map_err(|(_, error)| error).attempting(ATTEMPTED)
}
