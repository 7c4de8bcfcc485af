//! Restores of a folder: that they do what they should, and at every operation that can fail, all or nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bosbase_backup::restore::{
    self, Recovered, RestoreOutcome, Site, StagedCheck, available_undo, expire_undo, last_outcome, recover, stage,
};
use bosbase_backup::{BackupKey, Error, ErrorKind, NoProgress, NoSteps, Progress, Result, Sources, Steps};
use bosbase_disk::fault::{Fault, FaultDisk};
use bosbase_disk::{Disk, RealDisk};
use jiff::Timestamp;

use common::files::{self, Elsewhere, MemoryFile, MemoryFiles};
use common::{Bytes, Fine, Tree, data, open, put};

const KEY: &str = "good.zip";

/// A data directory with old data in it and a backup of other data in its `backups/`.
struct House {
    _root: tempfile::TempDir,
    dir: PathBuf,
    disk: FaultDisk,
    old: Tree,
    new: Tree,
    /// Where the new data keeps its uploaded files, if not on the disk.
    files: Option<MemoryFiles>,
}

/// Made once: the fault matrices need a fresh house a thousand times.
static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();

fn archive_of(other: &Path) -> Vec<u8> {
    let sources = Sources {
        data_dir: other.to_owned(),
        databases: vec![Bytes::database("data.db", 9000), Bytes::database("auxiliary.db", 10)],
        must_have: Box::new(std::iter::empty()),
        elsewhere: None,
    };
    let shelf = tempfile::tempdir().unwrap();
    common::make(shelf.path(), KEY, sources).unwrap();
    std::fs::read(shelf.path().join("backups").join(KEY)).unwrap()
}

