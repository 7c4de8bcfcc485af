//! Checking databases that nobody uses yet: those a restore has staged.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bosbase_background::give_way;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, ErrorKind, Result};
use crate::sqlite::agreement::Agreement;
use crate::sqlite::auxiliary;
use crate::sqlite::migrations;
use crate::sqlite::sql::Attempting;
use crate::sqlite::store::{AUXILIARY, DATA};
use crate::sqlite::tables::{collections, history, params};
use crate::sqlite::wal;
use crate::sqlite::{self, Access, PATIENCE, Role, Watch};

/// Problems that a failed check lists at most.
const PROBLEMS: usize = 5;

/// After so many steps of a check it gives way: pages of the tables and indexes first, then entries. Pages that hold
/// the rest of a long value are no steps.
const STEPS: i32 = 50;

/// Virtual machine instructions of an upgrade between two looks at whether it was given up; less than a millisecond.
const UPGRADE_STEPS: i32 = 10_000;

/// Lets SQLite check the database file at `path`, which must not be in use; takes as long as reading all of it, unless
/// `given_up` becomes true. Leaves no `-wal` or `-shm` file behind.
///
/// # Errors
/// [`ErrorKind::Corrupt`] with what is wrong; otherwise when the file can't be opened, or it was given up.
pub fn check_database(path: &Path, given_up: &Arc<AtomicBool>) -> Result<()> {
    let mut connection = sqlite::open(path, Role::Writer, Access::Existing)?;
    let given_up = Arc::clone(given_up);
    let is_over = move || given_up.load(Ordering::Relaxed);
    let checked = integrity(&mut connection, &path.display().to_string(), is_over);
    finish(connection)?;
    checked
}

