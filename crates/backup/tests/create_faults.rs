//! At every operation of a backup that can fail: nothing that is not whole is ever listed.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bosbase_backup::{
    BackupKey, CREATE_STEPS, CheckFailure, DataDir, DatabaseSnapshot, Error, ErrorKind, LocalStorage, NoProgress,
    NoSteps, Progress, Proof, Result, Sources, Steps, Storage, create, verify,
};
use bosbase_disk::fault::{Fault, FaultDisk};

use common::{Bytes, folder_in_memory, noise, open, put};

const KEY: &str = "new.zip";

struct House {
    _root: tempfile::TempDir,
    dir: PathBuf,
    disk: FaultDisk,
}

fn sources(dir: &Path) -> Sources<'static> {
    Sources {
        data_dir: DataDir::at(dir),
        databases: vec![Bytes::database("data.db", 30_000), Bytes::database("auxiliary.db", 10)],
        required_files: Box::new(["storage/c/r/small.txt".to_owned()].into_iter().map(Ok)),
        remote_files: None,
    }
}

impl House {
    fn new() -> Self {
        let root = folder_in_memory();
        let dir = root.path().join("pb_data");
        std::fs::create_dir_all(root.path().join("graves")).unwrap();
        put(&dir, "storage/c/r/small.txt", b"hello hello hello");
        put(&dir, "storage/c/r/noise.bin", &noise(40_000));
        put(
            &dir,
            "backups/before.zip",
            b"not even an archive, but not ours to touch",
        );
        let disk = FaultDisk::new(&root.path().join("graves"));
        Self { _root: root, dir, disk }
    }

    fn create(&self, progress: &dyn Progress, steps: &dyn Steps) -> Result<Proof> {
        self.create_of(sources(&self.dir), progress, steps)
    }

    fn create_of(&self, sources: Sources<'_>, progress: &dyn Progress, steps: &dyn Steps) -> Result<Proof> {
        let storage = LocalStorage::new(Arc::new(self.disk.clone()), self.dir.join("backups"));
        let plan = create::plan(&self.disk, &BackupKey::for_new(KEY)?, jiff::Timestamp::now(), &sources)?;
        create::perform(&self.disk, &plan, sources, &storage, progress, steps)?.prove(&storage, progress, steps)
    }

    fn listed(&self) -> Vec<String> {
        let mut names: Vec<_> = common::storage(&self.dir)
            .list()
            .unwrap()
            .into_iter()
            .map(|b| b.key.to_string())
            .collect();
        names.sort();
        names
    }

    /// What the next start does, and what must be true then; `true` if the new backup is there.
    fn restart(&self, what: &str) -> bool {
        common::storage(&self.dir).clean().unwrap();
        let files = std::fs::read_dir(self.dir.join("backups")).unwrap().count();
        let listed = self.listed();
        assert_eq!(files, listed.len(), "{what}: debris");
        if listed == ["before.zip"] {
            return false;
        }
        assert_eq!(listed, ["before.zip", KEY], "{what}");
        let archive = open(&self.dir, KEY).unwrap_or_else(|e| panic!("{what}: listed and broken: {e}"));
        verify(&archive, &NoProgress).unwrap_or_else(|e| panic!("{what}: listed and broken: {e}"));
        true
    }
}

/// Notes whether the backup was published.
#[derive(Default)]
struct Published(AtomicBool);

impl Steps for Published {
    fn reached(&self, step: &'static str) {
        self.0.fetch_or(step == "create-published", Ordering::Relaxed);
    }
}

fn matrix(fault: Fault, lose: bool) {
    for at in 1.. {
        let house = House::new();
        house.disk.arm(at, fault);
        let published = Published::default();
        let result = house.create(&NoProgress, &published);
        let published = published.0.into_inner();
        let (met, last) = (house.disk.operations() >= at, house.disk.last());
        let what = format!("{fault:?} at operation {at} ({last}), {:?}", result.as_ref().err());
        if fault != Fault::PowerCut {
            assert_eq!(house.listed().len(), 1 + usize::from(published), "{what}");
        }
        if lose && met {
            house.disk.lose_unsynced().unwrap();
        }
        house.disk.disarm();
        let there = house.restart(&what);
        assert!(there || result.is_err(), "{what}: reported as done and not there");
        if !met {
            assert!(there && at > 25, "{what}");
            return;
        }
    }
}

#[test]
fn a_kill_at_every_operation_lists_a_whole_backup_or_none() {
    matrix(Fault::PowerCut, false);
}