impl House {
    fn new() -> Self {
        // In memory where that can be had: what is durable is simulated.
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        }
        .unwrap();
        let dir = root.path().join("pb_data");
        let other = root.path().join("other");
        std::fs::create_dir_all(root.path().join("graves")).unwrap();
        for (name, bytes) in [
            ("storage/c1/r1/new.txt", "new"),
            ("storage/c2/r2/two.txt", "two"),
            ("types.d.ts", "new"),
        ] {
            put(&other, name, bytes.as_bytes());
        }
        put(
            &dir,
            &format!("backups/{KEY}"),
            ARCHIVE.get_or_init(|| archive_of(&other)),
        );
        let mut new = data(&other);
        for database in [Bytes::database("data.db", 9000), Bytes::database("auxiliary.db", 10)] {
            new.insert(database.0.to_owned(), database.1);
        }
        for (name, bytes) in [
            ("data.db", "SQLite format 3\0 old"),
            ("data.db-wal", "old log"),
            ("data.db-shm", "old index"),
            ("auxiliary.db", "SQLite format 3\0 old too"),
            ("storage/c1/r1/old.txt", "old"),
            ("storage/c9/r9/nine.txt", "nine"),
            ("foreign.txt", "mine"),
        ] {
            put(&dir, name, bytes.as_bytes());
        }
        let disk = FaultDisk::new(&root.path().join("graves"));
        let old = data(&dir);
        Self {
            _root: root,
            dir,
            disk,
            old,
            new,
            files: None,
        }
    }

    /// One whose new data keeps its uploaded files elsewhere, where one of them is already.
    fn elsewhere() -> Self {
        let mut house = Self::new();
        house.new.retain(|name, _| !name.starts_with("storage/"));
        house.files = Some(Self::files_before());
        house
    }

    fn files_before() -> MemoryFiles {
        let files = MemoryFiles::default();
        files.add("c1/r1/new.txt", b"new", None);
        files.add("c/r/old.txt", b"the old data names it", None);
        files
    }

    /// Does what the next start does about files elsewhere, once it has the one or the other data, and checks what is there.
    fn settle_files(&self, new: bool, what: &str) {
        let Some(files) = &self.files else { return };
        files.restart(new);
        let mut expected = Self::files_before().files();
        let mut found = files.files();
        if new {
            expected.insert("c2/r2/two.txt".to_owned(), expected["c1/r1/new.txt"].clone());
        }
        let names = |files: &BTreeMap<String, MemoryFile>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected), "{what}");
        if let Some(two) = found.remove("c2/r2/two.txt") {
            assert_eq!(two.bytes, b"two", "{what}");
            expected.remove("c2/r2/two.txt");
        }
        assert!(found == expected, "{what}: what was there was changed");
    }

    fn mounted() -> Self {
        let house = Self::new();
        house
            .disk
            .set_mounts(vec![house.dir.join("storage/c1"), house.dir.join("backups")]);
        house
    }

    fn site<'a>(&'a self, steps: &'a dyn Steps) -> Site<'a> {
        Site {
            disk: &self.disk,
            data_dir: &self.dir,
            steps,
            now: Timestamp::now(),
        }
    }

    fn stage_and_commit(&self) -> Result<()> {
        let archive = open(&self.dir, KEY)?;
        let key = BackupKey::existing(KEY)?;
        let check: Box<dyn StagedCheck> = match &self.files {
            None => Box::new(Fine),
            Some(files) => Box::new(Elsewhere(files.clone())),
        };
        stage(self.site(&NoSteps), &archive, &key, check.as_ref(), &NoProgress)?
            .commit()
            .map(drop)
    }

    /// What the server does at its start when the new data opens well.
    fn start(&self) -> Result<Option<RestoreOutcome>> {
        let recovery = recover(self.site(&NoSteps))?;
        if let Some(e) = recovery.uncleaned {
            return Err(e);
        }
        match recovery.state {
            Recovered::Clean => Ok(None),
            Recovered::RolledBack(outcome) => Ok(Some(outcome)),
            Recovered::Switched(switched) => {
                // What an earlier start left that died while it opened the data is recovered by SQLite.
                let _ = std::fs::remove_file(self.dir.join("data.db-wal"));
                let found = data(&self.dir);
                assert!(
                    found == self.new,
                    "new data on probation is not whole: {:?}",
                    found.keys()
                );
                switched.confirm().map(Some)
            }
        }
    }

    fn start_and_fail_to_open(&self) -> Result<RestoreOutcome> {
        match recover(self.site(&NoSteps))?.state {
            Recovered::Clean => panic!("nothing was restored"),
            Recovered::RolledBack(outcome) => Ok(outcome),
            Recovered::Switched(switched) => {
                // Opening leaves things behind.
                put(&self.dir, "data.db-wal", b"new log");
                switched.roll_back("it would not open")
            }
        }
    }

    /// `true` if the data is new, `false` if it is old, and a failure if it is anything else.
    fn is_new(&self, what: &str) -> bool {
        let found = data(&self.dir);
        assert!(
            found == self.old || found == self.new,
            "{what}: a mix: {:?}",
            found.keys()
        );
        found == self.new
    }

    fn debris(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in [".bosbase", "storage", "storage/c1", "storage/c2"] {
            for entry in std::fs::read_dir(self.dir.join(folder)).into_iter().flatten() {
                found.push(format!(
                    "{folder}/{}",
                    entry.unwrap().file_name().into_string().unwrap()
                ));
            }
        }
        found.retain(|n| n.contains("staging-") || n.ends_with(".tmp") || n.ends_with(".journal"));
        found
    }
}

#[test]
fn a_restore_replaces_everything_and_keeps_the_old_data() {
    for house in [House::new(), House::mounted()] {
        house.stage_and_commit().unwrap();
        assert!(!house.is_new("before the restart"));
        assert_eq!(
            house.stage_and_commit().unwrap_err().kind(),
            ErrorKind::WrongState,
            "one at a time"
        );
        let outcome = house.start().unwrap().unwrap();
        assert!(outcome.succeeded && outcome.key == KEY);
        assert!(house.is_new("after the restart"));
        assert_eq!(last_outcome(&house.disk, &house.dir).unwrap().unwrap(), outcome);
        assert!(house.dir.join("backups").join(KEY).exists());
        assert_eq!(house.debris(), [""; 0]);
        assert!(house.start().unwrap().is_none(), "the next start finds nothing to do");
        assert_eq!(house.debris(), [""; 0]);

        // And back again, and forth: an undo is undone by an undo.
        drop(restore::undo(&house.site(&NoSteps)).unwrap());
        let recovery = recover(house.site(&NoSteps)).unwrap();
        let Recovered::Switched(switched) = recovery.state else {
            panic!("the undo is due")
        };
        assert!(switched.confirm().unwrap().succeeded);
        assert!(!house.is_new("after the undo"));
        drop(restore::undo(&house.site(&NoSteps)).unwrap());
        assert!(house.start().unwrap().unwrap().succeeded);
        assert!(house.is_new("after the redo"));
    }
}

