//! Restores of a folder: that they do what they should; what may fail of them is in `restore_faults.rs`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bosbase_backup::restore::{
    self, Recovered, Site, StagedCheck, available_undo, expire_undo, last_outcome, recover, stage,
};
use bosbase_backup::{BackupKey, ErrorKind, NoProgress, NoSteps, Progress, Result, Steps};
use bosbase_disk::{Disk, RealDisk};
use jiff::Timestamp;

use common::house::{House, KEY};
use common::{Fine, open, put};

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
    // A clock that jumped took the undo away for good: so much time must have passed, too.
    assert!(!expire_undo(&site).unwrap());
    let kept = available_undo(&site).unwrap().unwrap();
    assert!(restore::expiry(&site, &kept).unwrap() > kept.until);
    // An earlier version did not count: it is kept from the next start on.
    let path = house.dir.join(".bosbase/undo.json");
    let record = std::fs::read_to_string(&path).unwrap();
    let mut older: serde_json::Value = serde_json::from_str(&record).unwrap();
    older.as_object_mut().unwrap().remove("counted").unwrap();
    put(&house.dir, ".bosbase/undo.json", older.to_string().as_bytes());
    put(
        &house.dir,
        ".bosbase/elapsed.json",
        br#"{"seconds": 604800, "boot": "another", "uptime": 0}"#,
    );
    assert!(!expire_undo(&site).unwrap());
    drop(recover(house.site(&NoSteps)).unwrap());
    let counted = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap()["counted"].as_u64();
    assert!(counted(std::fs::read_to_string(&path).unwrap()).unwrap() >= 604_800);
    put(&house.dir, ".bosbase/undo.json", record.as_bytes());
    let a_day = br#"{"seconds": 86400, "boot": "", "uptime": 18446744073709551615}"#;
    put(&house.dir, ".bosbase/elapsed.json", a_day);
    assert!(restore::expiry(&site, &kept).unwrap() < site.now + restore::UNDO_KEPT);
    let a_week = br#"{"seconds": 604800, "boot": "another", "uptime": 0}"#;
    put(&house.dir, ".bosbase/elapsed.json", a_week);
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
