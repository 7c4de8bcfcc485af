//! Backups in memory, for tests.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use jiff::Timestamp;

use super::{ArchiveSource, BackupInfo, StagedUpload, Storage, sort};
use crate::error::{Error, ErrorKind, Result};
use crate::key::BackupKey;

type Shelf = Arc<Mutex<BTreeMap<BackupKey, MemorySource>>>;

/// A storage that forgets everything with its process; like S3 it cannot read before it publishes.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage(Shelf);

/// Bytes in memory as an archive.
#[derive(Debug, Clone)]
pub struct MemorySource {
    bytes: Arc<Vec<u8>>,
    modified: Timestamp,
}

impl MemorySource {
    /// Wraps the bytes of an archive.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Arc::new(bytes),
            modified: Timestamp::now(),
        }
    }
}

impl ArchiveSource for MemorySource {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn etag(&self) -> String {
        blake3::hash(&self.bytes).to_hex()[..32].to_owned()
    }

    fn modified(&self) -> Timestamp {
        self.modified
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|at| self.bytes.get(at..))
            .unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

struct MemoryUpload {
    shelf: Shelf,
    key: BackupKey,
    bytes: Vec<u8>,
}

fn lock(shelf: &Shelf) -> MutexGuard<'_, BTreeMap<BackupKey, MemorySource>> {
    shelf.lock()
}

impl Storage for MemoryStorage {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn list(&self) -> Result<Vec<BackupInfo>> {
        let mut list: Vec<_> = lock(&self.0)
            .iter()
            .map(|(key, b)| BackupInfo {
                key: key.clone(),
                size: b.len(),
                modified: b.modified,
                etag: b.etag(),
            })
            .collect();
        sort(&mut list);
        Ok(list)
    }

    fn create(&self, key: &BackupKey, _expected: Option<u64>) -> Result<Box<dyn StagedUpload>> {
        if self.contains(key)? {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("the backup {key} already exists"),
            ));
        }
        Ok(Box::new(MemoryUpload {
            shelf: self.0.clone(),
            key: key.clone(),
            bytes: Vec::new(),
        }))
    }

    fn open(&self, key: &BackupKey) -> Result<Box<dyn ArchiveSource>> {
        match lock(&self.0).get(key) {
            Some(source) => Ok(Box::new(source.clone())),
            None => Err(Error::new(ErrorKind::NotFound, format!("there is no backup {key}"))),
        }
    }

    fn delete(&self, key: &BackupKey) -> Result<()> {
        match lock(&self.0).remove(key) {
            Some(_) => Ok(()),
            None => Err(Error::new(ErrorKind::NotFound, format!("there is no backup {key}"))),
        }
    }

    fn contains(&self, key: &BackupKey) -> Result<bool> {
        Ok(lock(&self.0).contains_key(key))
    }
}

impl Write for MemoryUpload {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StagedUpload for MemoryUpload {
    fn publish(self: Box<Self>) -> Result<BackupInfo> {
        let mut shelf = lock(&self.shelf);
        if shelf.contains_key(&self.key) {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("the backup {} already exists", self.key),
            ));
        }
        let source = MemorySource::new(self.bytes);
        let info = BackupInfo {
            key: self.key.clone(),
            size: source.len(),
            modified: source.modified,
            etag: source.etag(),
        };
        shelf.insert(self.key, source);
        Ok(info)
    }
}

#[cfg(test)]
mod tests {
    use bosbase_disk::{Disk as _, RealDisk};

    use super::*;
    use crate::{CheckFailure, CreateReport, DataDir, DatabaseSnapshot, NoProgress, NoSteps, Sources, create};

    struct Database(usize);

