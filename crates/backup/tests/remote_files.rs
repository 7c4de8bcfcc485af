//! Uploaded files that do not lie on the disk: in backups, and put back by restores, also if something fails.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bosbase_backup::restore::{self, Recovered, Site, StagedCheck, recover, stage};
use bosbase_backup::{
    BackupKey, CreatePlan, CreateReport, DataDir, ErrorKind, NoProgress, NoSteps, Progress, Result, Sources,
    Storage as _, create,
};
use bosbase_disk::{Disk, RealDisk};
use jiff::Timestamp;

use common::files::{Fault, MemoryFiles, RemoteFiles};
use common::{Bytes, data, folder_in_memory, noise, open, put, storage};

const KEY: &str = "a.zip";
const NOTE: &[u8] = br#"{"user.content_type":"text/plain"}"#;

struct House {
    _root: tempfile::TempDir,
    dir: DataDir,
    files: MemoryFiles,
}

/// The names that the records of these tests name.
fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("storage/{name}")).collect()
}

impl House {
    fn new() -> Self {
        let root = folder_in_memory();
        let dir = DataDir::at(root.path().join("pb_data"));
        put(&dir, "storage/c/r/local.txt", b"on the disk");
        Self {
            _root: root,
            dir,
            files: MemoryFiles::default(),
        }
    }

    fn back_up(&self, names: Vec<String>, progress: &dyn Progress) -> Result<(CreatePlan, CreateReport)> {
        let sources = Sources {
            data_dir: self.dir.clone(),
            databases: vec![Bytes::database("data.db", 9000)],
            required_files: Box::new(names.into_iter().map(Ok)),
            remote_files: Some(&self.files),
        };
        let key = BackupKey::existing(KEY)?;
        let plan = create::plan(&RealDisk, &key, Timestamp::now(), &sources)?;
        let storage = storage(&self.dir);
        let created = create::perform(&RealDisk, &plan, sources, &storage, progress, &NoSteps)?;
        let report = created.report().clone();
        created.prove(&storage, progress, &NoSteps)?;
        Ok((plan, report))
    }

    /// What the archive holds.
    fn packed(&self) -> BTreeMap<String, Vec<u8>> {
        let mut packed = BTreeMap::new();
        open(&self.dir, KEY)
            .unwrap()
            .read_all(&NoProgress, |entry, contents| {
                let mut bytes = Vec::new();
                contents.read_to_end(&mut bytes).unwrap();
                assert!(packed.insert(entry.path.to_string(), bytes).is_none(), "{}", entry.path);
                Ok(())
            })
            .unwrap();
        packed
    }

    fn site(&self) -> Site<'_> {
        Site {
            disk: &RealDisk as &dyn Disk,
            data_dir: &self.dir,
            steps: &NoSteps,
            now: Timestamp::now(),
        }
    }
}

#[test]
fn a_backup_holds_what_records_name_wherever_it_lies() {
    let house = House::new();
    house.files.add("c/r/far.txt", b"far away", Some(NOTE));
    house.files.add("c/r/bare.bin", &noise(3000), None);
    house.files.add("c/r/long.bin", &noise(3 << 20), Some(NOTE));
    house.files.add("c/r/empty", b"", None);
    house.files.add("c/r/orphan.txt", b"no record names it", None);
    house.files.add("c/r/local.txt", b"left from before", Some(NOTE));
    // A file that is named twice, one with its note on the disk still, names that are no files.
    let mut names = named(&[
        "c/r/far.txt",
        "c/r/long.bin",
        "c/r/local.txt",
        "c/r/bare.bin",
        "c/r/empty",
        "c/r/far.txt",
    ]);
    put(&house.dir, "storage/c/r/bare.bin.attrs", b"from the disk");
    names.extend(named(&["c/r/gone.txt", "c/r/too/deep"]));
    names.push("storage/../data.db".to_owned());
    let (plan, report) = house.back_up(names, &NoProgress).unwrap();
    assert_eq!(plan.remote_files.unwrap().files, 6);
    assert_eq!(
        report.missing.first,
        ["storage/c/r/too/deep", "storage/../data.db", "storage/c/r/gone.txt"]
    );
    let packed = house.packed();
    let names: Vec<&str> = packed.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "data.db",
            "storage/c/r/bare.bin",
            "storage/c/r/bare.bin.attrs",
            "storage/c/r/empty",
            "storage/c/r/far.txt",
            "storage/c/r/far.txt.attrs",
            "storage/c/r/local.txt",
            "storage/c/r/long.bin",
            "storage/c/r/long.bin.attrs",
        ]
    );
    assert_eq!(packed["storage/c/r/far.txt.attrs"], NOTE);
    assert_eq!(packed["storage/c/r/bare.bin.attrs"], b"from the disk");
    assert_eq!(packed["storage/c/r/local.txt"], b"on the disk");
    assert!(packed["storage/c/r/long.bin"] == noise(3 << 20));
    let archive = open(&house.dir, KEY).unwrap();
    let far = archive
        .entries()
        .map(Result::unwrap)
        .find(|e| e.path.as_str() == "storage/c/r/far.txt");
    assert_eq!(far.unwrap().modified, Timestamp::from_second(1_700_000_000).ok());
    assert!(plan.longest_archive().unwrap() > report.backup.size);
}

