//! Backups in memory, for tests.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Storage for MemoryStorage {
    fn list(&self) -> Result<Vec<BackupInfo>> {
        let mut list: Vec<_> = lock(&self.0)
            .iter()
            .map(|(key, b)| BackupInfo {
                key: key.clone(),
                size: b.len(),
                modified: b.modified,
            })
            .collect();
        sort(&mut list);
        Ok(list)
    }

    fn create(&self, key: &BackupKey) -> Result<Box<dyn StagedUpload>> {
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
    fn read_back(&mut self) -> Result<Option<Box<dyn ArchiveSource>>> {
        Ok(None)
    }

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
        };
        shelf.insert(self.key, source);
        Ok(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_conforms() {
        crate::storage::conformance::run(&MemoryStorage::default());
    }
}
