//! The files of a backup that belong to records.

use std::collections::HashMap;

use bosbase_backup::archive::ArchiveEntry;
use bosbase_store::FileReference;

use crate::error::Result;
use crate::files::{Attributes, FileStore, Upload};
use crate::jobs::{Looked, path_of};
use crate::records::disk_error;

/// Files of a backup by their paths, with the notes beside them.
pub(super) struct PackedFiles<'a> {
    looked: &'a Looked,
    entries: HashMap<String, ArchiveEntry>,
}

impl<'a> PackedFiles<'a> {
    /// Those of `paths` that the backup has.
    pub(super) fn find(looked: &'a Looked, paths: &std::collections::HashSet<String>) -> Result<Self> {
        let mut entries = HashMap::new();
        if !paths.is_empty() {
            let is_wanted = |path: &str| {
                paths.contains(path)
                    || path
                        .strip_suffix(Attributes::SUFFIX)
                        .is_some_and(|file| paths.contains(file))
            };
            let found = looked.files(is_wanted)?;
            entries = found
                .into_iter()
                .map(|entry| (entry.path.as_str().to_owned(), entry))
                .collect();
        }
        Ok(Self { looked, entries })
    }

    /// The length of the file at `path`, where it is there.
    pub(super) fn len(&self, path: &str) -> Option<u64> {
        self.entries.get(path).map(|entry| entry.len)
    }

    /// Writes the file at `path` to `to`; nothing where it is not there.
    pub(super) fn write(&self, path: &str, to: &mut dyn std::io::Write) -> Result<()> {
        match self.entries.get(path) {
            Some(entry) => self.looked.unpack(entry, to),
            None => Ok(()),
        }
    }

    /// Receives the file at `path`, which is to be stored as `name`; none where it is not there.
    pub(super) fn receive(&self, path: &str, name: &str, files: &FileStore) -> Result<Option<Upload>> {
        let Some(entry) = self.entries.get(path) else {
            return Ok(None);
        };
        let note = self.note(path)?.unwrap_or_default();
        let mut receiving = files.receive(note.original_name()).map_err(disk_error)?;
        self.looked.unpack(entry, &mut receiving)?;
        let upload = receiving.finish_as(name, &note.content_type).map_err(disk_error)?;
        Ok(Some(upload))
    }

    fn note(&self, path: &str) -> Result<Option<Attributes>> {
        let note = self.entries.get(&format!("{path}{}", Attributes::SUFFIX));
        let Some(note) = note.filter(|note| note.len <= Attributes::LIMIT) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        self.looked.unpack(note, &mut bytes)?;
        Ok(Attributes::read(&bytes))
    }
}

/// Where a file of a record lies in a backup.
pub(super) fn path(collection: &str, record: &str, name: &str) -> String {
    path_of(&FileReference {
        collection_id: collection.to_owned(),
        record_id: record.to_owned(),
        file_name: name.to_owned(),
    })
}