    impl DatabaseSnapshot for Database {
        fn name(&self) -> &'static str {
            "data.db"
        }
        fn len(&self) -> u64 {
            16
        }
        fn page_count(&self) -> u32 {
            1
        }
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let mut rest = &b"SQLite format 3\0"[self.0..];
            let n = io::Read::read(&mut rest, buf)?;
            self.0 += n;
            Ok(n)
        }
        fn integrity_check(&mut self) -> Result<(), CheckFailure> {
            Ok(())
        }
    }

    fn back_up(storage: &dyn Storage) -> Result<CreateReport> {
        let dir = tempfile::tempdir().unwrap();
        let sources = Sources {
            data_dir: DataDir::at(dir.path()),
            databases: vec![Box::new(Database(0))],
            required_files: Box::new(std::iter::empty()),
            remote_files: None,
        };
        let plan = create::plan(&RealDisk, &BackupKey::for_new("a.zip")?, Timestamp::now(), &sources)?;
        let created = create::perform(&RealDisk, &plan, sources, storage, &NoProgress, &NoSteps)?;
        let report = created.report().clone();
        created.prove(storage, &NoProgress, &NoSteps).map(|_| report)
    }

    #[test]
    fn a_backup_in_memory_is_listed_and_proven() {
        let storage = MemoryStorage::default();
        let report = back_up(&storage).unwrap();
        assert_eq!(storage.list().unwrap(), [report.backup]);
    }

    /// Hands out another backup than it was given.
    struct Swapped(MemoryStorage, MemorySource);

    impl Storage for Swapped {
        fn place(&self) -> String {
            self.0.place()
        }
        fn list(&self) -> Result<Vec<BackupInfo>> {
            self.0.list()
        }
        fn create(&self, key: &BackupKey, expected: Option<u64>) -> Result<Box<dyn StagedUpload>> {
            self.0.create(key, expected)
        }
        fn open(&self, _: &BackupKey) -> Result<Box<dyn ArchiveSource>> {
            Ok(Box::new(self.1.clone()))
        }
        fn delete(&self, key: &BackupKey) -> Result<()> {
            self.0.delete(key)
        }
        fn contains(&self, key: &BackupKey) -> Result<bool> {
            self.0.contains(key)
        }
    }

    #[test]
    fn one_that_reads_back_wrong_is_deleted_again() {
        /// Hands out other bytes than it was given.
        struct Forgetful(MemoryStorage);
        impl Storage for Forgetful {
            fn place(&self) -> String {
                self.0.place()
            }
            fn list(&self) -> Result<Vec<BackupInfo>> {
                self.0.list()
            }
            fn create(&self, key: &BackupKey, _expected: Option<u64>) -> Result<Box<dyn StagedUpload>> {
                self.0.create(key, None)
            }
            fn open(&self, key: &BackupKey) -> Result<Box<dyn ArchiveSource>> {
                let source = self.0.open(key)?;
                let mut bytes = vec![0; source.len() as usize];
                super::super::read_exact_at(source.as_ref(), 0, &mut bytes).unwrap();
                bytes[40] ^= 1;
                Ok(Box::new(MemorySource::new(bytes)))
            }
            fn delete(&self, key: &BackupKey) -> Result<()> {
                self.0.delete(key)
            }
            fn contains(&self, key: &BackupKey) -> Result<bool> {
                self.0.contains(key)
            }
        }
        let storage = Forgetful(MemoryStorage::default());
        assert_eq!(back_up(&storage).unwrap_err().kind(), ErrorKind::InvalidArchive);
        assert_eq!(storage.list().unwrap(), []);
    }

    /// Whole in itself, with a manifest that agrees, and not what was packed.
    #[test]
    fn one_that_lacks_a_file_that_was_packed_is_deleted_again() {
        let dir = tempfile::tempdir().unwrap();
        let storage = MemoryStorage::default();
        let other = back_up(&storage).unwrap().backup.key;
        let whole = lock(&storage.0).get(&other).unwrap().clone();
        storage.delete(&other).unwrap();
        RealDisk.create_dir_all(&dir.path().join("storage")).unwrap();
        bosbase_disk::write_atomically(&RealDisk, &dir.path().join("storage/file.txt"), b"x").unwrap();
        let sources = Sources {
            data_dir: DataDir::at(dir.path()),
            databases: vec![Box::new(Database(0))],
            required_files: Box::new(std::iter::empty()),
            remote_files: None,
        };
        let plan = create::plan(&RealDisk, &other, Timestamp::now(), &sources).unwrap();
        let swapped = Swapped(storage.clone(), whole);
        let created = create::perform(&RealDisk, &plan, sources, &swapped, &NoProgress, &NoSteps).unwrap();
        let error = created.prove(&swapped, &NoProgress, &NoSteps).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArchive);
        assert!(error.to_string().contains("1 of the 2 files"), "{error}");
        assert_eq!(storage.list().unwrap(), []);
    }

    #[test]
    fn memory_conforms() {
        crate::storage::conformance::run(&MemoryStorage::default());
    }
}
