//! Files on a real disk: placed, kept, removed, and found again after a crash.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex};

use bosbase_backup::DataDir;
use bosbase_disk::{Disk as _, LockFile, RealDisk, write_atomically};

use super::pending::{self, Removal};
use super::*;

/// Record id and file name of what the database names.
#[derive(Clone, Default)]
struct Known(Arc<Mutex<Vec<(String, String)>>>);

impl Known {
    fn add(&self, record: &str, name: &str) {
        self.0.lock().unwrap().push((record.to_owned(), name.to_owned()));
    }
}

impl References for Known {
    fn files_of(&self, _: &str, record: &str) -> io::Result<Option<HashSet<String>>> {
        let known = self.0.lock().unwrap();
        let names: HashSet<_> = known
            .iter()
            .filter(|(r, _)| r == record)
            .map(|(_, n)| n.clone())
            .collect();
        Ok((!names.is_empty()).then_some(names))
    }
}

fn known_store(dir: &tempfile::TempDir) -> (FileStore, Known) {
    let known = Known::default();
    let store = FileStore::new(
        Arc::new(RealDisk),
        &DataDir::at(dir.path()),
        Box::new(known.clone()),
        Box::new(Nowhere),
    );
    store.take_charge();
    (store, known)
}

fn store(dir: &tempfile::TempDir) -> FileStore {
    known_store(dir).0
}

fn stored(files: &FileStore, collection: &str, record: &str) -> String {
    let mut receiving = files.receive("note.txt").unwrap();
    receiving.write_all(b"hello").unwrap();
    let upload = receiving.finish().unwrap();
    let name = upload.name().to_owned();
    files.place(&mut files.begin(collection, record), &[&upload]).unwrap();
    name
}

#[test]
fn a_placed_file_is_read_back_with_its_type() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    let name = stored(&files, "c", "r");
    let file = files.open("c", "r", &name).unwrap();
    assert_eq!((file.len, file.content_type.as_str()), (5, "text/plain; charset=utf-8"));
    assert_eq!(
        files
            .local()
            .disk()
            .list(&files.local().state().uploads())
            .unwrap()
            .count(),
        0,
        "no temporary file is left"
    );
}

/// A change of a record that came with a file and had to start over failed with an internal error.
#[test]
fn a_file_may_be_placed_again() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    let mut receiving = files.receive("note.txt").unwrap();
    receiving.write_all(b"hello").unwrap();
    let upload = receiving.finish().unwrap();
    for _ in 0..2 {
        files.place(&mut files.begin("c", "r"), &[&upload]).unwrap();
    }
    assert_eq!(files.open("c", "r", upload.name()).unwrap().len, 5);
}

#[test]
fn a_dropped_upload_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    drop(files.receive("a").unwrap());
    drop(files.receive("b").unwrap().finish().unwrap());
    assert_eq!(
        files
            .local()
            .disk()
            .list(&files.local().state().uploads())
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn removing_takes_the_note_and_the_empty_folder_along() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    let name = stored(&files, "c", "r");
    files.remove_files("c", "r", vec![name]).unwrap();
    assert!(!dir.path().join("storage/c/r").exists());
}

#[test]
fn while_a_backup_runs_files_stay_and_are_removed_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    let name = stored(&files, "c", "r");
    let backup = LockFile::try_exclusive(&files.lock_path()).unwrap().unwrap();
    files.remove_files("c", "r", vec![name.clone()]).unwrap();
    files.purge_pending().unwrap();
    assert!(files.open("c", "r", &name).is_ok());
    drop(backup);
    files.purge_pending().unwrap();
    assert!(files.open("c", "r", &name).is_err());
    assert_eq!(
        files
            .local()
            .disk()
            .list(&files.local().state().pending_deletes())
            .unwrap()
            .count(),
        0
    );
}

/// A record deleted during a backup, that backup restored: what was to be removed is named again.
#[test]
fn a_pending_removal_spares_what_is_named_again() {
    let dir = tempfile::tempdir().unwrap();
    let (files, known) = known_store(&dir);
    let name = stored(&files, "c", "r");
    let backup = LockFile::try_exclusive(&files.lock_path()).unwrap().unwrap();
    files.remove_files("c", "r", vec![name.clone()]).unwrap();
    drop(backup);
    known.add("r", &name);
    files.purge_pending().unwrap();
    assert!(files.open("c", "r", &name).is_ok());
}

#[test]
fn a_pending_removal_that_fails_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    let name = stored(&files, "c", "r");
    let backup = LockFile::try_exclusive(&files.lock_path()).unwrap().unwrap();
    for impossible in ["..", "a/b", "."] {
        files.remove_files("c", impossible, vec!["x".to_owned()]).unwrap();
    }
    files.remove_files("c", "r", vec![name.clone()]).unwrap();
    drop(backup);
    assert!(files.purge_pending().is_err());
    assert!(files.open("c", "r", &name).is_err());
}

