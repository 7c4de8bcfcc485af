//! At every operation of a backup that can fail: nothing that is not whole is ever listed.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bosbase_backup::{
    BackupKey, CREATE_STEPS, CreateReport, Error, ErrorKind, LocalStorage, NoProgress, NoSteps, Progress, Result,
    Sources, Steps, Storage, create, verify,
};
use bosbase_disk::fault::{Fault, FaultDisk};

use common::{Bytes, noise, open, put};

const KEY: &str = "new.zip";

struct House {
    _root: tempfile::TempDir,
    dir: PathBuf,
    disk: FaultDisk,
}

fn sources(dir: &Path) -> Sources<'static> {
    Sources {
        data_dir: dir.to_owned(),
        databases: vec![Bytes::database("data.db", 30_000), Bytes::database("auxiliary.db", 10)],
        must_have: Box::new(["storage/c/r/small.txt".to_owned()].into_iter().map(Ok)),
    }
}

impl House {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        }
        .unwrap();
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

    fn create(&self, progress: &dyn Progress, steps: &dyn Steps) -> Result<CreateReport> {
        let storage = LocalStorage::new(Arc::new(self.disk.clone()), self.dir.join("backups"));
        let sources = sources(&self.dir);
        let plan = create::plan(&self.disk, &BackupKey::for_new(KEY)?, jiff::Timestamp::now(), &sources)?;
        create::perform(&self.disk, &plan, sources, &storage, progress, steps)
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

fn matrix(fault: Fault, lose: bool) {
    for at in 1.. {
        let house = House::new();
        house.disk.arm(at, fault);
        let result = house.create(&NoProgress, &NoSteps);
        let (met, last) = (house.disk.operations() >= at, house.disk.last());
        let what = format!("{fault:?} at operation {at} ({last}), {:?}", result.as_ref().err());
        if fault != Fault::PowerCut {
            assert_eq!(house.listed().len(), 1 + usize::from(result.is_ok()), "{what}");
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

#[test]
fn bytes_that_the_disk_changed_are_noticed_before_the_backup_is_listed() {
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
    let house = House::new();
    let error = house
        .create(&NoProgress, &Flips(house.dir.join("backups")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{error}");
    assert_eq!(house.listed(), ["before.zip"]);
}
