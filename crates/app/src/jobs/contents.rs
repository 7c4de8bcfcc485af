//! What each proven backup holds, written down with its proof: a file each, so that one is told without reading all,
//! and none of it asks the storage of the backups.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bosbase_backup::{Identity, StateDir};
use bosbase_disk::{Disk, read_all, write_atomically};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::content::Content;
use super::proofs::Proof;
use super::state_locks::Records;
use crate::error::{Error, Result};

/// More than one can come to, in bytes.
const LONGEST: u64 = 16 << 20;
const ENDING: &str = ".json";

/// One file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    place: String,
    key: String,
    size: u64,
    modified: i64,
    etag: String,
    content: Content,
}

/// The folder of them.
pub(super) struct Contents {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    records: Records,
}

impl Contents {
    pub(super) fn new(disk: Arc<dyn Disk>, state_dir: &StateDir) -> Self {
        Self {
            disk,
            dir: state_dir.contents(),
            records: Records::new(state_dir),
        }
    }

    /// What the very backup `key` in `place` holds, as far as that is known. A file that can't be understood knows
    /// nothing.
    ///
    /// # Errors
    ///
    /// Where it is there and can't be read.
    pub(super) fn of(&self, place: &str, key: &str, which: &Identity) -> Result<Option<Content>> {
        use std::io::ErrorKind::{FileTooLarge, NotFound};
        let bytes = match read_all(self.disk.as_ref(), &self.path(place, key), LONGEST) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), NotFound | FileTooLarge) => return Ok(None),
            Err(error) => return Err(Error::internal(error)),
        };
        let Ok(kept) = serde_json::from_slice::<Kept>(&bytes) else {
            return Ok(None);
        };
        let own = Identity {
            size: kept.size,
            modified: kept.modified,
            etag: kept.etag,
        };
        let is_it = kept.place == place && kept.key == key && own.is(which);
        Ok(is_it.then_some(kept.content))
    }

    /// Writes down what a backup holds, durably. What an earlier proof counted stays known where this one had no room
    /// to open the databases: the bytes are the same.
    ///
    /// # Errors
    ///
    /// Where it can't be written.
    pub(super) fn keep(&self, place: &str, (key, which): (&str, &Identity), content: Content) -> Result<()> {
        if !content.counted && self.of(place, key, which)?.is_some_and(|known| known.counted) {
            return Ok(());
        }
        let kept = Kept {
            place: place.to_owned(),
            key: key.to_owned(),
            size: which.size,
            modified: which.modified,
            etag: which.etag.clone(),
            content,
        };
        let bytes = serde_json::to_vec(&kept).map_err(Error::internal)?;
        self.disk.create_dir_all(&self.dir).map_err(Error::internal)?;
        write_atomically(self.disk.as_ref(), &self.path(place, key), &bytes).map_err(Error::internal)
    }

    /// Forgets all backups but those of which something is `known`.
    ///
    /// # Errors
    ///
    /// Where that can't be read, or one can't be removed.
    pub(super) fn retain(&self, known: impl FnOnce() -> Result<Vec<Proof>>) -> Result<()> {
        // A proof is recorded under it before what it found is written down here.
        let _alone = self.records.change()?;
        let proofs = known()?;
        let known: BTreeSet<String> = proofs.iter().map(|proof| name(proof.place(), &proof.key)).collect();
        let entries = match self.disk.list(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::internal(error)),
        };
        for entry in entries {
            let name = entry.map_err(Error::internal)?.name;
            // What is being written just now has another ending.
            if name
                .to_str()
                .is_some_and(|name| name.ends_with(ENDING) && !known.contains(name))
            {
                self.remove(&self.dir.join(name))?;
            }
        }
        Ok(())
    }

    /// Forgets the backup `key` in `place`.
    ///
    /// # Errors
    ///
    /// Where it can't be removed.
    pub(super) fn forget(&self, place: &str, key: &str) -> Result<()> {
        self.remove(&self.path(place, key))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        match self.disk.remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
            _ => Ok(()),
        }
    }

    fn path(&self, place: &str, key: &str) -> PathBuf {
        self.dir.join(name(place, key))
    }
}

/// A file's name: those of backups and places may hold anything, and be longer than a file's may.
fn name(place: &str, key: &str) -> String {
    let hash = Sha256::new().chain_update(place).chain_update([0]).chain_update(key);
    let hash = hash.finalize();
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}{ENDING}")
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::*;

    fn identity(etag: &str) -> Identity {
        Identity {
            size: 7,
            modified: 5,
            etag: etag.to_owned(),
        }
    }

    fn content(records: u64, counted: bool) -> Content {
        Content {
            counted,
            more_collections: records,
            ..Content::default()
        }
    }

    #[test]
    fn what_one_holds_is_told_of_that_very_one_alone() {
        let dir = tempfile::tempdir().unwrap();
        let contents = Contents::new(Arc::new(RealDisk), &StateDir::at(dir.path()));
        let which = identity("a");
        assert_eq!(contents.of("here", "a.zip", &which).unwrap(), None);
        contents.keep("here", ("a.zip", &which), content(3, true)).unwrap();
        assert_eq!(contents.of("here", "a.zip", &which).unwrap(), Some(content(3, true)));
        for (place, key, which) in [
            ("there", "a.zip", identity("a")),
            ("here", "b.zip", identity("a")),
            ("here", "a.zip", identity("b")),
        ] {
            assert_eq!(contents.of(place, key, &which).unwrap(), None);
        }
        contents.keep("here", ("a.zip", &which), content(0, false)).unwrap();
        assert_eq!(contents.of("here", "a.zip", &which).unwrap(), Some(content(3, true)));
        let other = identity("b");
        contents.keep("here", ("a.zip", &other), content(0, false)).unwrap();
        assert_eq!(
            contents.of("here", "a.zip", &which).unwrap(),
            None,
            "another has its name"
        );
        assert_eq!(contents.of("here", "a.zip", &other).unwrap(), Some(content(0, false)));
    }

    #[test]
    fn those_that_nothing_is_known_of_any_more_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let contents = Contents::new(Arc::new(RealDisk), &StateDir::at(dir.path()));
        contents.retain(|| Ok(Vec::new())).unwrap();
        let which = identity("a");
        contents.keep("here", ("a.zip", &which), content(1, true)).unwrap();
        contents.keep("here", ("b.zip", &which), content(2, true)).unwrap();
        contents.retain(|| Ok(vec![Proof::named("here", "b.zip")])).unwrap();
        assert_eq!(contents.of("here", "a.zip", &which).unwrap(), None);
        assert!(contents.of("here", "b.zip", &which).unwrap().is_some());
        contents.forget("here", "b.zip").unwrap();
        contents.forget("here", "b.zip").unwrap();
        assert_eq!(RealDisk.list(&dir.path().join("contents")).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_rotted_knows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let contents = Contents::new(Arc::new(RealDisk), &StateDir::at(dir.path()));
        let which = identity("a");
        contents.keep("here", ("a.zip", &which), content(1, true)).unwrap();
        write_atomically(&RealDisk, &contents.path("here", "a.zip"), b"{\"pla").unwrap();
        assert_eq!(contents.of("here", "a.zip", &which).unwrap(), None);
    }
}