#[test]
fn a_power_cut_at_every_operation_lists_a_whole_backup_or_none() {
    matrix(Fault::PowerCut, true);
}

#[test]
fn a_failing_disk_at_every_operation_lists_a_whole_backup_or_none() {
    for fault in [
        Fault::Errno(5),
        Fault::Errno(28),
        Fault::ErrnoFromThenOn(28),
        Fault::ShortWrite,
    ] {
        matrix(fault, false);
    }
}

#[test]
fn the_first_backup_survives_a_power_cut_right_after_it() {
    let house = House::new();
    std::fs::remove_dir_all(house.dir.join("backups")).unwrap();
    house.create(&NoProgress, &NoSteps).unwrap();
    house.disk.lose_unsynced().unwrap();
    assert_eq!(house.listed(), [KEY]);
    verify(&open(&house.dir, KEY).unwrap(), &NoProgress).unwrap();
}

#[test]
fn the_named_steps_are_all_taken_and_in_their_order() {
    struct Diary(Mutex<Vec<&'static str>>);
    impl Steps for Diary {
        fn reached(&self, step: &'static str) {
            self.0.lock().unwrap().push(step);
        }
    }
    let (house, diary) = (House::new(), Diary(Mutex::default()));
    house.create(&NoProgress, &diary).unwrap();
    assert_eq!(*diary.0.lock().unwrap(), CREATE_STEPS);
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let house = House::new();
    house.disk.arm(1, Fault::ErrnoFromThenOn(28));
    assert_eq!(
        house.create(&NoProgress, &NoSteps).unwrap_err().kind(),
        ErrorKind::NoSpace
    );
}

#[test]
fn a_cancelled_backup_leaves_nothing() {
    struct Impatient(AtomicU64);
    impl Progress for Impatient {
        fn total(&self, _: u64) {}
        fn advance(&self, bytes: u64) {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.0.load(Ordering::Relaxed) > 50_000
        }
    }
    let house = House::new();
    let error: Error = house.create(&Impatient(AtomicU64::new(0)), &NoSteps).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    // Half of what there is to read is 70 KB: this one ended before it was published.
    assert_eq!(std::fs::read_dir(house.dir.join("backups")).unwrap().count(), 1);
}

#[test]
fn a_file_of_a_record_that_goes_away_meanwhile_fails_the_backup() {
    /// Deletes the file once its folder was listed, which the fault disk does whole.
    struct Deletes(PathBuf);
    impl Progress for Deletes {
        fn total(&self, _: u64) {}
        fn advance(&self, bytes: u64) {
            // The other file of the folder comes first: the list is sorted.
            if bytes == 40_000 {
                std::fs::remove_file(self.0.join("storage/c/r/small.txt")).unwrap();
            }
        }
    }
    let house = House::new();
    let error = house.create(&Deletes(house.dir.clone()), &NoSteps).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Vanished, "{error}");
    assert_eq!(house.listed(), ["before.zip"]);
}

/// Flips a byte of what was written, as a failing disk or cable does.
struct Flips(PathBuf);

