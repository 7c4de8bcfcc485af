//! The names in a data directory that have a meaning to backups.

use std::ffi::OsStr;

use bosbase_disk::FileKind;

/// Folder of this program's own state, never backed up.
pub const PRIVATE_DIR: &str = ".bosbase";
/// Folder of the local backups.
pub const BACKUPS_DIR: &str = "backups";
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

/// Left alone in the root of a data directory, by a backup as by a restore; the latter three because PocketBase does so.
const ROOT_ONLY: [&str; 5] = [
    BACKUPS_DIR,
    PRIVATE_DIR,
    ".pb_temp_to_delete",
    ".autocert_cache",
    ".notify",
];

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
            && (name == "lost+found" || name.starts_with(UNDO_PREFIX) || name.starts_with(STAGING_PREFIX)))
}

/// `true` for a database's file and for those SQLite keeps beside it.
pub(crate) fn belongs_to_database(name: &OsStr, databases: &[String]) -> bool {
    let Some(name) = name.to_str() else { return false };
    databases.iter().any(|database| {
        name.strip_prefix(database.as_str())
            .is_some_and(|rest| matches!(rest, "" | "-wal" | "-shm" | "-journal"))
    })
}
/// `true` for a path inside an archive that is not installed: another program may have packed what it did not know.
pub(crate) fn is_not_installed(path: &crate::EntryPath) -> bool {
    ROOT_ONLY.contains(&path.first())
        || path.parts().any(|part| {
            part == "lost+found" || part.starts_with(UNDO_PREFIX) || part.starts_with(STAGING_PREFIX)
        })
        // SQLite's index of a write-ahead log is only true for the processes that made it.
        || (path.as_str().ends_with(".db-shm") && !path.as_str().contains('/'))
}