#[test]
fn old_data_that_has_expired_is_deleted() {
    let house = House::mounted();
    house.stage_and_commit().unwrap();
    house.start().unwrap();
    let mut site = house.site(&NoSteps);
    assert!(available_undo(&site).unwrap().is_some());
    assert!(!expire_undo(&site).unwrap());
    site.now += restore::UNDO_KEPT + jiff::SignedDuration::from_secs(1);
    assert!(expire_undo(&site).unwrap());
    assert!(available_undo(&site).unwrap().is_none());
    assert_eq!(restore::undo(&site).unwrap_err().kind(), ErrorKind::WrongState);
    assert!(
        common::tree(&house.dir, &["backups"])
            .keys()
            .all(|name| !name.contains("undo-"))
    );
    assert!(house.is_new("still"));
}

#[test]
fn data_that_does_not_open_is_taken_back() {
    for house in [House::new(), House::mounted()] {
        house.stage_and_commit().unwrap();
        let outcome = house.start_and_fail_to_open().unwrap();
        assert_eq!(
            (outcome.succeeded, outcome.error.as_deref()),
            (false, Some("it would not open"))
        );
        assert!(!house.is_new("rolled back"));
        assert_eq!(house.debris(), [""; 0]);
        assert!(house.start().unwrap().is_none());
    }
}

#[test]
fn a_process_that_dies_twice_while_opening_is_taken_back() {
    let house = House::new();
    house.stage_and_commit().unwrap();
    for _ in 0..restore::MAX_BOOTS {
        assert!(matches!(
            recover(house.site(&NoSteps)).unwrap().state,
            Recovered::Switched(_)
        ));
    }
    let outcome = house.start().unwrap().unwrap();
    assert!(!outcome.succeeded && outcome.error.unwrap().contains("could not be opened"));
    assert!(!house.is_new("rolled back"));
}

#[test]
fn databases_that_fail_their_check_are_never_switched_to() {
    struct Bad;
    impl StagedCheck for Bad {
        fn check_and_upgrade(
            &self,
            _: &Path,
            _: &Arc<AtomicBool>,
        ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            Err("row 5 missing from index".into())
        }
    }
    let house = House::new();
    let key = BackupKey::existing(KEY).unwrap();
    let failed = stage(
        house.site(&NoSteps),
        &open(&house.dir, KEY).unwrap(),
        &key,
        &Bad,
        &NoProgress,
    );
    let error = failed.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidDatabase);
    assert!(error.to_string().contains("row 5"), "{error}");
    assert_eq!(house.debris(), [""; 0]);
    assert!(house.start().unwrap().is_none() && !house.is_new("untouched"));
}

/// The check of a large database takes minutes, in which nobody else could restore or back up.
#[test]
fn whoever_gives_a_restore_up_does_not_wait_for_the_check_of_its_databases() {
    /// A check that goes on until it is given up, or for so long that the test has failed.
    struct Endless;
    impl StagedCheck for Endless {
        fn check_and_upgrade(
            &self,
            _: &Path,
            given_up: &Arc<AtomicBool>,
        ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            let began = Instant::now();
            while !given_up.load(Ordering::SeqCst) {
                assert!(began.elapsed() < Duration::from_secs(60), "nobody gave it up");
                std::thread::sleep(Duration::from_millis(1));
            }
            Err("given up".into())
        }
    }
    /// All is unpacked, and the check alone goes on.
    #[derive(Default)]
    struct Extracted(AtomicBool);
    impl Steps for Extracted {
        fn reached(&self, step: &'static str) {
            if step == "restore-extracted" {
                self.0.store(true, Ordering::SeqCst);
            }
        }
    }
    impl Progress for Extracted {
        fn total(&self, _: u64) {}
        fn advance(&self, _: u64) {}
        fn cancelled(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }
    }
    let house = House::new();
    let key = BackupKey::existing(KEY).unwrap();
    let extracted = Extracted::default();
    let archive = open(&house.dir, KEY).unwrap();
    let given_up = stage(house.site(&extracted), &archive, &key, &Endless, &extracted);
    assert_eq!(given_up.err().unwrap().kind(), ErrorKind::Cancelled);
    assert_eq!(house.debris(), [""; 0]);
    assert!(house.start().unwrap().is_none() && !house.is_new("untouched"));
}

#[test]
fn a_full_disk_is_found_out_before_anything_is_written() {
    let house = House::new();
    house.disk.set_space_left(Some(1 << 20));
    let error = house.stage_and_commit().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace);
    assert!(error.to_string().contains("1048576"), "{error}");
    assert_eq!(house.debris(), [""; 0]);
    assert!(!house.is_new("untouched"));
}

