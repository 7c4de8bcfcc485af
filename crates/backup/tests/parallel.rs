//! Backups long enough for all cores: what comes back, what other unzippers say, and what ends early.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use bosbase_backup::restore::{self, Site};
use bosbase_backup::{
    BackupKey, CheckFailure, DataDir, DatabaseSnapshot, ErrorKind, NoProgress, NoSteps, Progress, Result, Sources,
    create, verify,
};
use bosbase_disk::RealDisk;

use common::{Bytes, Fine, noise, open, put};

const BLOCK: usize = 65_535;

/// Half of it shrinks, in stretches of a few kilobytes, as in a database.
fn mixed(len: usize) -> Vec<u8> {
    let mut bytes = noise(len);
    for (n, stretch) in bytes.chunks_mut(3_000).enumerate() {
        if n % 2 == 0 {
            for (at, byte) in stretch.iter_mut().enumerate() {
                *byte = b"all work and no play "[(at + n) % 21];
            }
        }
    }
    bytes
}

/// A database that fails, or goes on, at some byte.
struct Fails(Box<Bytes>, usize);

impl DatabaseSnapshot for Fails {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn len(&self) -> u64 {
        self.0.len()
    }
    fn page_count(&self) -> u32 {
        1
    }
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.1 == 0 {
            return Err(io::Error::other("the page cannot be read"));
        }
        self.1 -= 1;
        self.0.read(buf)
    }
    fn integrity_check(&mut self) -> std::result::Result<(), CheckFailure> {
        Ok(())
    }
}

fn sources(dir: &Path, database: usize) -> Sources<'static> {
    Sources {
        data_dir: DataDir::at(dir),
        databases: vec![Bytes::database("data.db", database)],
        required_files: Box::new(std::iter::empty()),
        remote_files: None,
    }
}

/// Files of lengths around all limits there are, and many short ones.
fn fill(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let borders = [BLOCK, 2 * BLOCK, 4 * BLOCK, 128 << 10, 1 << 20, 5 * BLOCK * 4, 3 << 20];
    for border in borders {
        for len in [border - 1, border, border + 1] {
            files.insert(format!("storage/c/mixed/{len}"), mixed(len));
            files.insert(format!("storage/c/noise/{len}"), noise(len));
        }
    }
    for n in 0..3_000 {
        files.insert(format!("storage/s/{n}/f"), mixed(n % 700));
    }
    for (name, bytes) in &files {
        put(dir, name, bytes);
    }
    files
}

#[test]
fn every_length_comes_back_and_other_unzippers_agree() {
    let dir = tempfile::tempdir().unwrap();
    let files = fill(dir.path());
    let (_, proof) = common::make(dir.path(), "a.zip", sources(dir.path(), 9_000_000)).unwrap();
    assert_eq!(proof.checked.entries, files.len() as u64 + 1);
    let path = dir.path().join("backups/a.zip");

    // Restored on all cores, and read one by one.
    let target = dir.path().join("restored");
    std::fs::create_dir(&target).unwrap();
    let site = Site {
        disk: &RealDisk,
        data_dir: &DataDir::at(&target),
        steps: &NoSteps,
        now: jiff::Timestamp::now(),
    };
    let archive = open(dir.path(), "a.zip").unwrap();
    let key = BackupKey::existing("a.zip").unwrap();
    let staged = restore::stage(site, &archive, &key, &Fine, &NoProgress).unwrap();
    assert_eq!(staged.checked(), &proof.checked);
    let staging = std::fs::read_dir(target.join(".bosbase"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.file_name().unwrap().to_str().unwrap().starts_with("staging-"))
        .unwrap();
    let unpacked = common::tree(&staging, &[]);
    assert_eq!(unpacked.len(), files.len() + 1);
    for (name, bytes) in &files {
        assert!(unpacked.get(name) == Some(bytes), "{name}");
    }
    staged.abandon().unwrap();
    let mut seen = 0;
    archive
        .read_all(&NoProgress, |entry, contents| {
            let mut bytes = Vec::new();
            contents.read_to_end(&mut bytes).unwrap();
            seen += 1;
            assert!(entry.path.as_str() == "data.db" || files.get(entry.path.as_str()) == Some(&bytes));
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, files.len() + 1);

    let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None";
    let mut ran = 0;
    for (program, arguments) in [
        ("unzip", vec!["-tqq"]),
        ("7z", vec!["t"]),
        ("python3", vec!["-c", script]),
    ] {
        match Command::new(program).args(arguments).arg(&path).output() {
            Err(_) => eprintln!("SKIPPED: {program} is not installed"),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{program}: {said}");
                ran += 1;
            }
        }
    }
    assert!(ran > 0, "not a single other unzipper is installed");
}

#[test]
fn a_database_whose_beginning_does_not_shrink_is_compressed_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut database = Bytes::database("data.db", 0);
    database.1.extend(noise(2 << 20));
    database.1.resize(12 << 20, b'x');
    let mut sources = sources(dir.path(), 0);
    sources.databases = vec![database];
    let (report, _) = common::make(dir.path(), "a.zip", sources).unwrap();
    assert!(report.backup.size < 3 << 20, "{}", report.backup.size);
}

