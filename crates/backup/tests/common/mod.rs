//! What the tests from outside share: folders that pose as data directories.
#![allow(dead_code, reason = "each test program uses its part")]

pub mod files;
pub mod house;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bosbase_backup::restore::StagedCheck;
use bosbase_backup::{
    Archive, BackupKey, CheckFailure, CreateReport, DatabaseSnapshot, LocalStorage, NoProgress, NoSteps, Proof, Result,
    Sources, Storage, create,
};
use bosbase_disk::RealDisk;

/// All files of a folder by their path.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// A new folder, in memory where that can be had: what is durable is simulated.
pub fn folder_in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.unwrap()
}

/// Bytes that pose as a pinned database.
pub struct Bytes(pub &'static str, pub Vec<u8>, usize);

impl Bytes {
    pub fn database(name: &'static str, len: usize) -> Box<Self> {
        let mut bytes = b"SQLite format 3\0".to_vec();
        bytes.extend((0..len).map(|n| (n / 7 % 251) as u8));
        Box::new(Self(name, bytes, 0))
    }
}

impl DatabaseSnapshot for Bytes {
    fn name(&self) -> &str {
        self.0
    }
    fn len(&self) -> u64 {
        self.1.len() as u64
    }
    fn page_count(&self) -> u32 {
        1
    }
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = buf.len().min(self.1.len() - self.2).min(10_000);
        buf[..n].copy_from_slice(&self.1[self.2..self.2 + n]);
        self.2 += n;
        Ok(n)
    }
    fn integrity_check(&mut self) -> std::result::Result<(), CheckFailure> {
        Ok(())
    }
}

pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

pub fn put(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Every file below a folder but those in the folders that are skipped.
pub fn tree(dir: &Path, skip: &[&str]) -> Tree {
    fn walk(dir: &Path, prefix: &str, skip: &[&str], out: &mut Tree) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            let last = name.rsplit('/').next().unwrap();
            if skip.iter().any(|s| name == *s || last.starts_with(s)) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{name}/"), skip, out);
            } else {
                out.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut out = Tree::new();
    walk(dir, "", skip, &mut out);
    out
}

/// What a restore may change.
pub fn data(dir: &Path) -> Tree {
    tree(dir, &["backups", ".bosbase", ".bosbase-undo-"])
}

pub fn storage(dir: &Path) -> LocalStorage {
    LocalStorage::new(Arc::new(RealDisk), dir.join("backups"))
}

pub fn make(dir: &Path, name: &str, sources: Sources<'_>) -> Result<(CreateReport, Proof)> {
    let plan = create::plan(
        &RealDisk,
        &BackupKey::existing(name).unwrap(),
        jiff::Timestamp::now(),
        &sources,
    )?;
    let storage = storage(dir);
    let created = create::perform(&RealDisk, &plan, sources, &storage, &NoProgress, &NoSteps)?;
    let report = created.report().clone();
    Ok((report, created.prove(&storage, &NoProgress, &NoSteps)?))
}

pub fn open(dir: &Path, name: &str) -> Result<Archive> {
    Archive::open(Arc::from(storage(dir).open(&BackupKey::existing(name).unwrap())?))
}

/// Finds fault with nothing.
pub struct Fine;

impl StagedCheck for Fine {
    fn check_and_upgrade(
        &self,
        dir: &Path,
        _: &Arc<AtomicBool>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        assert!(dir.join("data.db").is_file());
        Ok(())
    }
}
