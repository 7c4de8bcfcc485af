//! Bytes that are collected while an archive is written and needed at its end: the directory, the manifest, names of files.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bosbase_disk::{Disk, DiskFile};

/// Kept in memory up to here; beyond it, in a nameless file.
const IN_MEMORY: usize = 2 << 20;

/// An append-only buffer of bounded memory.
pub(crate) struct Spool<'a> {
    disk: &'a dyn Disk,
    dir: PathBuf,
    file: Option<Box<dyn DiskFile>>,
    in_file: u64,
    tail: Vec<u8>,
}

impl<'a> Spool<'a> {
    /// A spool whose overflow goes to a file in `dir`.
    pub(crate) fn new(disk: &'a dyn Disk, dir: &Path) -> Self {
        Self {
            disk,
            dir: dir.to_owned(),
            file: None,
            in_file: 0,
            tail: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tail.extend_from_slice(bytes);
        if self.tail.len() >= IN_MEMORY {
            if self.file.is_none() {
                self.file = Some(self.nameless_file()?);
            }
            if let Some(file) = &mut self.file {
                file.write_all(&self.tail)?;
                self.in_file += self.tail.len() as u64;
                self.tail.clear();
            }
        }
        Ok(())
    }

    /// Hands out what was collected and starts anew.
    pub(crate) fn take(&mut self) -> Self {
        let fresh = Self::new(self.disk, &self.dir);
        std::mem::replace(self, fresh)
    }

    pub(crate) fn len(&self) -> u64 {
        self.in_file + self.tail.len() as u64
    }

    /// Reads it from its start; may be done more than once.
    pub(crate) fn reader(&self) -> SpoolReader<'_> {
        SpoolReader { spool: self, at: 0 }
    }

    /// A file that is removed while it is open: whatever ends the process, nothing of it stays.
    fn nameless_file(&self) -> io::Result<Box<dyn DiskFile>> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        self.disk.create_dir_all(&self.dir)?;
        loop {
            let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = self.dir.join(format!(".spool-{}-{unique}.tmp", std::process::id()));
            match self.disk.create_new(&path) {
                Ok(file) => return self.disk.remove_file(&path).map(|()| file),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }
}

pub(crate) struct SpoolReader<'a> {
    spool: &'a Spool<'a>,
    at: u64,
}

impl Read for SpoolReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let spool = self.spool;
        let n = match &spool.file {
            Some(file) if self.at < spool.in_file => {
                let most = buf.len().min((spool.in_file - self.at) as usize);
                match file.read_at(self.at, &mut buf[..most])? {
                    0 if most > 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    n => n,
                }
            }
            _ => (&spool.tail[(self.at - spool.in_file) as usize..]).read(buf)?,
        };
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bosbase_disk::RealDisk;

    #[test]
    fn what_overflows_to_disk_comes_back_in_order_and_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(&RealDisk, dir.path());
        let mut expected = Vec::new();
        for n in 0..800_000_u64 {
            spool.push(&n.to_le_bytes()).unwrap();
            expected.extend_from_slice(&n.to_le_bytes());
        }
        assert_eq!(spool.len(), expected.len() as u64);
        assert_eq!(RealDisk.list(dir.path()).unwrap().count(), 0);
        for _ in 0..2 {
            let mut found = Vec::new();
            spool.reader().read_to_end(&mut found).unwrap();
            assert!(found == expected);
        }
    }
}
