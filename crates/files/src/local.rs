//! The uploaded files that lie in the data directory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bosbase_backup::{DataDir, Notes, StateDir};
use bosbase_disk::{Disk, NewFile, read_all, write_atomically};
use bosbase_store::random_text;

use super::attributes::Attributes;
use super::sniff;
use super::stored::{Content, StoredFile};
use super::upload::{Receiving, Upload};

/// The folders of uploaded files in a data directory: receives, puts in place, opens and removes single files.
pub(super) struct LocalFiles {
    disk: Arc<dyn Disk>,
    data_dir: DataDir,
    state: StateDir,
}

impl LocalFiles {
    pub(super) fn new(disk: Arc<dyn Disk>, data_dir: &DataDir) -> Self {
        Self {
            disk,
            data_dir: data_dir.clone(),
            state: data_dir.state(),
        }
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// The folder of what is ours alone.
    pub(super) fn state(&self) -> &StateDir {
        &self.state
    }

    /// The folder of a collection's files.
    ///
    /// # Errors
    ///
    /// `NotFound` where that can't be the name of a folder.
    pub(super) fn collection_dir(&self, collection: &str) -> io::Result<PathBuf> {
        Ok(self.data_dir.storage().join(component(collection)?))
    }

    /// The folder of a record's files.
    ///
    /// # Errors
    ///
    /// `NotFound` where that can't be the name of a folder.
    pub(super) fn record_dir(&self, collection: &str, record: &str) -> io::Result<PathBuf> {
        Ok(self.collection_dir(collection)?.join(component(record)?))
    }

    /// The notes of files that go to the bucket in parts.
    pub(super) fn notes(&self) -> Notes {
        uploads_in(self.disk.clone(), &self.state)
    }

    /// Begins to receive a file that its sender calls `original_name`.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn receive(&self, original_name: &str) -> io::Result<Receiving> {
        let dir = self.state.uploads();
        self.disk.create_dir_all(&dir)?;
        let path = dir.join(random_text(30, b"abcdefghijklmnopqrstuvwxyz0123456789"));
        Receiving::start(self.disk.clone(), path, self.state.to_path_buf(), original_name)
    }

    /// Opens a stored file that lies in the data directory.
    ///
    /// # Errors
    ///
    /// `NotFound`; any other error of the file system.
    pub fn open(&self, collection: &str, record: &str, name: &str) -> io::Result<StoredFile> {
        self.open_in(&self.record_dir(collection, record)?, name)
    }

    /// Opens a file with a note beside it, in the folder `dir`.
    ///
    /// # Errors
    ///
    /// `NotFound`; whatever the file system says.
    pub(super) fn open_in(&self, dir: &Path, name: &str) -> io::Result<StoredFile> {
        let disk = self.disk.as_ref();
        let path = dir.join(component(name)?);
        let file = disk.open(&path)?;
        let metadata = file.metadata()?;
        let content_type = match self.attributes(&path) {
            Some(attributes) if !attributes.content_type.is_empty() => attributes.content_type,
            // Stored by something that leaves no notes.
            _ => {
                let mut head = vec![0; sniff::HEAD];
                let read = file.read_at(0, &mut head)?;
                head.truncate(read);
                sniff::detect(&head, metadata.len <= read as u64).mime
            }
        };
        let nanos = metadata
            .modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        Ok(StoredFile {
            len: metadata.len,
            modified: metadata.modified,
            etag: format!("{:x}-{nanos:x}", metadata.len),
            content_type,
            content: Content::Disk(file),
        })
    }

    /// What is noted beside the file at `path`. A note is a convenience: without a readable one the file speaks for
    /// itself.
    fn attributes(&self, path: &Path) -> Option<Attributes> {
        let mut note = path.as_os_str().to_owned();
        note.push(Attributes::SUFFIX);
        let bytes = read_all(self.disk.as_ref(), Path::new(&note), Attributes::LIMIT).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Puts an upload in the folder `dir`; durable once that is synced. One that is there already stays.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub(super) fn place_one(&self, dir: &Path, upload: &Upload) -> io::Result<()> {
        let disk = self.disk();
        let target = dir.join(upload.name());
        // A change that starts over, since somebody else changed the record meanwhile, has placed it before: the name
        // is no other upload's.
        if disk.exists(&target)? {
            return Ok(());
        }
        let attributes = Attributes::new(upload.content_type(), upload.original_name());
        write_atomically(
            disk,
            &dir.join(format!("{}{}", upload.name(), Attributes::SUFFIX)),
            &serde_json::to_vec(&attributes)?,
        )?;
        match disk.rename_new(upload.path(), &target) {
            // `storage` may be a mount of its own.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let mut copy = NewFile::create(disk, &target)?;
                io::copy(&mut disk.open(upload.path())?, &mut copy)?;
                copy.publish()
            }
            other => other,
        }
    }

    /// Makes the folder of a record, durable up to the data directory.
    pub(super) fn make_dir(&self, dir: &Path) -> io::Result<()> {
        let disk = self.disk();
        if disk.exists(dir)? {
            return Ok(());
        }
        disk.create_dir_all(dir)?;
        for parent in dir.ancestors().skip(1) {
            disk.sync_dir(parent)?;
            if *parent == *self.data_dir {
                break;
            }
        }
        Ok(())
    }

    /// Removes a file with its note and thumbnails. One that is not there is fine.
    pub(super) fn remove_one(&self, dir: &Path, name: &str) -> io::Result<()> {
        let disk = self.disk.as_ref();
        // Names come out of the database, and that may come from anywhere.
        let Ok(name) = component(name) else {
            return Ok(());
        };
        for name in [name.to_owned(), format!("{name}{}", Attributes::SUFFIX)] {
            match disk.remove_file(&dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        disk.remove_dir_all(&dir.join(format!("thumbs_{name}")))
    }

    /// Removes the folder of a record that has no files left.
    pub(super) fn remove_empty(&self, dir: &Path) -> io::Result<()> {
        match self.disk.remove_dir(dir) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }
}

/// The notes of files that go to a bucket in parts; `state` is the folder that is ours alone.
pub(super) fn uploads_in(disk: Arc<dyn Disk>, state: &StateDir) -> Notes {
    Notes::new(disk, state.file_uploads())
}

/// `name` where it is one name in a folder and nothing else.
pub(super) fn component(name: &str) -> io::Result<&str> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "not the name of a file"));
    }
    Ok(name)
}