/// How many threads of ours there are.
#[cfg(target_os = "linux")]
fn workers() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter(|task| {
            std::fs::read_to_string(task.as_ref().unwrap().path().join("comm"))
                .is_ok_and(|name| name.starts_with("backup-"))
        })
        .count()
}

/// Alone in its process would be better, but the other tests of this file end as well: it waits for all workers to be
/// gone.
#[cfg(target_os = "linux")]
fn assert_no_worker_stays() {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while workers() > 0 {
        assert!(std::time::Instant::now() < until, "threads are left");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn an_error_in_the_middle_of_a_database_fails_the_backup_and_leaves_no_thread() {
    for reads in [1, 30, 200, 900] {
        let dir = tempfile::tempdir().unwrap();
        let mut sources = sources(dir.path(), 0);
        sources.databases = vec![Box::new(Fails(Bytes::database("data.db", 10_000_000), reads))];
        let error = common::make(dir.path(), "a.zip", sources).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("the page cannot be read"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path().join("backups")).unwrap().count(), 0);
    }
    #[cfg(target_os = "linux")]
    assert_no_worker_stays();
}

#[test]
fn work_can_be_cancelled_at_any_time() {
    struct Impatient(AtomicU64, u64);
    impl Progress for Impatient {
        fn total(&self, _: u64) {}
        fn advance(&self, bytes: u64) {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.0.load(Ordering::Relaxed) > self.1
        }
    }
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "storage/c/r/noise", &noise(4 << 20));
    for n in 0..500 {
        put(dir.path(), &format!("storage/s/{n}"), &mixed(2_000));
    }
    let make = |progress: &dyn Progress| -> Result<u64> {
        let sources = sources(dir.path(), 6_000_000);
        let key = BackupKey::existing("a.zip").unwrap();
        let plan = create::plan(&RealDisk, &key, jiff::Timestamp::now(), &sources)?;
        let storage = common::storage(dir.path());
        create::perform(&RealDisk, &plan, sources, &storage, progress, &NoSteps)?
            .prove(&storage, progress, &NoSteps)?;
        Ok(plan.bytes)
    };
    for after in (0..22_000_000).step_by(1_500_000) {
        let error = make(&Impatient(AtomicU64::new(0), after)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "after {after}");
        // What was cancelled while it was being proven stays listed.
        let listed = std::fs::read_dir(dir.path().join("backups")).unwrap().count();
        assert_eq!(listed, usize::from(after > 11_500_000), "after {after}");
        let _ = std::fs::remove_file(dir.path().join("backups/a.zip"));
    }
    let bytes = make(&NoProgress).unwrap();
    let archive = open(dir.path(), "a.zip").unwrap();
    let cancelled = verify(&archive, &Impatient(AtomicU64::new(0), bytes / 2)).unwrap_err();
    assert_eq!(cancelled.kind(), ErrorKind::Cancelled);
    let counted = Impatient(AtomicU64::new(0), u64::MAX);
    assert_eq!(verify(&archive, &counted).unwrap().bytes, bytes);
    assert_eq!(counted.0.load(Ordering::Relaxed), bytes);
    #[cfg(target_os = "linux")]
    assert_no_worker_stays();
}

