//! Snapshots: the data of one moment, as databases that can be opened.

use std::collections::BTreeSet;
use std::path::Path;

use bosbase_store::{LogEntry, PinnedDatabase, now};
use serde_json::{Map, json};

use crate::harness::{Engine, collection, count, create, insert};

#[allow(clippy::disallowed_methods, reason = "a fixture")]
fn copy(database: &mut PinnedDatabase, dir: &Path) {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 100_000]);
    loop {
        match database.read(&mut buffer).unwrap() {
            0 => break,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
    assert_eq!(bytes.len() as u64, database.len());
    std::fs::write(dir.join(database.name()), bytes).unwrap();
}

pub fn a_snapshot_is_of_one_moment_and_opens_as_a_database<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "text", "type": "text"})]),
    );
    let before = insert(&store, &notes, json!({"text": "before"}));
    store.write(|tx| tx.set_param("a", "before")).unwrap();
    let mut snapshot = store.snapshot().unwrap();
    insert(&store, &notes, json!({"text": "after"}));
    let of = notes.clone();
    store
        .write(move |tx| {
            tx.set_param("a", "after")?;
            tx.create_collection(&collection("later", &[]))?;
            tx.delete_record(&of, before.id())
        })
        .unwrap();
    assert_eq!(snapshot.param("a").unwrap().as_deref(), Some("before"));
    assert!(snapshot.schema.find("later").is_none());
    let dir = tempfile::tempdir().unwrap();
    for database in &mut snapshot.databases {
        copy(database, dir.path());
    }
    drop(snapshot);
    let restored = E::open_restored(dir.path());
    let notes = restored.schema().find("notes").unwrap().clone();
    assert_eq!(count(&restored, &notes), 1);
    assert_eq!(restored.read(|tx| tx.param("a")).unwrap().as_deref(), Some("before"));
    assert!(restored.agreement().disagreements.is_empty());
    restored.close().unwrap();
    assert_eq!(store.read(|tx| tx.param("a")).unwrap().as_deref(), Some("after"));
}

pub fn a_snapshot_names_the_files_of_its_records<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection(
            "notes",
            &[
                json!({"id": "1", "name": "one", "type": "file", "maxSelect": 1}),
                json!({"id": "2", "name": "many", "type": "file", "maxSelect": 5}),
                json!({"id": "3", "name": "text", "type": "text"}),
            ],
        ),
    );
    let first = insert(
        &store,
        &notes,
        json!({"one": "a.txt", "many": ["b.txt", "c d.txt"], "text": "x.txt"}),
    );
    insert(&store, &notes, json!({}));
    let snapshot = store.snapshot().unwrap();
    insert(&store, &notes, json!({"one": "later.txt"}));
    let named: BTreeSet<_> = snapshot
        .file_references()
        .map(|file| file.unwrap())
        .map(|file| (file.collection_id, file.record_id, file.file_name))
        .collect();
    let expected = ["a.txt", "b.txt", "c d.txt"].map(|name| (notes.id.clone(), first.id().to_owned(), name.to_owned()));
    assert_eq!(named, expected.into_iter().collect());
}

pub fn a_snapshot_of_both_databases_is_whole<E: Engine>() {
    let (_engine, store) = E::opened();
    let entry = LogEntry {
        id: "l00000000000001".to_owned(),
        created: now(),
        level: 0,
        message: "GET /".to_owned(),
        data: Map::new(),
    };
    store.logs().insert_many(vec![entry]).unwrap();
    let mut snapshot = store.snapshot().unwrap();
    let names: Vec<String> = snapshot.databases.iter().map(|one| one.name().to_owned()).collect();
    assert_eq!(names, ["data.db", "auxiliary.db"]);
    let dir = tempfile::tempdir().unwrap();
    for database in &mut snapshot.databases {
        database.integrity_check().unwrap();
        copy(database, dir.path());
    }
    let restored = E::open_restored(dir.path());
    assert_eq!(
        restored.logs().get("l00000000000001").unwrap().unwrap().message,
        "GET /"
    );
}
