//! Other servers on the same data directory: PocketBase takes none of our locks, and would write into what a restore
//! replaces.

use bosbase_backup::{DataDir, DatabaseFormat};
use bosbase_disk::{Process, processes_at};

use crate::error::{Error, Result};

/// A server of another program, as the status endpoint shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Neighbour {
    /// The number of its process.
    pub pid: u32,
    /// Its program.
    pub program: String,
}

impl Neighbour {
    /// The server that `process` is; `None` for what only reads (a shell of SQLite's, Litestream).
    fn of(process: &Process) -> Option<Self> {
        let is_server = process.arguments.iter().skip(1).any(|argument| argument == "serve");
        let program = process.arguments.first()?.to_string_lossy().into_owned();
        is_server.then_some(Self {
            pid: process.pid,
            program,
        })
    }
}

/// The servers of other programs on `data_dir`, as far as the system tells.
#[must_use]
pub fn neighbours(data_dir: &DataDir) -> Vec<Neighbour> {
    let files = DataDir::DATABASES.map(DatabaseFormat::files);
    let files: Vec<&str> = files.iter().flatten().map(String::as_str).collect();
    processes_at(data_dir, &files, DataDir::USUAL, &data_dir.state().serve_lock())
        .iter()
        .filter_map(Neighbour::of)
        .collect()
}

/// Makes sure that no other program serves `data_dir`.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] with the process where one does.
pub(crate) fn require_none(data_dir: &DataDir) -> Result<()> {
    let Some(Neighbour { pid, program }) = neighbours(data_dir).into_iter().next() else {
        return Ok(());
    };
    let dir = data_dir.display();
    Err(Error::invalid(format!(
        "Another server is using the data directory {dir}: process {pid} ({program} serve). Stop it first."
    )))
}

/// Says so in the log where another server has come to the data directory.
pub(crate) fn watch_neighbours(data_dir: &DataDir) {
    for Neighbour { pid, program } in neighbours(data_dir) {
        let dir = data_dir.display();
        tracing::error!(
            pid,
            program,
            "another server is using the data directory {dir}: stop one of the two, or a restore will mix their data"
        );
    }
}