#[test]
fn bytes_changed_anywhere_in_a_long_archive_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "storage/c/r/noise", &noise(2 << 20));
    put(dir.path(), "storage/c/r/mixed", &mixed(5 << 20));
    for n in 0..600 {
        put(dir.path(), &format!("storage/s/{n}"), &mixed(n));
    }
    common::make(dir.path(), "a.zip", sources(dir.path(), 6_000_000)).unwrap();
    let path = dir.path().join("backups/a.zip");
    let whole = std::fs::read(&path).unwrap();
    let verified = || open(dir.path(), "a.zip").and_then(|archive| verify(&archive, &NoProgress));
    let good = verified().unwrap();
    let mut unharmed = 0;
    // The contents lie in front; of names, directory and manifest the shorter archives' tests flip every byte.
    for at in (100..whole.len() - 200_000).step_by(whole.len() / 40) {
        let mut broken = whole.clone();
        broken[at] ^= 0x40;
        std::fs::write(&path, &broken).unwrap();
        match verified() {
            // Versions, times and attributes in an entry's header say nothing about its contents.
            Ok(checked) if checked == good => unharmed += 1,
            Ok(_) => panic!("byte {at} changed what was found"),
            Err(e) => assert_eq!(e.kind(), ErrorKind::InvalidArchive, "byte {at}"),
        }
    }
    assert!(unharmed < 4, "{unharmed}");
}

/// 4.6 GB through the writer and all checks: `cargo test -- --ignored`.
#[test]
#[ignore = "takes a minute"]
fn an_entry_beyond_four_gibibytes_stays_right() {
    /// Numbered pages, half of each noise.
    struct Pages(u64, Vec<u8>);
    const LEN: u64 = (4 << 30) + (300 << 20) + 77;
    impl DatabaseSnapshot for Pages {
        fn name(&self) -> &str {
            "data.db"
        }
        fn len(&self) -> u64 {
            LEN
        }
        fn page_count(&self) -> u32 {
            1
        }
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let at = (self.0 % 4096) as usize;
            let n = buf.len().min(4096 - at).min((LEN - self.0) as usize);
            self.1[16..24].copy_from_slice(&(self.0 / 4096).to_le_bytes());
            buf[..n].copy_from_slice(&self.1[at..at + n]);
            self.0 += n as u64;
            Ok(n)
        }
        fn integrity_check(&mut self) -> std::result::Result<(), CheckFailure> {
            Ok(())
        }
    }
    let dir = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
    let mut page = b"SQLite format 3\0".to_vec();
    page.extend(noise(600));
    page.resize(4096, 0);
    put(dir.path(), "storage/c/r/behind", b"behind it all");
    let mut sources = sources(dir.path(), 0);
    sources.databases = vec![Box::new(Pages(0, page))];
    let (_, proof) = common::make(dir.path(), "a.zip", sources).unwrap();
    assert_eq!(proof.checked.bytes, LEN + 13);
    let path = dir.path().join("backups/a.zip");
    for (program, arguments) in [("unzip", vec!["-tqq"]), ("7z", vec!["t"])] {
        match Command::new(program).args(arguments).arg(&path).output() {
            Err(_) => eprintln!("SKIPPED: {program} is not installed"),
            Ok(output) => assert!(output.status.success(), "{program}: {output:?}"),
        }
    }
}
