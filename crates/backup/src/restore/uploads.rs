//! The uploaded files of an archive whose data keeps them elsewhere.

use std::io::Read;

use crate::archive::{Archive, ArchiveEntry, EntryKind, NoteReader, Notes};
use crate::data_dir;
use crate::error::Result;
use crate::remote_files::{About, Putters, UploadedFile};

/// What goes elsewhere of an archive, and how.
pub(super) struct Uploads<'a, 'scope, 'env> {
    archive: &'a Archive,
    notes: Notes,
    putters: &'a Putters<'scope, 'env>,
}

impl<'a, 'scope, 'env> Uploads<'a, 'scope, 'env> {
    pub(super) fn new(archive: &'a Archive, putters: &'a Putters<'scope, 'env>) -> Result<Self> {
        Ok(Self {
            archive,
            notes: Notes::of(archive)?,
            putters,
        })
    }

    /// Finds notes; one for each thread.
    pub(super) fn note_reader(&self) -> NoteReader<'_> {
        self.notes.reader(self.archive)
    }

    /// Hands an uploaded file over with what is noted of it. Its note needs no more than being read, which its caller
    /// does.
    pub(super) fn put(
        &self,
        file: UploadedFile,
        entry: &ArchiveEntry,
        contents: &mut dyn Read,
        notes: &mut NoteReader<'_>,
    ) -> Result<()> {
        if self.notes.holds(entry) {
            return Ok(());
        }
        let about = About {
            len: entry.len,
            modified: entry.modified,
            note: notes.of(&file)?,
        };
        self.putters.put(file, about, contents)
    }
}

/// The uploaded file that an entry is; `None` for what is unpacked in any case, or not at all.
pub(super) fn of(entry: &ArchiveEntry) -> Option<UploadedFile> {
    UploadedFile::of(&entry.path).filter(|_| entry.kind == EntryKind::File && !data_dir::is_not_installed(&entry.path))
}
