//! Snapshots: one point in time, whole, while writing goes on.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a test")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bosbase_store::{
    ErrorKind, LogEntry, PinnedDatabase, Record, StillDatabase, Store, StoreOptions, check_application, check_database,
    new_id, now,
};
use serde_json::{Map, json};

fn copy(database: &mut PinnedDatabase, dir: &Path) -> u64 {
    let mut bytes = Vec::new();
    // Room for less than a page, for some and a bit, for more than are fetched at once.
    let mut buffer = vec![0; 700_001];
    for room in [10_007, 1_000, 700_001].into_iter().cycle() {
        let count = database.read(&mut buffer[..room]).unwrap();
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(bytes.len() as u64, database.len());
    std::fs::write(dir.join(database.name()), &bytes).unwrap();
    bytes.len() as u64
}

#[test]
fn a_snapshot_under_load_is_whole_and_of_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    let users = Arc::clone(store.schema().find("users").unwrap());
    let (written, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let (store, users, written, stop) = (
                store.clone(),
                Arc::clone(&users),
                Arc::clone(&written),
                Arc::clone(&stop),
            );
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let id = new_id();
                    let values: Map<_, _> = [
                        ("id".to_owned(), json!(id)),
                        ("tokenKey".to_owned(), json!(id)),
                        ("name".to_owned(), json!("x".repeat(3_000))),
                        ("avatar".to_owned(), json!(format!("{writer}.png"))),
                    ]
                    .into_iter()
                    .collect();
                    let record = Record {
                        collection: Arc::clone(&users),
                        values,
                    };
                    // A record and a count of the records, in one transaction.
                    let counted = Arc::clone(&users);
                    store
                        .write(move |tx| {
                            tx.insert_record(&record)?;
                            let count = tx.count_records(&counted)?;
                            tx.set_param("count", &count.to_string())
                        })
                        .unwrap();
                    written.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for round in 0..3 {
        while written.load(Ordering::SeqCst) < 100 * (round + 1) {
            std::thread::yield_now();
        }
        let acknowledged = written.load(Ordering::SeqCst);
        let mut snapshot = store.snapshot().unwrap();
        let files = snapshot.file_references().map(Result::unwrap).count() as u64;
        assert!(files >= acknowledged, "an acknowledged write is missing");
        let copied = tempfile::tempdir().unwrap();
        for database in &mut snapshot.databases {
            database.integrity_check().unwrap();
            assert!(copy(database, copied.path()) > 0);
        }
        drop(snapshot);
        check_application(copied.path()).unwrap();
        for name in ["data.db", "auxiliary.db"] {
            check_database(&copied.path().join(name), &Arc::default()).unwrap();
            assert!(!copied.path().join(format!("{name}-wal")).exists());
        }
        let restored = Store::open(&StoreOptions::new(copied.path())).unwrap();
        let users = Arc::clone(restored.schema().find("users").unwrap());
        let (count, noted) = restored
            .read(|tx| Ok::<_, bosbase_store::Error>((tx.count_records(&users)?, tx.param("count")?.unwrap())))
            .unwrap();
        assert_eq!((count, noted), (files, files.to_string()));
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().unwrap();
    }
}

#[test]
fn a_check_that_is_given_up_ends_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    store
        .write(|tx| (0..5_000).try_for_each(|n| tx.set_param(&format!("key {n}"), &"x".repeat(500))))
        .unwrap();
    store.close().unwrap();
    let path = dir.path().join("data.db");
    let given_up = Arc::new(AtomicBool::new(true));
    let error = check_database(&path, &given_up).unwrap_err();
    assert_eq!(error.kind(), bosbase_store::ErrorKind::TimedOut, "{error}");
    given_up.store(false, Ordering::Relaxed);
    check_database(&path, &given_up).unwrap();
}

#[test]
fn the_bytes_of_a_snapshot_are_those_of_the_file_after_a_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    store.write(|tx| tx.set_param("a", &"x".repeat(50_000))).unwrap();
    let copied = tempfile::tempdir().unwrap();
    for database in &mut store.snapshot().unwrap().databases {
        copy(database, copied.path());
    }
    let (from, to) = (dir.path().join("auxiliary.db"), copied.path().join("auxiliary.db"));
    store.close().unwrap();
    assert_eq!(std::fs::read(from).unwrap(), std::fs::read(to).unwrap());
}

