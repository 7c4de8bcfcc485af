//! Backups as files in a folder, `backups/` in the data directory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bosbase_disk::{Disk, DiskFile, FileKind, Metadata};
use jiff::Timestamp;

use super::{ArchiveSource, BackupInfo, StagedUpload, Storage, sort};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::key::BackupKey;

/// Marks what is still being written; hidden, so no list shows it.
const TEMPORARY_PREFIX: &str = ".bosbase-upload-";

/// Backups in a folder of a local file system.
#[derive(Debug, Clone)]
pub struct LocalStorage {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl LocalStorage {
    /// Keeps backups in `dir`, which is made when first needed.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        Self { disk, dir }
    }

    /// Removes what killed processes left half-written; returns how many there were. Only for the holder of the lease:
    /// it would take a running upload away.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn clean(&self) -> Result<usize> {
        let mut removed = 0;
        let entries = match self.disk.list(&self.dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
            other => other.context(|| self.listing())?,
        };
        for entry in entries {
            let entry = entry.context(|| self.listing())?;
            if entry.name.as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes()) {
                let path = self.dir.join(&entry.name);
                self.disk
                    .remove_file(&path)
                    .context(|| format!("removing {}", path.display()))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, key: &BackupKey) -> PathBuf {
        self.dir.join(key.as_str())
    }

    fn listing(&self) -> String {
        format!("listing the backups in {}", self.dir.display())
    }

    /// The metadata of a backup, `None` if there is none of that name.
    fn find(&self, key: &BackupKey) -> Result<Option<Metadata>> {
        match self.disk.metadata(&self.path(key)) {
            Ok(m) => Ok(Some(m).filter(|m| m.kind == FileKind::File)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::with(ErrorKind::Io, format!("looking for the backup {key}"), e)),
        }
    }

    /// Makes the folder if it is not there yet; durably, or a power cut would take it and all in it back.
    fn make_dir(&self) -> io::Result<()> {
        if self.disk.exists(&self.dir)? {
            return Ok(());
        }
        self.disk.create_dir_all(&self.dir)?;
        match self.dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.disk.sync_dir(parent),
            _ => Ok(()),
        }
    }

    /// A temporary name that nobody else uses, and its file.
    fn temporary(&self) -> io::Result<(PathBuf, Box<dyn DiskFile>)> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let unique = format!("{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
            let path = self.dir.join(format!("{TEMPORARY_PREFIX}{unique}.tmp"));
            match self.disk.create_streamed(&path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
                Ok(mut file) => {
                    // A proof and a download follow: they find it in the cache, as it lies on the medium.
                    file.read_back();
                    return Ok((path, file));
                }
            }
        }
    }
}

impl Storage for LocalStorage {
    fn place(&self) -> String {
        // Wherever the data directory is moved to, it takes them along.
        "local".to_owned()
    }

    fn list(&self) -> Result<Vec<BackupInfo>> {
        let entries = match self.disk.list(&self.dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.context(|| self.listing())?,
        };
        let mut list = Vec::new();
        for entry in entries {
            let entry = entry.context(|| self.listing())?;
            let Some(key) = entry.name.to_str().and_then(|name| BackupKey::existing(name).ok()) else {
                continue;
            };
            // One that is deleted between the two questions is not there any more.
            let Some(metadata) = self.find(&key)? else { continue };
            list.push(info(key, &metadata)?);
        }
        sort(&mut list);
        Ok(list)
    }

    fn create(&self, key: &BackupKey, _expected: Option<u64>) -> Result<Box<dyn StagedUpload>> {
        let attempted = || format!("starting the backup {key}");
        if self.contains(key)? {
            return Err(taken(key));
        }
        self.make_dir().context(attempted)?;
        let (temporary, file) = self.temporary().context(attempted)?;
        Ok(Box::new(LocalUpload {
            storage: self.clone(),
            key: key.clone(),
            temporary,
            file: Some(file),
        }))
    }

    fn open(&self, key: &BackupKey) -> Result<Box<dyn ArchiveSource>> {
        if self.find(key)?.is_none() {
            return Err(missing(key));
        }
        match self.disk.open(&self.path(key)).and_then(LocalSource::new) {
            Ok(source) => Ok(Box::new(source)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(missing(key)),
            Err(e) => Err(Error::with(ErrorKind::Io, format!("opening the backup {key}"), e)),
        }
    }

    fn delete(&self, key: &BackupKey) -> Result<()> {
        if self.find(key)?.is_none() {
            return Err(missing(key));
        }
        match self
            .disk
            .remove_file(&self.path(key))
            .and_then(|()| self.disk.sync_dir(&self.dir))
        {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(missing(key)),
            Err(e) => Err(Error::with(ErrorKind::Io, format!("deleting the backup {key}"), e)),
        }
    }

    fn contains(&self, key: &BackupKey) -> Result<bool> {
        // Anything that bears the name takes it, also a folder.
        self.disk
            .exists(&self.path(key))
            .context(|| format!("looking for the backup {key}"))
    }
}

fn taken(key: &BackupKey) -> Error {
    Error::new(ErrorKind::AlreadyExists, format!("the backup {key} already exists"))
}

fn missing(key: &BackupKey) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no backup {key}"))
}

