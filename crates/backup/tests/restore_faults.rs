//! At every operation of a restore that can fail: all of the old data or all of the new, and at the next start all is
//! settled.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use bosbase_backup::restore::{available_undo, last_outcome};
use bosbase_backup::{Error, NoSteps};
use bosbase_disk::fault::Fault;

use common::files;
use common::house::House;

/// The whole way of a restore, from the archive to the confirmation or the roll-back.
fn run(house: &House, opens: bool) -> Result<(), (bool, Error)> {
    house.stage_and_commit().map_err(|e| (false, e))?;
    if opens {
        house.start().map(drop).map_err(|e| (true, e))
    } else {
        house.start_and_fail_to_open().map(drop).map_err(|e| (true, e))
    }
}

/// Lets operation after operation fail, until a run gets through without meeting the fault; returns how many there
/// were.
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
    matrix(House::remote_files, true, Fault::PowerCut, false);
    matrix(House::remote_files, false, Fault::PowerCut, false);
}

#[test]
fn a_power_cut_at_every_operation_leaves_all_old_or_all_new() {
    matrix(House::new, true, Fault::PowerCut, true);
    matrix(House::mounted, true, Fault::PowerCut, true);
    matrix(House::new, false, Fault::PowerCut, true);
    matrix(House::mounted, false, Fault::PowerCut, true);
    matrix(House::remote_files, true, Fault::PowerCut, true);
    matrix(House::remote_files, false, Fault::PowerCut, true);
}

#[test]
fn a_kill_at_every_request_leaves_the_old_data_and_its_files() {
    for at in 1.. {
        let house = House::remote_files();
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
        matrix(House::remote_files, true, fault, false);
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
