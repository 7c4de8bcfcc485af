//! What must be true of all entries together: no two of one name, none inside a file, none sharing bytes with another.

use std::hash::{BuildHasher, RandomState};

use super::entry::{ArchiveEntry, EntryKind};
use super::record::LOCAL_LEN;
use crate::error::{Error, Result};

/// More entries than this are refused: each costs a few bytes of memory to check.
const MAX_ENTRIES: u64 = 5_000_000;
/// More folders are refused: a name of 4,000 bytes may name 2,000 of them.
const MAX_FOLDERS: usize = 5_000_000;

/// Collects what is needed of each entry: eight to thirty bytes, with a name of any length.
///
/// Names are kept as keyed 64-bit hashes. Equal names have equal hashes, so no duplicate slips through; two different
/// names meet once in 10^19 / n² archives, and then not again at the next try, whose key is another.
pub(super) struct Structure {
    hasher: RandomState,
    files: Vec<u64>,
    directories: Vec<u64>,
    ancestors: Vec<u64>,
    /// Start and least end of each entry's bytes; kept only once they come out of order.
    spans: Vec<(u64, u64)>,
    entries: u64,
    max_folders: usize,
    too_many_folders: bool,
}

impl Structure {
    pub(super) fn new(entries: u64) -> Result<Self> {
        if entries > MAX_ENTRIES {
            return Err(Error::archive(format!(
                "the archive has {entries} entries; at most {MAX_ENTRIES} are read"
            )));
        }
        Ok(Self {
            hasher: RandomState::new(),
            files: Vec::new(),
            directories: Vec::new(),
            ancestors: Vec::new(),
            spans: Vec::new(),
            entries: 0,
            max_folders: MAX_FOLDERS,
            too_many_folders: false,
        })
    }

    pub(super) fn add(&mut self, entry: &ArchiveEntry) {
        let hash = self.hasher.hash_one(entry.path.as_str());
        match entry.kind {
            EntryKind::File => self.files.push(hash),
            EntryKind::Directory => self.directories.push(hash),
        }
        for ancestor in entry.path.ancestors() {
            let hash = self.hasher.hash_one(ancestor);
            // Neighbours mostly share their folders.
            if !self.ancestors.iter().rev().take(8).any(|known| *known == hash) {
                self.ancestors.push(hash);
            }
        }
        // Half of the bound is what came since duplicates were last dropped, so that sorting costs little per name.
        if self.ancestors.len() > 2 * self.max_folders {
            self.ancestors.sort_unstable();
            self.ancestors.dedup();
            if self.ancestors.len() > self.max_folders {
                self.too_many_folders = true;
                self.ancestors.clear();
            }
        }
        let end = entry.offset + (LOCAL_LEN + entry.path.as_str().len()) as u64 + entry.packed_len;
        match self.spans.last_mut() {
            // Entries in order melt into one span; a gap between two is harmless and counts as part of it.
            Some(last) if entry.offset >= last.1 => last.1 = end,
            _ => self.spans.push((entry.offset, end)),
        }
        self.entries += 1;
    }

    /// Checks all that was collected.
    pub(super) fn check(mut self) -> Result<()> {
        if self.too_many_folders {
            return Err(Error::archive(format!(
                "the archive has more than {} folders",
                self.max_folders
            )));
        }
        for names in [&mut self.files, &mut self.directories, &mut self.ancestors] {
            names.sort_unstable();
        }
        let twice = |names: &[u64]| names.windows(2).any(|pair| pair[0] == pair[1]);
        if twice(&self.files) || twice(&self.directories) {
            return Err(Error::archive("two entries of the archive have the same name"));
        }
        let taken = |names: &[u64]| self.files.iter().any(|file| names.binary_search(file).is_ok());
        if taken(&self.directories) || taken(&self.ancestors) {
            return Err(Error::archive("a name in the archive is both a file and a directory"));
        }
        self.spans.sort_unstable();
        if self.spans.windows(2).any(|pair| pair[0].1 > pair[1].0) {
            return Err(Error::archive("entries of the archive overlap"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::STORED;
    use super::*;
    use crate::entry_path::EntryPath;

    fn entry(name: &str, offset: u64) -> ArchiveEntry {
        ArchiveEntry {
            path: EntryPath::new(name).unwrap(),
            kind: EntryKind::File,
            len: 0,
            packed_len: 0,
            modified: None,
            mode: None,
            is_manifest: false,
            offset,
            crc: 0,
            method: STORED,
            flags: 0,
        }
    }

    /// An archive of a gigabyte whose names are nothing but folders took four gigabytes of memory to refuse.
    #[test]
    fn folders_take_a_bounded_memory_however_deep_the_names_are() {
        let check = |name: &dyn Fn(u64) -> String| {
            let mut structure = Structure::new(1000).unwrap();
            structure.max_folders = 100;
            for n in 0..1000 {
                structure.add(&entry(&name(n), n * 8000));
                assert!(structure.ancestors.len() <= 200 + 2000, "{}", structure.ancestors.len());
            }
            structure.check()
        };
        let refused = check(&|n| format!("{n}/{}x", "a/".repeat(1900)));
        assert!(refused.unwrap_err().to_string().contains("folders"));
        assert!(check(&|n| format!("a/b/c{}/d/e/f/g/h/i/j/{n}", n % 5)).is_ok());
    }
}