#[test]
fn the_log_is_listed_filtered_counted_and_cut() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    let entries = (0..5)
        .map(|number| LogEntry {
            id: new_id(),
            created: format!("2026-11-23 0{number}:17:03.216Z"),
            level: if number == 4 { 8 } else { 0 },
            message: format!("GET /{number}"),
            data: [("status".to_owned(), json!(200 + number))].into_iter().collect(),
        })
        .collect();
    store.logs().insert_many(entries).unwrap();
    let list = |filter: &str, sort: &str, per_page| {
        let query = bosbase_store::ListLogs {
            page: bosbase_store::PageRequest {
                per_page,
                ..Default::default()
            },
            filter: filter.into(),
            sort: sort.into(),
        };
        store.logs().list(&query)
    };
    let page = list("level = 0 && data.status > 200", "-created", 2).unwrap();
    let messages: Vec<_> = page.items.iter().map(|entry| entry.message.as_str()).collect();
    assert_eq!(
        (messages.as_slice(), page.total_items, page.total_pages),
        (&["GET /3", "GET /2"][..], 3, 2)
    );
    assert!(list("nope = 1", "", 0).is_err());
    let stats = store.logs().stats("level > 0").unwrap();
    assert_eq!(
        (stats.len(), stats[0].date.as_str(), stats[0].total),
        (1, "2026-11-23 04:00:00.000Z", 1)
    );
    let one = &page.items[0];
    assert_eq!(store.logs().get(&one.id).unwrap().as_ref(), Some(one));
    assert_eq!(store.logs().delete_before("2026-11-23 02:17:03.216Z").unwrap(), 3);
    assert_eq!(store.logs().delete_before(&now()).unwrap_or_default(), 2);
}

/// A reader kept a cleanup from being folded in, and its length kept every further line away until the next start.
#[test]
fn what_a_reader_kept_in_the_write_ahead_log_is_folded_in_when_that_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    let reader = rusqlite::Connection::open(dir.path().join("auxiliary.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT COUNT(*) FROM _logs;").unwrap();
    let entries = (0..3_000)
        .map(|_| LogEntry {
            id: new_id(),
            created: now(),
            level: 0,
            message: "x".repeat(4_000),
            data: Map::new(),
        })
        .collect();
    store.logs().insert_many(entries).unwrap();
    store.logs().fold_in().unwrap();
    let kept = store.logs().unfolded_bytes();
    assert!(kept > 8 << 20, "{kept}");
    drop(reader);
    assert_eq!(store.logs().unfolded_bytes(), kept, "nobody tries again by himself");
    store.logs().fold_in().unwrap();
    assert_eq!(store.logs().unfolded_bytes(), 0);
}

#[test]
fn a_store_closes_under_a_snapshot_that_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    let mut snapshot = store.snapshot().unwrap();
    store.write(|tx| tx.set_param("after", "1")).unwrap();
    let began = std::time::Instant::now();
    store.close().unwrap();
    assert!(began.elapsed().as_secs() < 5);
    let copied = tempfile::tempdir().unwrap();
    for database in &mut snapshot.databases {
        copy(database, copied.path());
    }
    drop(snapshot);
    let value = |dir: &Path| {
        let store = Store::open(&StoreOptions::new(dir)).unwrap();
        store.read(|tx| tx.param("after")).unwrap()
    };
    assert_eq!(value(copied.path()), None);
    assert_eq!(value(dir.path()).as_deref(), Some("1"));
}

/// A damaged archive brought an index whose root was an empty page of a table. `PRAGMA integrity_check` said "ok" and
/// every create answered 500.
#[test]
fn a_root_page_of_the_wrong_kind_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.db");
    let empty = |kind: u8, page_size: usize| {
        let mut page = vec![kind, 0, 0, 0, 0];
        page.extend(u16::try_from(page_size % 65_536).unwrap().to_be_bytes());
        page.push(0);
        page
    };
    for page_size in [512, 4096, 65_536] {
        for (name, kind) in [("by_x", 0x0d), ("t", 0x0a), ("w", 0x0d)] {
            let connection = rusqlite::Connection::open(&path).unwrap();
            let made = format!(
                "PRAGMA page_size = {page_size}; CREATE TABLE t (x UNIQUE); CREATE INDEX by_x ON t (x);
                 CREATE TABLE w (x PRIMARY KEY) WITHOUT ROWID;"
            );
            connection.execute_batch(&made).unwrap();
            let root: u32 = connection
                .query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?", [name], |row| {
                    row.get(0)
                })
                .unwrap();
            connection.close().unwrap();
            check_database(&path, &Arc::default()).unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            let (at, page) = ((root as usize - 1) * page_size, empty(kind, page_size));
            bytes[at..at + page.len()].copy_from_slice(&page);
            std::fs::write(&path, bytes).unwrap();
            let error = check_database(&path, &Arc::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
            // A proof must not say that it is whole, and a restore refuse it.
            let mut still = StillDatabase::open(&path, "data.db").unwrap();
            let error = still.integrity_check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
            drop(still);
            std::fs::remove_file(&path).unwrap();
        }
    }
}
