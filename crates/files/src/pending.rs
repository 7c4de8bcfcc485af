//! Removals that wait, for the end of a backup or for a start after a crash, each written down in a file of its own.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use bosbase_disk::{Disk, FileKind, read_all, write_atomically};
use bosbase_store::random_text;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::entries::entries;

/// Longest removal that is read, in bytes: all files of everything that one request deleted, tens of millions of names.
/// The process that wrote it down had it in memory, too.
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
    let random = random_text(20, b"abcdefghijklmnopqrstuvwxyz0123456789");
    let name = match removal {
        Removal::InBucket { place, .. } => format!("{}-{random}.json", mark_of(place)),
        _ => format!("{random}.json"),
    };
    let path = dir.join(name);
    write_atomically(disk, &path, &serde_json::to_vec(removal)?)?;
    Ok(path)
}

/// What the names of removals from the bucket `place` begin with, so that those of other buckets need not be read.
fn mark_of(place: &str) -> String {
    let digest = Sha256::digest(place.as_bytes());
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether the name of the file at `path` says that it is about another bucket than `place`.
pub(super) fn is_of_another(path: &Path, place: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split_once('-').is_some_and(|(mark, _)| mark != mark_of(place))
}

/// The files in `dir` in which removals are written down; there may be any number.
pub(super) fn paths(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match disk.list(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let path = dir.join(&entry.name);
        if entry.kind == FileKind::File && path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The removal that the file at `path` holds. One that is no more there is `None`, and one that can't be understood,
/// which is left where it is: it must not keep the others from being carried out.
pub(super) fn read(disk: &dyn Disk, path: &Path) -> io::Result<Option<Removal>> {
    let bytes = match read_all(disk, path, LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            tracing::warn!(path = %path.display(), "a pending removal is too long to be read");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    Ok(serde_json::from_slice(&bytes)
        .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "a pending removal can't be understood"))
        .ok())
}

/// The removals written down in `dir` with the files they lie in, each read when it is its turn.
pub(super) fn all<'a>(
    disk: &'a dyn Disk,
    dir: &Path,
) -> io::Result<impl Iterator<Item = io::Result<(PathBuf, Removal)>> + use<'a>> {
    let paths = paths(disk, dir)?.into_iter();
    Ok(paths.filter_map(move |path| match read(disk, &path) {
        Ok(removal) => removal.map(|removal| Ok((path, removal))),
        Err(error) => Some(Err(error)),
    }))
}

/// Removes what writes that a crash interrupted left in `dir`: hidden temporary files. Only where nobody is writing
/// there.
pub(super) fn remove_temporaries(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    for entry in entries(disk, dir)? {
        let entry = entry?;
        let name = entry.name.to_string_lossy();
        if entry.kind == FileKind::File && name.starts_with('.') && name.ends_with(".tmp") {
            disk.remove_file(&dir.join(&entry.name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::*;

    /// Removals from a bucket that was switched off were read every minute, for as long as that lasted.
    #[test]
    fn the_name_of_a_removal_tells_its_bucket() {
        let dir = tempfile::tempdir().unwrap();
        let collection = Removal::Collection {
            collection: "c".to_owned(),
        };
        let removal = Removal::InBucket {
            place: "http://s3/b".to_owned(),
            removal: Box::new(collection.clone()),
        };
        let path = remember(&RealDisk, dir.path(), &removal).unwrap();
        assert!(!is_of_another(&path, "http://s3/b") && is_of_another(&path, "http://s3/c"));
        assert_eq!(read(&RealDisk, &path).unwrap(), Some(removal));
        // As versions before this one named them.
        assert!(!is_of_another(Path::new("/p/0123456789abcdefghij.json"), "http://s3/c"));
        let here = remember(&RealDisk, dir.path(), &collection).unwrap();
        assert!(!is_of_another(&here, "http://s3/c"));
        assert_eq!(all(&RealDisk, dir.path()).unwrap().count(), 2);
    }
}