#[test]
fn emptying_a_collection_spares_records_that_live_or_are_being_made() {
    let dir = tempfile::tempdir().unwrap();
    let (files, known) = known_store(&dir);
    let gone = stored(&files, "c", "gone");
    let lives = stored(&files, "c", "lives");
    let made = stored(&files, "c", "made");
    let _in_flight = files.begin("c", "made");
    known.add("lives", &lives);
    files.remove_collection("c").unwrap();
    assert!(files.open("c", "gone", &gone).is_err());
    assert!(files.open("c", "lives", &lives).is_ok());
    assert!(files.open("c", "made", &made).is_ok());
}

#[test]
fn files_of_a_commit_that_a_crash_prevented_are_removed_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (files, known) = known_store(&dir);
    let place = |record| {
        let upload = files.receive("note.txt").unwrap().finish().unwrap();
        let mut in_flight = files.begin("c", record);
        files.place(&mut in_flight, &[&upload]).unwrap();
        // As a crash would: nothing is tidied up.
        std::mem::forget(in_flight);
        upload.name().to_owned()
    };
    let (lost, committed) = (place("lost"), place("committed"));
    known.add("committed", &committed);
    let next = FileStore::new(
        Arc::new(RealDisk),
        &DataDir::at(dir.path()),
        Box::new(known.clone()),
        Box::new(Nowhere),
    );
    next.clean_uploads().unwrap();
    assert!(next.open("c", "lost", &lost).is_err());
    assert!(next.open("c", "committed", &committed).is_ok());
    assert_eq!(
        next.local()
            .disk()
            .list(&next.local().state().undecided_files())
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_removal_that_a_crash_prevented_is_caught_up_on_if_its_commit_happened() {
    let dir = tempfile::tempdir().unwrap();
    let (files, known) = known_store(&dir);
    let (gone, kept) = (stored(&files, "c", "gone"), stored(&files, "c", "kept"));
    for (record, name) in [("gone", &gone), ("kept", &kept)] {
        let names = vec![name.clone()];
        let removal = files.intend(Removals::of_record("c", record, names));
        std::mem::forget(removal.unwrap());
    }
    known.add("kept", &kept);
    let next = FileStore::new(
        Arc::new(RealDisk),
        &DataDir::at(dir.path()),
        Box::new(known.clone()),
        Box::new(Nowhere),
    );
    next.clean_uploads().unwrap();
    assert!(next.open("c", "gone", &gone).is_err());
    assert!(next.open("c", "kept", &kept).is_ok());
}

/// The names of all files of a large collection made a note of more than 16 MiB, which nobody read any more; and no
/// removal that was written down beside it was carried out.
#[test]
fn a_removal_of_very_many_names_is_carried_out_and_keeps_no_other_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    let (first, second) = (stored(&files, "c", "r1"), stored(&files, "c", "r2"));
    let mut names: Vec<String> = (0..150_000).map(|n| format!("{}_{n}.txt", "x".repeat(120))).collect();
    names.push(first.clone());
    let backup = LockFile::try_exclusive(&files.lock_path()).unwrap().unwrap();
    files.remove_files("c", "r2", vec![second.clone()]).unwrap();
    let removal = Removal::Files {
        collection: "c".to_owned(),
        record: "r1".to_owned(),
        names,
    };
    let note = pending::remember(&RealDisk, &files.local().state().pending_deletes(), &removal).unwrap();
    assert!(RealDisk.metadata(&note).unwrap().len > 16 << 20);
    drop(backup);
    let mut all = pending::all(&RealDisk, &files.local().state().pending_deletes())
        .unwrap()
        .map(Result::unwrap);
    assert!(all.any(|(path, read)| path == note && read == removal));
    files.purge_pending().unwrap();
    assert!(files.open("c", "r1", &first).is_err() && files.open("c", "r2", &second).is_err());
    assert!(!note.exists());
}

#[test]
fn an_intent_without_its_commit_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    let name = stored(&files, "c", "r");
    drop(files.intend(Removals::of_record("c", "r", vec![name.clone()])).unwrap());
    files.clean_uploads().unwrap();
    assert!(files.open("c", "r", &name).is_ok());
}

#[test]
fn a_decided_commit_leaves_no_intent_behind() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    stored(&files, "c", "r");
    assert_eq!(
        files
            .local()
            .disk()
            .list(&files.local().state().undecided_files())
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn no_name_leads_out_of_the_storage() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(&dir);
    write_atomically(&RealDisk, &dir.path().join("data.db"), b"x").unwrap();
    for (collection, record, name) in [
        ("..", ".", "data.db"),
        ("c", "..", "../data.db"),
        ("c", "r", "../../data.db"),
    ] {
        assert!(files.open(collection, record, name).is_err());
        files.remove_files(collection, record, vec![name.to_owned()]).ok();
    }
    assert!(dir.path().join("data.db").exists());
}
