//! What an archive holds, as far as its directory and its manifest tell: which program made it and when, its databases,
//! and how many uploaded files it has of which collection. Nothing of it is proven before the archive was read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::archive::{ArchiveEntry, EntryKind, ManifestHeader};
use crate::data_dir::{NOTE_LIMIT, NOTE_SUFFIX};
use crate::remote_files::UploadedFile;

/// Folders of uploaded files that are told apart; those of further ones are counted together with the others.
const MOST_FOLDERS: usize = 2_000;
/// Databases that are named; an application has two.
const MOST_DATABASES: usize = 16;

/// How much of a program's name is kept, in characters: nobody vouches for it.
const LONGEST_PROGRAM: usize = 100;

/// Files, and the bytes in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Files {
    /// How many.
    pub count: u64,
    /// Their lengths together, in bytes, unpacked.
    pub bytes: u64,
}

impl Files {
    /// Counts one of `len` bytes.
    pub fn add(&mut self, len: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(len);
    }
}

/// What an archive holds. At the most some 2,000 names, however many entries there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Name and version of the program that made it; nothing where it has no manifest, as PocketBase's.
    pub program: Option<String>,
    /// The version of its format; nothing where it has no manifest.
    pub format: Option<u32>,
    /// When the snapshot was taken; nothing where it has no manifest.
    pub created: Option<Timestamp>,
    /// The databases by name, with their lengths in bytes, unpacked.
    pub databases: Vec<(String, u64)>,
    /// The uploaded files by the folder of `storage/` that they lie in, which is their collection's id. Notes beside
    /// them and thumbnails are none.
    pub folders: BTreeMap<String, Files>,
    /// All uploaded files, also those of folders beyond the number that is told apart.
    pub uploaded: Files,
    /// All else but the databases and the manifest.
    pub others: Files,
}

impl Inventory {
    /// Counts one entry; `databases` are the names of those at the archive's root.
    pub(crate) fn add(&mut self, entry: &ArchiveEntry, databases: &[&str]) {
        if entry.kind != EntryKind::File {
            return;
        }
        let path = entry.path.as_str();
        if databases.contains(&path) && self.databases.len() < MOST_DATABASES {
            self.databases.push((path.to_owned(), entry.len));
            return;
        }
        match UploadedFile::of(&entry.path).filter(|_| !is_note(path, entry.len)) {
            Some(file) => {
                self.uploaded.add(entry.len);
                let [folder, ..] = file.parts();
                if let Some(files) = self.folders.get_mut(folder) {
                    files.add(entry.len);
                } else if self.folders.len() < MOST_FOLDERS {
                    self.folders.entry(folder.to_owned()).or_default().add(entry.len);
                }
            }
            None => self.others.add(entry.len),
        }
    }

    /// Takes over what the manifest says, after the archive was held against it.
    pub(crate) fn describe(&mut self, manifest: Option<&ManifestHeader>) {
        let Some(manifest) = manifest else { return };
        self.program = Some(manifest.program.chars().take(LONGEST_PROGRAM).collect());
        self.format = Some(manifest.format);
        self.created = Some(manifest.created);
    }
}

/// Whether a file of this path and length counts as the note beside an uploaded one.
#[must_use]
pub fn is_note(path: &str, len: u64) -> bool {
    path.ends_with(NOTE_SUFFIX) && len <= NOTE_LIMIT
}
