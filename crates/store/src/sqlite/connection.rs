//! Opening a connection with the pragmas its role needs.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, ErrorKind, Result};
use crate::sqlite::sql::Attempting;

/// How long a connection waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements kept per connection.
const STATEMENTS: usize = 128;

/// The longest value that a reader makes or reads, in bytes: a query of a view may ask for any.
const MAX_VALUE: i32 = 100 << 20;
/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that writes.
    Writer,
    /// One of those that only read.
    Reader,
    /// One of those that only read, and never wait.
    Prompt,
    /// A backup's, which walks every page once and needs no cache.
    Pin,
}

/// Whether the file may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Make it where it is missing.
    Create,
    /// It must be there.
    Existing,
}

/// Opens `path` in WAL mode with `synchronous=FULL`. Every role opens the file read-write, for a reader must be able to
/// make the `-shm` file and a pin to checkpoint; what only reads is kept from writing by `query_only`. Triggers do not
/// run on it, and none checkpoints by itself: see [`wal`](super::wal).
///
/// # Errors
/// When the file can't be opened, is damaged or no database, or another process holds it for more than ten seconds.
pub(crate) fn open(path: &Path, role: Role, access: Access) -> Result<Connection> {
    let attempted = format!("opening the database {}", path.display());
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if access == Access::Create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags).attempting(&attempted)?;
    let patience = if role == Role::Prompt {
        Duration::ZERO
    } else {
        BUSY_TIMEOUT
    };
    connection.busy_timeout(BUSY_TIMEOUT).attempting(&attempted)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    for (option, on) in [
        // No trigger is one of a collection's: what runs in a database that came from elsewhere is nobody's here.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        // Nor may its views, defaults and indexes call what is not harmless.
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        // No statement can break the file itself.
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    ] {
        connection.set_db_config(option, on).attempting(&attempted)?;
    }
    let longest = match role {
        Role::Reader => Some(MAX_VALUE),
        Role::Prompt => Some(super::prompt::VALUE),
        Role::Writer | Role::Pin => None,
    };
    if let Some(longest) = longest {
        connection
            .set_limit(Limit::SQLITE_LIMIT_LENGTH, longest)
            .attempting(&attempted)?;
    }
    let cache_kib = match role {
        Role::Writer => 8_000,
        // What they read again and again goes in; for the rest there is the system's cache.
        Role::Reader | Role::Prompt => 2_000,
        Role::Pin => 1_000,
    };
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
             PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=33554432; PRAGMA cache_size=-{cache_kib}; PRAGMA query_only={};",
            if role == Role::Writer { "OFF" } else { "ON" }
        ))
        .attempting(&attempted)?;
    // Until here it may wait.
    connection.busy_timeout(patience).attempting(&attempted)?;
    if role == Role::Writer {
        require_writable(&connection, path)?;
    }
    Ok(connection)
}

/// SQLite opens a file that it may not write to read it, begins every transaction on it, and says so at the first write
/// alone.
fn require_writable(connection: &Connection, path: &Path) -> Result<()> {
    let attempted = format!("writing to the database {}", path.display());
    if connection.is_readonly(rusqlite::MAIN_DB).attempting(&attempted)? {
        let why = "its file can't be written by this user; give it to the user that serves it (chown)";
        return Err(Error::new(ErrorKind::Database, attempted, why));
    }
    // The files beside it are another's.
    connection
        .execute_batch("BEGIN IMMEDIATE; ROLLBACK")
        .attempting(&attempted)
}
