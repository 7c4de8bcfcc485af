//! Which files an archive holds.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use crate::archive::{Archive, ArchiveEntry, EntryKind};
use crate::error::{Error, Result};

/// The names of files: a hash of eight bytes for each.
pub(crate) struct PackedNames {
    pub(crate) hasher: RandomState,
    pub(crate) hashes: HashSet<u64>,
}

impl PackedNames {
    /// Those in an archive, each entry of which is shown to `visit`.
    pub(crate) fn of(archive: &Archive, mut visit: impl FnMut(&ArchiveEntry)) -> Result<Self> {
        let mut names = Self {
            hasher: RandomState::new(),
            hashes: HashSet::new(),
        };
        for entry in archive.entries() {
            let entry = entry?;
            visit(&entry);
            if entry.kind == EntryKind::File {
                names.hashes.insert(names.hasher.hash_one(entry.path.as_str()));
            }
        }
        Ok(names)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.hashes.contains(&self.hasher.hash_one(name))
    }

    /// Fails unless these are the names of exactly the files that are in `archive`; each entry is shown to `visit`.
    pub(crate) fn require(&self, archive: &Archive, mut visit: impl FnMut(&ArchiveEntry)) -> Result<()> {
        let mut files = 0;
        for entry in archive.entries() {
            let entry = entry?;
            visit(&entry);
            if entry.kind == EntryKind::File {
                files += 1;
                if !self.has(entry.path.as_str()) {
                    return Err(Error::archive(format!(
                        "the archive holds {}, which nobody packed",
                        entry.path
                    )));
                }
            }
        }
        if files == self.hashes.len() {
            return Ok(());
        }
        Err(Error::archive(format!(
            "the archive holds {files} of the {} files that were packed",
            self.hashes.len()
        )))
    }
}
