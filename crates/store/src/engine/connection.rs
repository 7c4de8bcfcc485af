//! Opening a connection with the pragmas its role needs.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::Result;
use crate::sql::Attempting;

/// How long a connection waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements kept per connection.
const STATEMENTS: usize = 128;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that writes.
    Writer,
    /// One of those that only read.
    Reader,
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

/// Opens `path` in WAL mode with `synchronous=FULL`. Every role opens the file read-write, for a reader must be able to make
/// the `-shm` file and to checkpoint; what only reads is kept from writing by `query_only`.
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
    connection.busy_timeout(BUSY_TIMEOUT).attempting(&attempted)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let cache_kib = match role {
        Role::Writer => 8_000,
        Role::Reader => 4_000,
        Role::Pin => 1_000,
    };
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
             PRAGMA journal_size_limit=33554432; PRAGMA cache_size=-{cache_kib}; PRAGMA query_only={};",
            if role == Role::Writer { "OFF" } else { "ON" }
        ))
        .attempting(&attempted)?;
    Ok(connection)
}
