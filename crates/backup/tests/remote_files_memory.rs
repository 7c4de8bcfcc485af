//! Memory does not grow with the number or the size of files that lie elsewhere. Alone in its program: it looks at the
//! whole of it.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bosbase_backup::remote_files::{About, Opened, Put, Putting, Source, Target, UploadedFile};
use bosbase_backup::restore::{Site, StagedCheck, stage};
use bosbase_backup::{BackupKey, DataDir, NoProgress, NoSteps, Result, Sources};
use bosbase_disk::RealDisk;

use common::{Bytes, open};

const FILES: u64 = 100_000;
/// Of so many files one is long.
const LONG_EVERY: u64 = 10_000;
const LONG: u64 = 24 << 20;

/// As many files as one likes, made up as they are asked for, and forgotten as they are put.
struct MadeUp(AtomicU64, AtomicU64);

fn len_of(file: &UploadedFile) -> u64 {
    let [_, record, _] = file.parts();
    let n: u64 = record[1..].parse().unwrap();
    if n.is_multiple_of(LONG_EVERY) { LONG } else { n % 3000 }
}

impl Source for MadeUp {
    fn open(&self, file: &UploadedFile) -> Result<Option<Opened>> {
        let len = len_of(file);
        Ok(Some(Opened {
            len,
            modified: None,
            note: Some(vec![b' '; 200]),
            contents: Box::new(io::repeat(b'x').take(len)),
        }))
    }
}

impl Target for &'static MadeUp {
    fn begin(&self, file: &UploadedFile, about: &About) -> Result<Box<dyn Putting + '_>> {
        assert_eq!(about.len, len_of(file));
        assert_eq!(about.note.as_ref().unwrap().len(), 200);
        Ok(Box::new(Forgetting(self)))
    }

    fn abandon(&self) -> Result<()> {
        Ok(())
    }
}

struct Forgetting<'a>(&'a MadeUp);

impl Write for Forgetting<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.1.fetch_add(buf.len() as u64, Ordering::Relaxed);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Putting for Forgetting<'_> {
    fn finish(self: Box<Self>) -> Result<Put> {
        self.0.0.fetch_add(1, Ordering::Relaxed);
        Ok(Put::New)
    }
}

struct There(&'static MadeUp);

impl StagedCheck for There {
    fn check_and_upgrade(&self, _: &Path, _: &Arc<AtomicBool>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }

    fn files_elsewhere(&self, _: &Path, _: &str) -> Result<Option<Box<dyn Target>>> {
        Ok(Some(Box::new(self.0)))
    }
}

/// The most memory this process has had so far, bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

#[test]
fn a_hundred_thousand_files_elsewhere_take_no_more_memory_than_a_few() {
    let dir = tempfile::tempdir().unwrap();
    let made_up: &MadeUp = Box::leak(Box::new(MadeUp(AtomicU64::new(0), AtomicU64::new(0))));
    let name = |n| format!("storage/c/r{n}/f");
    let mut peaks = Vec::new();
    for files in [FILES / 4, FILES] {
        let sources = Sources {
            data_dir: DataDir::at(dir.path()),
            databases: vec![Bytes::database("data.db", 9000)],
            required_files: Box::new((0..files).map(move |n| Ok(name(n)))),
            remote_files: Some(made_up),
        };
        let key = format!("{files}.zip");
        let (report, _) = common::make(dir.path(), &key, sources).unwrap();
        assert_eq!(report.missing.count, 0);
        let archive = open(dir.path(), &key).unwrap();
        assert_eq!(archive.entry_count(), 2 * files + 2);
        let site = Site {
            disk: &RealDisk,
            data_dir: &DataDir::at(dir.path()),
            steps: &NoSteps,
            now: jiff::Timestamp::now(),
        };
        let check = There(made_up);
        let staged = stage(site, &archive, &BackupKey::existing(&key).unwrap(), &check, &NoProgress).unwrap();
        staged.abandon().unwrap();
        assert_eq!(made_up.0.swap(0, Ordering::Relaxed), files);
        let bytes = (0..files).map(|n| if n % LONG_EVERY == 0 { LONG } else { n % 3000 });
        assert_eq!(made_up.1.swap(0, Ordering::Relaxed), bytes.sum::<u64>());
        peaks.push(peak());
    }
    eprintln!("peaks: {} and {} MiB", peaks[0] >> 20, peaks[1] >> 20);
    // 400 MB are fetched and put. Hashes of the names take some 60 bytes a file, whose vectors double as they
    // grow.
    assert!(peaks[1] - peaks[0] < 32 << 20 && peaks[1] < 80 << 20, "{peaks:?}");
}