impl Steps for Flips {
    fn reached(&self, step: &'static str) {
        if step == "create-written" {
            let upload = std::fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().path());
            let path = upload
                .into_iter()
                .find(|p| p.extension().is_some_and(|e| e == "tmp"))
                .unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[200] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn a_backup_whose_bytes_the_disk_changed_does_not_stay_listed() {
    let house = House::new();
    let error = house
        .create(&NoProgress, &Flips(house.dir.join("backups")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{error}");
    assert_eq!(house.listed(), ["before.zip"]);
}

#[test]
fn another_backup_that_took_the_name_of_a_broken_one_is_not_deleted_for_it() {
    struct Replaces(Flips);
    impl Steps for Replaces {
        fn reached(&self, step: &'static str) {
            self.0.reached(step);
            if step == "create-published" {
                std::fs::remove_file(self.0.0.join(KEY)).unwrap();
                std::fs::write(self.0.0.join(KEY), b"uploaded by somebody").unwrap();
            }
        }
    }
    let house = House::new();
    let error = house
        .create(&NoProgress, &Replaces(Flips(house.dir.join("backups"))))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{error}");
    assert_eq!(house.listed(), ["before.zip", KEY]);
}

#[test]
fn a_backup_that_cannot_be_read_back_stays_listed_and_is_not_called_proven() {
    struct Breaks<'a>(&'a FaultDisk);
    impl Steps for Breaks<'_> {
        fn reached(&self, step: &'static str) {
            if step == "create-published" {
                self.0.arm(1, Fault::Errno(5));
            }
        }
    }
    let house = House::new();
    let error = house.create(&NoProgress, &Breaks(&house.disk)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert_eq!(house.listed(), ["before.zip", KEY]);
}

/// A database whose own check ends in some way.
struct Checked(Box<Bytes>, Box<dyn FnMut() -> Option<CheckFailure> + Send>);

impl DatabaseSnapshot for Checked {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn len(&self) -> u64 {
        self.0.len()
    }
    fn page_count(&self) -> u32 {
        self.0.page_count()
    }
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
    fn integrity_check(&mut self) -> std::result::Result<(), CheckFailure> {
        (self.1)().map_or(Ok(()), Err)
    }
}

#[test]
fn a_damaged_database_is_told_of_and_its_backup_stays() {
    let damaged: fn() -> _ = || Some(CheckFailure::Damaged("page 7 is never used".into()));
    let unchecked: fn() -> _ = || Some(CheckFailure::Unchecked("interrupted".into()));
    for (first, second, kind) in [
        (damaged, (|| None) as fn() -> _, ErrorKind::InvalidDatabase),
        (unchecked, || None, ErrorKind::Io),
        (unchecked, damaged, ErrorKind::InvalidDatabase),
    ] {
        let house = House::new();
        let mut sources = sources(&house.dir);
        sources.databases = vec![
            Box::new(Checked(Bytes::database("data.db", 30_000), Box::new(first))),
            Box::new(Checked(Bytes::database("auxiliary.db", 10), Box::new(second))),
        ];
        let error = house.create_of(sources, &NoProgress, &NoSteps).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(house.listed(), ["before.zip", KEY]);
    }
}

#[test]
fn a_proof_that_is_cancelled_ends_the_check_of_the_databases() {
    /// Checks until it is interrupted.
    struct Endless(Box<Bytes>, Arc<AtomicBool>);
    impl DatabaseSnapshot for Endless {
        fn name(&self) -> &str {
            self.0.name()
        }
        fn len(&self) -> u64 {
            self.0.len()
        }
        fn page_count(&self) -> u32 {
            self.0.page_count()
        }
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buf)
        }
        fn integrity_check(&mut self) -> std::result::Result<(), CheckFailure> {
            while !self.1.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            Err(CheckFailure::Unchecked("interrupted".into()))
        }
        fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
            let interrupted = self.1.clone();
            Box::new(move || interrupted.store(true, Ordering::Relaxed))
        }
    }
    /// Cancels once everything is read and only the check is missing.
    struct Cancels(AtomicU64, AtomicU64);
    impl Progress for Cancels {
        fn total(&self, bytes: u64) {
            self.0.store(bytes, Ordering::Relaxed);
        }
        fn advance(&self, bytes: u64) {
            self.1.fetch_add(bytes, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.1.load(Ordering::Relaxed) >= self.0.load(Ordering::Relaxed)
        }
    }
    let house = House::new();
    let interrupted = Arc::new(AtomicBool::new(false));
    let mut sources = sources(&house.dir);
    sources.databases[0] = Box::new(Endless(Bytes::database("data.db", 30_000), interrupted.clone()));
    let error = house
        .create_of(sources, &Cancels(AtomicU64::new(0), AtomicU64::new(0)), &NoSteps)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(interrupted.load(Ordering::Relaxed));
    assert_eq!(house.listed(), ["before.zip", KEY]);
}

#[test]
fn the_databases_are_checked_once_the_backup_is_listed() {
    struct Published(Arc<AtomicBool>);
    impl Steps for Published {
        fn reached(&self, step: &'static str) {
            if step == "create-published" {
                self.0.store(true, Ordering::SeqCst);
            }
            if step == "create-files" {
                // Time enough for a check that does not wait.
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
    }
    let house = House::new();
    let (listed, in_time) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut sources = sources(&house.dir);
    let (is_listed, noted) = (listed.clone(), in_time.clone());
    sources.databases[0] = Box::new(Checked(
        Bytes::database("data.db", 30_000),
        Box::new(move || {
            noted.store(is_listed.load(Ordering::SeqCst), Ordering::SeqCst);
            None
        }),
    ));
    house.create_of(sources, &NoProgress, &Published(listed)).unwrap();
    assert!(in_time.load(Ordering::SeqCst));
}