/// What fails when there are many files, of all lengths.
fn house_of_many() -> (House, Vec<String>) {
    let house = House::new();
    let mut names = Vec::new();
    for n in 0..150 {
        let len = if n % 40 == 7 { (1 << 20) + n } else { n * 31 % 5000 };
        house
            .files
            .add(&format!("c/r{n}/f"), &noise(len), (n % 2 == 0).then_some(NOTE));
        names.push(format!("storage/c/r{n}/f"));
    }
    (house, names)
}

#[test]
fn a_backup_whose_files_cannot_all_be_had_is_not_one() {
    let kind_of = |at, fault| {
        let (house, names) = house_of_many();
        house.files.arm(at, fault);
        let error = house.back_up(names, &NoProgress).unwrap_err();
        assert!(house.files.calls() >= at);
        assert_eq!(storage(&house.dir).list().unwrap(), []);
        assert!(
            std::fs::read_dir(house.dir.join("backups")).map_or(0, Iterator::count) == 0,
            "debris"
        );
        error.kind()
    };
    for at in [1, 2, 3, 50, 300] {
        for fault in [Fault::Unreachable, Fault::Once] {
            assert_eq!(kind_of(at, fault), ErrorKind::Unreachable, "{fault:?} at {at}");
        }
    }
    // The first call measures; the second is made by a thread of its own.
    assert_eq!(kind_of(2, Fault::Panic), ErrorKind::Io);
}

#[test]
fn many_files_are_fetched_at_a_time() {
    let house = House::new();
    let names: Vec<_> = (0..640).map(|n| format!("storage/c/r{n}/f")).collect();
    names
        .iter()
        .for_each(|name| house.files.add(&name[8..], b"short", None));
    house.files.delay(Duration::from_millis(20));
    let begun = Instant::now();
    house.back_up(names, &NoProgress).unwrap();
    // One by one it would take 640 × 3 × 20 ms.
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert!(
        (8..=32).contains(&house.files.most_under_way()),
        "{}",
        house.files.most_under_way()
    );
}

#[test]
fn a_backup_comes_back_onto_the_disk_or_elsewhere() {
    let (house, names) = house_of_many();
    put(&house.dir, "storage/c/r/thumbs_local.txt/10x10_local.txt", b"thumbnail");
    put(&house.dir, "storage/c/r/local.txt.attrs", NOTE);
    put(&house.dir, "storage/c/r/sheet.attrs", b"uploaded under this name");
    house.back_up(names, &NoProgress).unwrap();
    let mut packed = house.packed();
    let key = BackupKey::existing(KEY).unwrap();
    let restore = |check: &dyn StagedCheck| {
        let archive = open(&house.dir, KEY).unwrap();
        let staged = stage(house.site(), &archive, &key, check, &NoProgress).unwrap();
        assert_eq!(staged.checked().entries + 1, archive.entry_count());
        assert!(staged.checked().manifest.is_some());
        drop(staged.commit().unwrap());
        let Recovered::Switched(switched) = recover(house.site()).unwrap().state else {
            panic!("it is due")
        };
        assert!(switched.confirm().unwrap().succeeded);
    };
    // Onto the disk: as if all had always lain there.
    restore(&common::Fine);
    assert!(data(&house.dir) == packed);
    // RemoteFiles, from an archive whose files partly come from a disk.
    let remote_files = MemoryFiles::default();
    restore(&RemoteFiles(remote_files.clone()));
    let here = ["data.db", "storage/c/r/thumbs_local.txt/10x10_local.txt"];
    assert_eq!(data(&house.dir).into_keys().collect::<Vec<_>>(), here);
    here.iter().for_each(|name| drop(packed.remove(*name)));
    let mut expected = house.files.files();
    for (name, note) in [("c/r/local.txt", Some(NOTE)), ("c/r/sheet.attrs", None)] {
        house.files.add(name, &packed[&format!("storage/{name}")], note);
        expected.insert(name.to_owned(), house.files.files()[name].clone());
    }
    let found = remote_files.files();
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, file) in found {
        assert!(
            file.bytes == expected[&name].bytes && file.note == expected[&name].note,
            "{name}"
        );
        if name.ends_with("/f") {
            assert_eq!(file.modified, expected[&name].modified, "{name}");
        }
    }
    // Once more, where all is there already.
    remote_files.arm(u64::MAX, Fault::Once);
    restore(&RemoteFiles(remote_files.clone()));
    assert_eq!(remote_files.files().len(), expected.len());
    assert!(restore::available_undo(&house.site()).unwrap().is_some());
}