/// Makes sure that the B-tree of each table is one of a table, and that of each index one of an index
/// (<https://sqlite.org/fileformat2.html#b_tree_pages>). `PRAGMA integrity_check` lets an index pass whose page is an
/// empty one of a table, and every write to it fails afterwards.
fn wrong_root_page(connection: &Connection) -> rusqlite::Result<Option<String>> {
    const WITHOUT_ROWID: &str = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr";
    const ROOTS: &str = "SELECT name, rootpage, type = 'index' FROM sqlite_schema WHERE rootpage > 0";
    const KIND: &str = "SELECT substr(data, ?2, 1) FROM sqlite_dbpage('main') WHERE pgno = ?1";
    let mut tables = connection.prepare(WITHOUT_ROWID)?;
    // These have the B-tree of an index.
    let without_rowid: HashSet<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut kinds = connection.prepare(KIND)?;
    let mut roots = connection.prepare(ROOTS)?;
    let mut rows = roots.query([])?;
    while let Some(row) = rows.next()? {
        let (name, page, is_index): (String, u32, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // The first page begins with the header of the file.
        let at = if page == 1 { 101 } else { 1 };
        let kind: Vec<u8> = kinds.query_row([page, at], |row| row.get(0))?;
        let is_of_index = matches!(kind.first(), Some(0x02 | 0x0a));
        if is_of_index != (is_index || without_rowid.contains(&name)) {
            return Ok(Some(format!(
                "page {page}, the root of {name}, is of another kind of B-tree"
            )));
        }
    }
    Ok(None)
}

/// Reads one value of `_params` out of `data.db` in `dir`, in use or not, and changes nothing there; `None` where there
/// is no such database or value.
///
/// # Errors
/// When it is no database or can't be read.
pub fn peek_param(dir: &Path, key: &str) -> Result<Option<String>> {
    match peek(dir)? {
        Some(connection) if collections::table_exists(&connection, "_params")? => params::get(&connection, key),
        _ => Ok(None),
    }
}

/// The files that `_migrations` of `data.db` in `dir`, in use or not, records as applied; none where there is no such
/// database or table. Changes nothing there.
///
/// # Errors
/// When it is no database or can't be read.
pub fn applied_migrations(dir: &Path) -> Result<HashSet<String>> {
    match peek(dir)? {
        Some(connection) if collections::table_exists(&connection, "_migrations")? => history::applied(&connection),
        _ => Ok(HashSet::new()),
    }
}

/// Opens `data.db` in `dir`, in use or not, to read it; `None` where there is none.
fn peek(dir: &Path) -> Result<Option<Connection>> {
    let path = dir.join(DATA);
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let escaped: String = path
        .display()
        .to_string()
        .chars()
        .map(|c| match c {
            '%' | '?' | '#' => format!("%{:02x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    // Without a write-ahead log nobody has it open, and one that was made to read it would stay
    // (https://sqlite.org/uri.html).
    let wal = dir.join(format!("{DATA}-wal"));
    let mode = if wal.exists() { "" } else { "?immutable=1" };
    let mut connection = Connection::open_with_flags(format!("file:{escaped}{mode}"), flags)
        .attempting(&format!("reading the database {}", path.display()))?;
    // Nobody has looked at it yet: a view in a table's place could go on for ever.
    Watch::over(&mut connection)?.limit(PATIENCE);
    Ok(Some(connection))
}

/// Makes sure that `data.db` in `dir`, which must not be in use, is the database of a PocketBase application of version
/// 0.23 or later whose collections this program understands.
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] with what is missing, [`ErrorKind::Corrupt`] when it is no database.
pub fn check_application(dir: &Path) -> Result<()> {
    let connection = sqlite::open(&dir.join(DATA), Role::Writer, Access::Existing)?;
    let checked = migrations::check_origin(&connection).and_then(|()| collections::load(&connection).map(drop));
    finish(connection)?;
    checked
}

/// Brings the databases in `dir`, which must not be in use, to what this version makes, as
/// [`Store::open`](crate::Store::open) would, and says whether the collections and their tables agree. Ends with an
/// error soon after `given_up` becomes true. Leaves no `-wal` or `-shm` file behind.
///
/// The log is not looked at where it is damaged: [`Store::open`](crate::Store::open) sets such a one aside.
///
/// # Errors
/// Those of [`check_application`], and when the databases can't be written; a database is then as it was.
pub fn upgrade_staged(dir: &Path, given_up: &Arc<AtomicBool>) -> Result<Agreement> {
    check_application(dir)?;
    let mut data = sqlite::open(&dir.join(DATA), Role::Writer, Access::Existing)?;
    let given_up = Arc::clone(given_up);
    data.progress_handler(UPGRADE_STEPS, Some(move || given_up.load(Ordering::Relaxed)))
        .attempting("upgrading a staged database")?;
    let upgraded = migrations::migrate_data(&data, true);
    data.progress_handler(0, None::<fn() -> bool>)
        .attempting("upgrading a staged database")?;
    finish(data)?;
    let agreement = upgraded?;
    let path = dir.join(AUXILIARY);
    let auxiliary = match auxiliary::open_existing(&path) {
        Ok(Some(auxiliary)) => auxiliary,
        Ok(None) => sqlite::open(&path, Role::Writer, Access::Create)?,
        Err(error) if error.kind() == ErrorKind::CorruptLog => return Ok(agreement),
        Err(error) => return Err(error),
    };
    let upgraded = migrations::migrate_auxiliary(&auxiliary);
    finish(auxiliary)?;
    upgraded.map(|()| agreement)
}

/// `PRAGMA integrity_check` of the database called `name` in messages. Nobody waits for it: it keeps out of everybody's
/// way, and ends with an error soon after `is_over`.
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
        let mut problems: Vec<String> = connection
            .prepare(&format!("PRAGMA integrity_check({PROBLEMS})"))?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if problems == ["ok"]
            && let Some(problem) = wrong_root_page(connection)?
        {
            problems = vec![problem];
        }
        Ok(problems)
    });
    connection
        .progress_handler(0, None::<fn() -> bool>)
        .attempting(&attempted)?;
    let problems = checked.attempting(&attempted)?;
    if problems == ["ok"] {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Corrupt, attempted, problems.join("; ")))
    }
}

/// Moves everything into the database file and closes it.
fn finish(connection: Connection) -> Result<()> {
    wal::close_emptied(connection, "closing a staged database")
}
