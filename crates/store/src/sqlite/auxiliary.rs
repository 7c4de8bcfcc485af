//! `auxiliary.db`: the log. What is in it may be lost, so damage to it is told apart: it must keep nobody from the
//! data.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::error::{Error, ErrorKind, Result};
use crate::sqlite::sql::Attempting;
use crate::sqlite::wal;
use crate::sqlite::{self, Access, Role, Watch};

/// How long a start looks for damage inside of the log; that of a small one is found, and a large one delays nobody.
const LOOKED_AT: Duration = Duration::from_millis(500);
/// SQLite's extended code of a file that ends too early.
const SHORT_READ: i32 = 522;

/// Opens the log where there is one, and looks it over.
///
/// # Errors
/// [`ErrorKind::CorruptLog`] when it is damaged, no database, or no log of an application; otherwise when it can't be
/// opened.
pub(crate) fn open_existing(path: &Path) -> Result<Option<Connection>> {
    if !path.exists() {
        return Ok(None);
    }
    let opened = sqlite::open(path, Role::Writer, Access::Existing).and_then(|mut connection| {
        look_over(&mut connection)?;
        Ok(connection)
    });
    match opened {
        Err(error) if is_damage(&error) => Err(Error::new(
            ErrorKind::CorruptLog,
            format!("opening the log {}", path.display()),
            error.to_string(),
        )
        .caused_by(error)),
        opened => opened.map(Some),
    }
}

/// A log that takes more than this although half of it is free is packed when it is opened, in bytes.
const LARGE: i64 = 64 << 20;

/// Gives room back that the log does not need any more. It may be lost, so that it is no reason to fail that this can't
/// be done.
pub(crate) fn pack(connection: &Connection) {
    let number = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let (Ok(pages), Ok(free), Ok(size)) = (number("page_count"), number("freelist_count"), number("page_size")) else {
        return;
    };
    if pages.saturating_mul(size) > LARGE
        && free > pages / 2
        && let Err(error) = connection.execute_batch("VACUUM").and_then(|()| wal::empty(connection))
    {
        tracing::warn!(%error, "the log could not be packed");
    }
}

fn look_over(connection: &mut Connection) -> Result<()> {
    const ATTEMPTED: &str = "looking the log over";
    let is_there: bool = connection
        .query_row(
            "SELECT COUNT(*) > 0 FROM sqlite_schema WHERE name = '_logs' COLLATE NOCASE",
            [],
            |row| row.get(0),
        )
        .attempting(ATTEMPTED)?;
    if is_there {
        // Whether a line could be written; nothing is.
        connection
            .prepare("INSERT INTO `_logs` (`id`, `created`, `level`, `message`, `data`) SELECT '', '', 0, '', '' WHERE FALSE")
            .and_then(|mut statement| statement.execute([]))
            .attempting(ATTEMPTED)?;
    }
    let watch = Watch::over(connection)?;
    watch.limit(LOOKED_AT);
    let checked = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        .attempting(ATTEMPTED);
    watch.lift();
    match checked {
        Ok(problem) if problem != "ok" => Err(Error::new(ErrorKind::Corrupt, ATTEMPTED, problem)),
        Err(error) if error.kind() != ErrorKind::TimedOut => Err(error),
        _ => Ok(()),
    }
}

/// Whether the file is to blame, and neither the disk nor somebody else who has it.
fn is_damage(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<rusqlite::Error>());
    match (error.kind(), cause.and_then(rusqlite::Error::sqlite_error)) {
        (ErrorKind::Corrupt, _) => true,
        (ErrorKind::Database, Some(failure)) => {
            failure.code == ErrorCode::Unknown || failure.extended_code == SHORT_READ
        }
        _ => false,
    }
}
