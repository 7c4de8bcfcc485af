//! Removals that wait, for the end of a backup or for a start after a crash, each written down in a file of its own.

use std::io;
use std::path::{Path, PathBuf};

use bosbase_disk::{Disk, FileKind, read_all, write_atomically};
use bosbase_store::random_text;
use serde::{Deserialize, Serialize};

/// Longest removal that is read, in bytes: all files of everything that one request deleted, tens of millions of names. Whoever wrote
/// it down had it in memory, too.
const LIMIT: u64 = 1 << 30;

/// What is to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Removal {
    /// Files of one record.
    Files {
        /// The collection's id.
        collection: String,
        /// The record's id.
        record: String,
        /// The stored names.
        names: Vec<String>,
    },
    /// Several.
    All(Vec<Removal>),
    /// The folders of all records of a collection that are no more.
    Collection {
        /// The collection's id.
        collection: String,
    },
    /// What lies in one bucket; the data directory is not concerned.
    InBucket {
        /// Which bucket, without who asks there.
        place: String,
        /// What of it.
        removal: Box<Removal>,
    },
}

/// Writes `removal` down in `dir` and says in which file; durable when it returns.
pub(super) fn remember(disk: &dyn Disk, dir: &Path, removal: &Removal) -> io::Result<PathBuf> {
    disk.create_dir_all(dir)?;
    let name = format!("{}.json", random_text(20, b"abcdefghijklmnopqrstuvwxyz0123456789"));
    let path = dir.join(name);
    write_atomically(disk, &path, &serde_json::to_vec(removal)?)?;
    Ok(path)
}

/// The removals written down in `dir` with the files they lie in. One that can't be understood is left where it is.
pub(super) fn all(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<(PathBuf, Removal)>> {
    let entries = match disk.list(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let path = dir.join(&entry.name);
        if entry.kind != FileKind::File || path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let bytes = match read_all(disk, &path, LIMIT) {
            Ok(bytes) => bytes,
            // It must not keep the others from being carried out.
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                tracing::warn!(path = %path.display(), "a pending removal is too long to be read");
                continue;
            }
            Err(error) => return Err(error),
        };
        match serde_json::from_slice(&bytes) {
            Ok(removal) => found.push((path, removal)),
            Err(error) => tracing::warn!(path = %path.display(), %error, "a pending removal can't be understood"),
        }
    }
    Ok(found)
}

/// Removes what writes that a crash interrupted left in `dir`: hidden temporary files. Only where nobody is writing there.
pub(super) fn remove_temporaries(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    let entries = match disk.list(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.name.to_string_lossy();
        if entry.kind == FileKind::File && name.starts_with('.') && name.ends_with(".tmp") {
            disk.remove_file(&dir.join(&entry.name))?;
        }
    }
    Ok(())
}