#[test]
fn a_file_system_that_is_not_mounted_at_the_start_stops_it() {
    let house = House::mounted();
    house.stage_and_commit().unwrap();
    let (there, away) = (house.dir.join("storage/c1"), house.dir.with_file_name("away"));
    std::fs::rename(&there, &away).unwrap();
    std::fs::create_dir(&there).unwrap();
    assert_eq!(house.start().unwrap_err().kind(), ErrorKind::Unsupported);
    std::fs::remove_dir(&there).unwrap();
    std::fs::rename(&away, &there).unwrap();
    assert!(house.start().unwrap().unwrap().succeeded);
    assert!(house.is_new("once it is mounted"));
}

/// Writes down each step the first time it is reached.
#[derive(Default)]
struct Diary(Mutex<Vec<&'static str>>);

impl Steps for Diary {
    fn reached(&self, step: &'static str) {
        let mut steps = self.0.lock().unwrap();
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
}

#[test]
fn the_named_steps_are_all_taken_and_in_their_order() {
    let house = House::new();
    let (diary, key) = (Diary::default(), BackupKey::existing(KEY).unwrap());
    let archive = open(&house.dir, KEY).unwrap();
    let stage_it = || {
        stage(house.site(&diary), &archive, &key, &Fine, &NoProgress)
            .unwrap()
            .commit()
            .unwrap()
    };
    drop(stage_it());
    let Recovered::Switched(switched) = recover(house.site(&diary)).unwrap().state else {
        panic!("it is due")
    };
    switched.confirm().unwrap();
    assert_eq!(*diary.0.lock().unwrap(), restore::RESTORE_STEPS);

    drop(stage_it());
    diary.0.lock().unwrap().clear();
    let Recovered::Switched(switched) = recover(house.site(&diary)).unwrap().state else {
        panic!("it is due")
    };
    switched.roll_back("a test").unwrap();
    let steps = diary.0.lock().unwrap();
    let from = steps.iter().position(|s| s.starts_with("rollback")).unwrap();
    assert_eq!(steps[from..], *restore::ROLLBACK_STEPS);
}

#[test]
fn an_undo_record_that_cannot_be_read_does_not_keep_the_old_data_away() {
    let house = House::new();
    house.stage_and_commit().unwrap();
    put(&house.dir, ".bosbase/undo.json", b"{ rotten");
    assert!(!house.start_and_fail_to_open().unwrap().succeeded);
    assert!(!house.is_new("rolled back"));
}

/// The whole way of a restore, from the archive to the confirmation or the roll-back.
fn run(house: &House, opens: bool) -> Result<(), (bool, Error)> {
    house.stage_and_commit().map_err(|e| (false, e))?;
    if opens {
        house.start().map(drop).map_err(|e| (true, e))
    } else {
        house.start_and_fail_to_open().map(drop).map_err(|e| (true, e))
    }
}

/// Lets operation after operation fail, until a run gets through without meeting the fault; returns how many there were.
fn matrix(house: fn() -> House, opens: bool, fault: Fault, lose: bool) -> u64 {
    for at in 1.. {
        let house = house();
        house.disk.arm(at, fault);
        let result = run(&house, opens);
        let (met, last) = (house.disk.operations() >= at, house.disk.last());
        let what = format!("{fault:?} at operation {at} ({last}), {result:?}");
        if lose && met {
            house.disk.lose_unsynced().unwrap();
        }
        house.disk.disarm();
        house
            .start()
            .unwrap_or_else(|e| panic!("{what}: the next start failed: {e}"));
        let new = house.is_new(&what);
        assert_eq!(house.debris(), [""; 0], "{what}");
        house.settle_files(new, &what);
        let outcome = last_outcome(&house.disk, &house.dir).unwrap();
        assert_eq!(new, outcome.is_some_and(|o| o.succeeded), "{what}: the record is wrong");
        if new {
            assert!(
                available_undo(&house.site(&NoSteps)).unwrap().is_some(),
                "{what}: the old data is gone"
            );
        }
        match result {
            Ok(()) if !met => {
                assert_eq!(new, opens, "{what}");
                return at;
            }
            // A disk that fails once may cost the restore. A power cut behind the commit may not.
            Err((true, _)) if fault == Fault::PowerCut && opens => assert!(new, "{what}: a committed restore was lost"),
            Err((false, _)) if fault != Fault::PowerCut => {
                assert!(!new, "{what}: reported as failed and done all the same");
            }
            _ => {}
        }
    }
    unreachable!()
}

#[test]
fn a_kill_at_every_operation_leaves_all_old_or_all_new() {
    assert!(matrix(House::new, true, Fault::PowerCut, false) > 60);
    matrix(House::mounted, true, Fault::PowerCut, false);
    matrix(House::new, false, Fault::PowerCut, false);
    matrix(House::mounted, false, Fault::PowerCut, false);
    matrix(House::elsewhere, true, Fault::PowerCut, false);
    matrix(House::elsewhere, false, Fault::PowerCut, false);
}

#[test]
fn a_power_cut_at_every_operation_leaves_all_old_or_all_new() {
    matrix(House::new, true, Fault::PowerCut, true);
    matrix(House::mounted, true, Fault::PowerCut, true);
    matrix(House::new, false, Fault::PowerCut, true);
    matrix(House::mounted, false, Fault::PowerCut, true);
    matrix(House::elsewhere, true, Fault::PowerCut, true);
    matrix(House::elsewhere, false, Fault::PowerCut, true);
}

#[test]
fn a_kill_at_every_request_leaves_the_old_data_and_its_files() {
    for at in 1.. {
        let house = House::elsewhere();
        let files = house.files.clone().unwrap();
        files.arm(at, files::Fault::Unreachable);
        let disk = house.disk.clone();
        files.meanwhile(move || disk.arm(1, Fault::PowerCut));
        let result = house.stage_and_commit();
        let (met, what) = (files.calls() >= at, format!("request {at}: {result:?}"));
        if met {
            house.disk.lose_unsynced().unwrap();
        }
        house.disk.disarm();
        house.start().unwrap();
        let new = house.is_new(&what);
        house.settle_files(new, &what);
        assert_eq!(house.debris(), [""; 0], "{what}");
        assert_eq!(new, !met, "{what}");
        if !met {
            assert!(at > 6, "{what}");
            return;
        }
    }
}

#[test]
fn a_failing_disk_at_every_operation_leaves_all_old_or_all_new() {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    for fault in [
        Fault::Errno(EIO),
        Fault::Errno(ENOSPC),
        Fault::ErrnoFromThenOn(ENOSPC),
        Fault::ShortWrite,
    ] {
        matrix(House::new, true, fault, false);
        matrix(House::mounted, false, fault, false);
        matrix(House::elsewhere, true, fault, false);
    }
}

#[test]
fn a_second_power_cut_during_the_recovery_changes_nothing() {
    for opens in [true, false] {
        let mut at = 1;
        loop {
            let probe = House::mounted();
            probe.disk.arm(at, Fault::PowerCut);
            let through = run(&probe, opens).is_ok();
            if through {
                break;
            }
            for again in (1..200).step_by(5) {
                let house = House::mounted();
                house.disk.arm(at, Fault::PowerCut);
                let _ = run(&house, opens);
                house.disk.lose_unsynced().unwrap();
                house.disk.arm(again, Fault::PowerCut);
                // Armed anew the disk is still dead: it comes back with the start.
                house.disk.disarm();
                house.disk.arm(again, Fault::PowerCut);
                let done = house.start();
                house.disk.lose_unsynced().unwrap();
                house.disk.disarm();
                let what = format!("cut at {at}, then at {again}: {done:?}");
                house
                    .start()
                    .unwrap_or_else(|e| panic!("{what}: the next start failed: {e}"));
                house.is_new(&what);
                assert_eq!(house.debris(), [""; 0], "{what}");
                if done.is_ok() {
                    break;
                }
            }
            at += 9;
        }
    }
}

#[test]
fn the_real_disk_does_the_same() {
    let house = House::new();
    let site = Site {
        disk: &RealDisk as &dyn Disk,
        data_dir: &house.dir,
        steps: &NoSteps,
        now: Timestamp::now(),
    };
    let key = BackupKey::existing(KEY).unwrap();
    let staged = stage(site, &open(&house.dir, KEY).unwrap(), &key, &Fine, &NoProgress).unwrap();
    assert_eq!(staged.checked().entries, house.new.len() as u64);
    drop(staged.commit().unwrap());
    let Recovered::Switched(switched) = recover(site).unwrap().state else {
        panic!("it is due")
    };
    switched.confirm().unwrap();
    assert!(house.is_new("on the real disk"));
}
