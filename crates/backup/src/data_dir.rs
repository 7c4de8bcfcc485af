//! The names in a data directory.

use std::ffi::OsStr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use bosbase_disk::FileKind;

use crate::database_format::DatabaseFormat;
use crate::entry_path::EntryPath;
use crate::state_dir::StateDir;

/// Folder of this program's own state, never backed up.
pub(crate) const STATE: &str = ".bosbase";
/// Folder of the local backups.
const BACKUPS: &str = "backups";
/// Folder of the uploaded files.
pub(crate) const STORAGE_DIR: &str = "storage";
/// What the name of the note beside an uploaded file adds to the file's.
pub(crate) const NOTE_SUFFIX: &str = ".attrs";
/// Longest such note, bytes; a file that is called like one and longer is none.
pub(crate) const NOTE_LIMIT: u64 = 64 << 10;
/// The old data while a restore may still be undone, in folders that are switched child by child.
pub(crate) const UNDO_PREFIX: &str = ".bosbase-undo-";
/// New data before the switch, in the same.
pub(crate) const STAGING_PREFIX: &str = ".bosbase-staging-";
/// What a file system keeps for itself in its root.
const LOST_AND_FOUND: &str = "lost+found";

/// Left alone in the root of a data directory, by a backup as by a restore; the latter three because PocketBase does
/// so.
const ROOT_ONLY: [&str; 5] = [BACKUPS, STATE, ".pb_temp_to_delete", ".autocert_cache", ".notify"];

/// A data directory: a path that knows which names it holds. Dereferences to the path.
///
/// Whether anything is there is not known; no call touches the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// What a data directory is called if nobody says otherwise.
    pub const USUAL: &str = "pb_data";
    /// The name of the application's database.
    pub const DATABASE: &str = "data.db";
    /// The name of the log's database.
    pub const LOG: &str = "auxiliary.db";
    /// The names of the databases, the application's first.
    pub const DATABASES: [&str; 2] = [Self::DATABASE, Self::LOG];

    /// The data directory at this path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The application's database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.join(Self::DATABASE)
    }

    /// The folder of the uploaded files.
    #[must_use]
    pub fn storage(&self) -> PathBuf {
        self.join(STORAGE_DIR)
    }

    /// The folder of the local backups.
    #[must_use]
    pub fn backups(&self) -> PathBuf {
        self.join(BACKUPS)
    }

    /// The folder of the program's own state: never backed up, never replaced.
    #[must_use]
    pub fn state(&self) -> StateDir {
        StateDir::at(self.join(STATE))
    }

    /// A path below the data directory; empty for itself.
    pub(crate) fn below(&self, relative: &str) -> PathBuf {
        if relative.is_empty() {
            self.0.clone()
        } else {
            self.join(relative)
        }
    }
}

impl Deref for DataDir {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for DataDir {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl From<PathBuf> for DataDir {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

/// The path of a folder in that of the state, relative to the data directory.
pub(crate) fn in_state(name: &str) -> String {
    format!("{STATE}/{name}")
}

/// `true` for what is neither backed up nor replaced: ours, PocketBase's temporary things, the file system's own.
pub(crate) fn is_private(name: &OsStr, kind: FileKind, at_root: bool) -> bool {
    is_temporary(name, kind) || name.to_str().is_some_and(|name| is_kept(name, kind, at_root))
}

/// `true` for a file in the making, or what a killed process left of one.
pub(crate) fn is_temporary(name: &OsStr, kind: FileKind) -> bool {
    let name = name.as_encoded_bytes();
    kind == FileKind::File && name.starts_with(b".") && name.ends_with(b".tmp")
}

/// `true` for what a restore leaves in place.
pub(crate) fn is_kept(name: &str, kind: FileKind, at_root: bool) -> bool {
    (at_root && ROOT_ONLY.contains(&name))
        || (kind == FileKind::Directory
            && (name == LOST_AND_FOUND || name.starts_with(UNDO_PREFIX) || name.starts_with(STAGING_PREFIX)))
}

/// `true` for the files of one of these databases.
pub(crate) fn belongs_to_database(name: &OsStr, databases: &[String]) -> bool {
    databases.iter().any(|database| DatabaseFormat::owns(database, name))
}

/// `true` for the folder of the state, and what lies in it.
pub(crate) fn is_state(path: &EntryPath) -> bool {
    path.first() == STATE
}

/// `true` for a path inside an archive that is not installed: another program may have packed what it did not know.
pub(crate) fn is_not_installed(path: &EntryPath) -> bool {
    ROOT_ONLY.contains(&path.first())
        || path
            .parts()
            .any(|part| part == LOST_AND_FOUND || part.starts_with(UNDO_PREFIX) || part.starts_with(STAGING_PREFIX))
        || (path.first() == path.as_str() && DatabaseFormat::is_of_one_process(path.as_str()))
}