fn info(key: BackupKey, metadata: &Metadata) -> Result<BackupInfo> {
    let modified = Timestamp::try_from(metadata.modified)
        .map_err(|e| Error::with(ErrorKind::Io, format!("reading the time of the backup {key}"), e))?;
    Ok(BackupInfo {
        key,
        size: metadata.len,
        modified,
        etag: etag(metadata.inode, metadata.len, modified),
    })
}

/// Tells a file from others that had, or will have, its name.
fn etag(inode: u64, len: u64, modified: Timestamp) -> String {
    format!("{inode:x}-{len:x}-{:x}", modified.as_nanosecond())
}

/// A temporary file on its way to become a backup.
struct LocalUpload {
    storage: LocalStorage,
    key: BackupKey,
    temporary: PathBuf,
    file: Option<Box<dyn DiskFile>>,
}

impl LocalUpload {
    fn file(&mut self) -> &mut dyn DiskFile {
        self.file
            .as_deref_mut()
            .expect("only `publish` takes the file, and it consumes the upload")
    }
}

impl Write for LocalUpload {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

impl StagedUpload for LocalUpload {
    fn preview(&mut self) -> Result<Option<Box<dyn ArchiveSource>>> {
        let attempted = format!("looking at the backup {}", self.key);
        self.file().flush().context(|| attempted.clone())?;
        let file = self.storage.disk.open(&self.temporary).and_then(LocalSource::new);
        let source = file.context(|| attempted)?;
        Ok(Some(Box::new(source)))
    }

    fn publish(mut self: Box<Self>) -> Result<BackupInfo> {
        let (disk, key) = (self.storage.disk.clone(), self.key.clone());
        let attempted = || format!("publishing the backup {key}");
        self.file().flush().context(attempted)?;
        self.file().sync().context(attempted)?;
        let metadata = self.file().metadata().context(attempted)?;
        let target = self.storage.path(&key);
        disk.rename_new(&self.temporary, &target).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => taken(&key),
            _ => Error::with(ErrorKind::Io, attempted(), e),
        })?;
        self.file = None;
        if let Err(e) = disk.sync_dir(&self.storage.dir) {
            // It stands there, but might be gone after a power cut: a backup that is not sure to last is not listed.
            let _ = disk.remove_file(&target);
            return Err(e).context(attempted);
        }
        info(key, &metadata)
    }
}

impl Drop for LocalUpload {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Best effort: `clean` removes it at the next start.
            let _ = self.storage.disk.remove_file(&self.temporary);
        }
    }
}

/// An open backup file.
#[derive(Debug)]
struct LocalSource {
    file: Box<dyn DiskFile>,
    len: u64,
    modified: Timestamp,
    inode: u64,
}

impl LocalSource {
    fn new(file: Box<dyn DiskFile>) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let modified = Timestamp::try_from(metadata.modified).map_err(io::Error::other)?;
        Ok(Self {
            file,
            len: metadata.len,
            modified,
            inode: metadata.inode,
        })
    }
}

impl ArchiveSource for LocalSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn etag(&self) -> String {
        etag(self.inode, self.len, self.modified)
    }

    fn modified(&self) -> Timestamp {
        self.modified
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buf)
    }

    fn read_cached_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<Option<usize>> {
        self.file.read_cached_at(offset, buf)
    }

    fn read_from_medium(&self) {
        self.file.read_from_medium();
    }

    fn read_in_portions(&self) {
        self.file.read_in_portions();
    }
}

/// Opens any archive file on a local disk, wherever it lies, as `verify` and `import` on the command line do.
///
/// # Errors
/// [`ErrorKind::NotFound`], [`ErrorKind::Io`].
pub fn open_file(disk: &dyn Disk, path: &Path) -> Result<Box<dyn ArchiveSource>> {
    match disk.open(path).and_then(LocalSource::new) {
        Ok(source) => Ok(Box::new(source)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Error::with(
            ErrorKind::NotFound,
            format!("opening {}", path.display()),
            e,
        )),
        Err(e) => Err(Error::with(ErrorKind::Io, format!("opening {}", path.display()), e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::conformance;
    use bosbase_disk::RealDisk;

    #[test]
    fn a_local_folder_conforms() {
        let dir = tempfile::tempdir().unwrap();
        conformance::run(&LocalStorage::new(Arc::new(RealDisk), dir.path().join("backups")));
    }

    #[test]
    fn leftovers_are_never_listed_and_ours_are_cleaned() {
        let dir = tempfile::tempdir().unwrap();
        let storage = LocalStorage::new(Arc::new(RealDisk), dir.path().to_owned());
        for name in [
            "a.zip",
            "a.zip.1f2e.tmp",
            "a.zip.attrs",
            ".bosbase-upload-1-1.tmp",
            ".hidden.zip",
        ] {
            std::fs::write(dir.path().join(name), b"x").unwrap();
        }
        std::fs::create_dir(dir.path().join("folder.zip")).unwrap();
        let keys: Vec<_> = storage.list().unwrap().into_iter().map(|b| b.key.to_string()).collect();
        assert_eq!(keys, ["a.zip"]);
        assert_eq!(storage.clean().unwrap(), 1);
        assert!(!dir.path().join(".bosbase-upload-1-1.tmp").exists());
        assert!(
            dir.path().join("a.zip.1f2e.tmp").exists(),
            "what others left is not ours to remove"
        );
    }
}