/// Wants the work to end as soon as something hangs.
struct Impatient(MemoryFiles);

impl Progress for Impatient {
    fn total(&self, _: u64) {}
    fn advance(&self, _: u64) {}
    fn cancelled(&self) -> bool {
        self.0.hangs()
    }
}

#[test]
fn a_backup_that_hangs_can_be_cancelled() {
    for at in [2, 40, 300] {
        let (house, names) = house_of_many();
        house.files.arm(at, Fault::Hang);
        let error = house.back_up(names, &Impatient(house.files.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        assert_eq!(std::fs::read_dir(house.dir.join("backups")).unwrap().count(), 0);
    }
}

/// A data directory with other data in it, and a place elsewhere with other files, beside the backup of a house of
/// many.
struct Restoring {
    house: House,
    remote_files: MemoryFiles,
}

impl Restoring {
    fn new() -> Self {
        let (house, names) = house_of_many();
        house.back_up(names, &NoProgress).unwrap();
        put(&house.dir, "data.db", b"SQLite format 3\0 old");
        let remote_files = MemoryFiles::default();
        remote_files.add("c/r7/f", &noise((1 << 20) + 7), None);
        remote_files.add("c/r8/f", &noise(8 * 31), None);
        remote_files.add("c/old/f", b"only the old data names it", None);
        Self { house, remote_files }
    }

    fn stage(&self, progress: &dyn Progress) -> Result<restore::Staged<'_>> {
        let archive = open(&self.house.dir, KEY)?;
        let key = BackupKey::existing(KEY)?;
        let check = RemoteFiles(self.remote_files.clone());
        stage(self.house.site(), &archive, &key, &check, progress)
    }

    /// How many calls a restore that goes well makes.
    fn calls() -> u64 {
        let restoring = Self::new();
        restoring.remote_files.arm(u64::MAX, Fault::Once);
        drop(restoring.stage(&NoProgress).unwrap());
        restoring.remote_files.calls()
    }

    /// Fails with an error of this kind, and leaves everything as it was; `cleared` unless the next start has to see to
    /// it.
    fn assert_fails(&self, progress: &dyn Progress, kind: ErrorKind, cleared: bool, what: &str) {
        let (data_before, files_before) = (data(&self.house.dir), self.remote_files.files());
        let error = self
            .stage(progress)
            .err()
            .unwrap_or_else(|| panic!("{what}: it went well"));
        assert_eq!(error.kind(), kind, "{what}: {error}");
        if cleared {
            assert!(self.remote_files.files() == files_before, "{what}: files are left");
        }
        self.remote_files.restart(false);
        assert!(
            self.remote_files.files() == files_before,
            "{what}: files are left behind the next start"
        );
        assert!(data(&self.house.dir) == data_before, "{what}");
        assert!(
            matches!(recover(self.house.site()).unwrap().state, Recovered::Clean),
            "{what}"
        );
        let debris = std::fs::read_dir(self.house.dir.join(".bosbase")).unwrap();
        let debris: Vec<_> = debris.map(|e| e.unwrap().file_name()).collect();
        assert!(debris.is_empty(), "{what}: {debris:?}");
    }
}

#[test]
fn a_restore_whose_files_cannot_all_be_put_changes_nothing() {
    let calls = Restoring::calls();
    assert!(calls > 450, "{calls}");
    for at in [1, 2, 5, 100, 250, calls - 1, calls] {
        let once = Restoring::new();
        once.remote_files.arm(at, Fault::Once);
        once.assert_fails(&NoProgress, ErrorKind::Unreachable, true, &format!("once at {at}"));
        let gone = Restoring::new();
        gone.remote_files.arm(at, Fault::Unreachable);
        gone.assert_fails(
            &NoProgress,
            ErrorKind::Unreachable,
            false,
            &format!("gone from {at} on"),
        );
    }
}

#[test]
fn a_restore_that_hangs_can_be_cancelled() {
    let calls = Restoring::calls();
    for at in [1, 30, calls / 2, calls - 1] {
        let hanging = Restoring::new();
        hanging.remote_files.arm(at, Fault::Hang);
        let impatient = Impatient(hanging.remote_files.clone());
        hanging.assert_fails(&impatient, ErrorKind::Cancelled, true, &format!("hangs at {at}"));
    }
}

#[test]
fn a_thread_that_dies_while_it_puts_a_file_fails_the_restore() {
    let dying = Restoring::new();
    // Long files are put by the threads that unpack them, whose end is told otherwise; there are four of those.
    dying.remote_files.only_short(true);
    dying.remote_files.arm(60, Fault::Panic);
    dying.assert_fails(&NoProgress, ErrorKind::Io, true, "dies");
}

#[test]
fn what_is_there_already_is_never_replaced() {
    for (name, bytes) in [
        ("c/r3/f", b"another short one".to_vec()),
        ("c/r5/f", noise(5 * 31 + 1)),
        ("c/r47/f", noise((1 << 20) + 46)),
        ("c/r87/f", vec![0; (1 << 20) + 87]),
    ] {
        let restoring = Restoring::new();
        restoring.remote_files.add(name, &bytes, None);
        let error = restoring.stage(&NoProgress).err().unwrap();
        assert!(error.to_string().contains(&format!("storage/{name}")), "{error}");
        restoring.remote_files.restart(false);
        restoring.assert_fails(&NoProgress, ErrorKind::AlreadyExists, true, name);
    }
}

#[test]
fn no_file_is_put_that_the_archive_does_not_vouch_for() {
    let restoring = Restoring::new();
    let path = restoring.house.dir.join("backups").join(KEY);
    let whole = std::fs::read(&path).unwrap();
    let files = restoring.house.files.files();
    let (mut refused, mut unharmed) = (0, 0);
    for at in (2000..whole.len() - 60_000).step_by(whole.len() / 40) {
        let mut broken = whole.clone();
        broken[at] ^= 0x40;
        std::fs::write(&path, &broken).unwrap();
        // What is put and differs from the backup's files panics.
        restoring.remote_files.check_against(files.clone());
        let before = restoring.remote_files.files();
        match restoring.stage(&NoProgress) {
            // Versions, times and attributes in an entry's header say nothing about its contents.
            Ok(staged) => {
                staged.abandon().unwrap();
                restoring.remote_files.restart(false);
                assert!(restoring.remote_files.files() == before, "byte {at}: files are left");
                unharmed += 1;
            }
            Err(_) => {
                restoring.remote_files.restart(false);
                restoring.assert_fails(&NoProgress, ErrorKind::InvalidArchive, true, &format!("byte {at}"));
                refused += 1;
            }
        }
    }
    assert!(refused > 30 && unharmed < 4, "{refused} refused, {unharmed} unharmed");
}

#[test]
fn files_that_go_elsewhere_need_no_room_on_the_disk() {
    use bosbase_disk::fault::FaultDisk;

    let house = House::new();
    house.files.add("c/r/long.bin", &vec![7; 40 << 20], None);
    house.back_up(named(&["c/r/long.bin"]), &NoProgress).unwrap();
    let (archive, key) = (open(&house.dir, KEY).unwrap(), BackupKey::existing(KEY).unwrap());
    let graves = house.dir.with_file_name("graves");
    std::fs::create_dir(&graves).unwrap();
    let disk = FaultDisk::new(&graves);
    let site = Site {
        disk: &disk,
        ..house.site()
    };
    // A restore that leaves an undo, which is given up for the next one's sake where that stays on the disk.
    drop(
        stage(site, &archive, &key, &RemoteFiles(house.files.clone()), &NoProgress)
            .unwrap()
            .commit()
            .unwrap(),
    );
    let Recovered::Switched(switched) = recover(site).unwrap().state else {
        panic!("it is due")
    };
    switched.confirm().unwrap();
    disk.set_space_left(Some(34 << 20));
    restore::check_room(&site, &archive).unwrap();
    stage(site, &archive, &key, &RemoteFiles(house.files.clone()), &NoProgress)
        .unwrap()
        .abandon()
        .unwrap();
    assert!(restore::available_undo(&site).unwrap().is_some());
    let error = stage(site, &archive, &key, &common::Fine, &NoProgress).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    assert!(restore::available_undo(&site).unwrap().is_none());
    let left: Vec<_> = std::fs::read_dir(house.dir.join(".bosbase"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .filter(|name| name != "elapsed.json")
        .collect();
    assert_eq!(left, ["last-restore.json"]);
    // An archive that hints at nothing is taken to need it.
    let local = House::new();
    put(&local.dir, "storage/c/r/long.bin", &vec![7; 40 << 20]);
    let sources = Sources {
        data_dir: local.dir.clone(),
        databases: vec![Bytes::database("data.db", 9000)],
        required_files: Box::new(std::iter::empty()),
        remote_files: None,
    };
    common::make(&local.dir, KEY, sources).unwrap();
    let error = restore::check_room(&site, &open(&local.dir, KEY).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace);
}
