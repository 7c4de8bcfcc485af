//! The notes beside uploaded files, found by the file's name: a file that is put elsewhere is put together with its
//! note, and the two may stand in the archive in any order.

use std::hash::{BuildHasher, RandomState};
use std::io::Read as _;

use super::directory::Directory;
use super::entry::{ArchiveEntry, EntryKind, Unpacker};
use super::reader::Archive;
use crate::data_dir::{NOTE_LIMIT, NOTE_SUFFIX};
use crate::error::{Context as _, Result};
use crate::remote_files::UploadedFile;

/// What is read of the archive at once: a note mostly stands beside its file, and so does the next.
const WINDOW: usize = 64 << 10;

/// Which uploaded files an archive holds, and where the notes are: eight bytes a file and sixteen a note.
pub(crate) struct Notes {
    hasher: RandomState,
    files: Vec<u64>,
    /// Of each note the hash of its file's name, and where its record in the archive's directory begins.
    notes: Vec<(u64, u64)>,
}

/// Reads notes; one per thread.
pub(crate) struct NoteReader<'a> {
    notes: &'a Notes,
    directory: Directory,
    unpacker: Unpacker,
}

impl Notes {
    /// Looks through an archive's directory.
    ///
    /// # Errors
    /// As [`Archive::entries`].
    pub(crate) fn of(archive: &Archive) -> Result<Self> {
        let mut found = Self {
            hasher: RandomState::new(),
            files: Vec::new(),
            notes: Vec::new(),
        };
        let mut directory = archive.directory();
        loop {
            let at = directory.position();
            let Some(entry) = directory.next().transpose()? else {
                break;
            };
            if uploaded(&entry).is_none() {
                continue;
            }
            let path = entry.path.as_str();
            found.files.push(found.hasher.hash_one(path));
            if let Some(file) = path.strip_suffix(NOTE_SUFFIX).filter(|_| entry.len <= NOTE_LIMIT) {
                found.notes.push((found.hasher.hash_one(file), at));
            }
        }
        found.files.sort_unstable();
        found.notes.sort_unstable();
        Ok(found)
    }

    /// Whether a file is the note of another that is in the archive, rather than uploaded itself under such a name.
    pub(crate) fn holds(&self, entry: &ArchiveEntry) -> bool {
        let file = entry.path.as_str().strip_suffix(NOTE_SUFFIX);
        entry.len <= NOTE_LIMIT
            && file.is_some_and(|file| self.files.binary_search(&self.hasher.hash_one(file)).is_ok())
    }

    pub(crate) fn reader(&self, archive: &Archive) -> NoteReader<'_> {
        NoteReader {
            notes: self,
            directory: archive.directory(),
            unpacker: archive.unpacker(WINDOW),
        }
    }
}

impl NoteReader<'_> {
    /// The note of a file; its length and CRC-32 are proven, its BLAKE3 only when its own entry is read.
    ///
    /// # Errors
    /// As [`Archive::read_all`].
    pub(crate) fn of(&mut self, file: &UploadedFile) -> Result<Option<Vec<u8>>> {
        let hash = self.notes.hasher.hash_one(file.path().as_str());
        let from = self.notes.notes.partition_point(|(of, _)| *of < hash);
        let candidates = self.notes.notes[from..].iter().take_while(|(of, _)| *of == hash);
        for (_, at) in candidates {
            let entry = self.directory.record_at(*at)?;
            if entry.path.as_str().strip_suffix(NOTE_SUFFIX) == Some(file.path().as_str()) {
                let mut note = Vec::with_capacity(entry.len as usize);
                self.unpacker
                    .open(&entry)?
                    .read_to_end(&mut note)
                    .context(|| format!("reading {} from the archive", entry.path))?;
                return Ok(Some(note));
            }
        }
        Ok(None)
    }
}

/// The uploaded file that an entry is, if it is one.
fn uploaded(entry: &ArchiveEntry) -> Option<UploadedFile> {
    UploadedFile::of(&entry.path).filter(|_| entry.kind == EntryKind::File)
}
