//! Writes: each happens or not, and what was acknowledged stays.

use std::sync::Arc;
use std::sync::mpsc::channel;

use bosbase_store::{Error, ErrorKind, ListQuery, Record, Store, Subject};
use serde_json::json;

use crate::harness::{Engine, collection, count, create, insert, record};

fn notes(store: &Store) -> Arc<bosbase_store::Collection> {
    create(
        store,
        &collection("notes", &[json!({"id": "1", "name": "text", "type": "text"})]),
    )
}

pub fn what_was_acknowledged_is_there_after_opening_again<E: Engine>() {
    let (engine, store) = E::opened();
    let notes = notes(&store);
    let kept = insert(&store, &notes, json!({"text": "kept"}));
    let gone = insert(&store, &notes, json!({"text": "gone"}));
    let mut changed = kept.clone();
    changed.values.insert("text".to_owned(), json!("changed"));
    let (update, of) = (changed.clone(), Arc::clone(&notes));
    store
        .write(move |tx| {
            tx.update_record(&update)?;
            tx.set_param("a", "1")?;
            tx.delete_record(&of, gone.id())
        })
        .unwrap();
    store.close().unwrap();
    let store = engine.open();
    let notes = Arc::clone(store.schema().find("notes").unwrap());
    assert_eq!(count(&store, &notes), 1);
    let found = store.read(|tx| tx.record(&notes, kept.id())).unwrap().unwrap();
    assert_eq!(found.values, changed.values);
    assert_eq!(store.read(|tx| tx.param("a")).unwrap().as_deref(), Some("1"));
}

pub fn a_write_sees_what_it_wrote_and_nobody_else_does_until_it_is_done<E: Engine>() {
    let (_engine, store) = E::opened();
    let (inner, reader) = (store.clone(), store.clone());
    let (told, seen) = channel();
    store
        .write(move |tx| {
            tx.create_collection(&collection("notes", &[]))?;
            let notes = Arc::clone(tx.schema().find("notes").unwrap());
            tx.insert_record(&record(&notes, json!({})))?;
            tx.set_param("a", "1")?;
            let _ = told.send((tx.count_records(&notes)?, tx.param("a")?));
            assert!(inner.schema().find("notes").is_none());
            let outside = reader.read(|tx| tx.param("a"))?;
            assert_eq!(outside, None);
            Ok::<_, Error>(())
        })
        .unwrap();
    assert_eq!(seen.recv().unwrap(), (1, Some("1".to_owned())));
    assert!(store.schema().find("notes").is_some());
}

pub fn an_error_or_a_panic_undoes_its_write_and_no_other<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = notes(&store);
    let outcomes: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..60)
            .map(|number| {
                let (store, record) = (&store, record(&notes, json!({"text": number.to_string()})));
                scope.spawn(move || {
                    let write = store.write(move |tx| {
                        tx.insert_record(&record)?;
                        match number % 3 {
                            0 => Err(Error::new(ErrorKind::Denied, "testing", "refused")),
                            1 => panic!("a bug in a handler"),
                            _ => Ok(()),
                        }
                    });
                    write.is_ok()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|done| **done).count(), 20);
    assert_eq!(count(&store, &notes), 20);
}

pub fn many_writers_lose_nothing<E: Engine>() {
    let (_engine, store) = E::opened();
    store.write(|tx| tx.set_param("count", "0")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    store
                        .write(|tx| {
                            let count: u64 = tx.param("count")?.unwrap_or_default().parse().unwrap();
                            tx.set_param("count", &(count + 1).to_string())
                        })
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(store.read(|tx| tx.param("count")).unwrap().as_deref(), Some("200"));
}

pub fn a_unique_index_refuses_and_names_its_columns<E: Engine>() {
    let (_engine, store) = E::opened();
    let mut notes = collection(
        "notes",
        &[
            json!({"id": "1", "name": "a", "type": "text"}),
            json!({"id": "2", "name": "b", "type": "text"}),
        ],
    );
    notes.indexes = vec!["CREATE UNIQUE INDEX `both` ON `notes` (`a`, `b`)".to_owned()];
    let notes = create(&store, &notes);
    insert(&store, &notes, json!({"a": "1", "b": "1"}));
    let other = insert(&store, &notes, json!({"a": "1", "b": "2"}));
    let twice = record(&notes, json!({"a": "1", "b": "1"}));
    let mut changed = other;
    changed.values.insert("b".to_owned(), json!("1"));
    for error in [
        store.write(move |tx| tx.insert_record(&twice)).unwrap_err(),
        store.write(move |tx| tx.update_record(&changed)).unwrap_err(),
    ] {
        let columns = Subject::Columns(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Unique, Some(&columns)));
    }
    assert_eq!(count(&store, &notes), 2);
}

pub fn records_that_give_way_can_swap_what_an_index_keeps_unique<E: Engine>() {
    let (_engine, store) = E::opened();
    let mut notes = collection("notes", &[json!({"id": "1", "name": "a", "type": "text"})]);
    notes.indexes = vec!["CREATE UNIQUE INDEX `one` ON `notes` (`a`)".to_owned()];
    let notes = create(&store, &notes);
    let [one, two, three] = ["1", "2", "3"].map(|a| insert(&store, &notes, json!({"a": a})));
    let having = |record: &Record, a: &str| {
        let mut changed = record.clone();
        changed.values.insert("a".to_owned(), json!(a));
        changed
    };
    let (one_then, two_then) = (having(&one, "2"), having(&two, "1"));
    let (written, missing) = ([one_then.clone(), two_then.clone()], record(&notes, json!({"a": "4"})));
    store
        .write(move |tx| {
            assert!(tx.give_way(written.iter().chain([&missing]))?.is_empty());
            assert_eq!(tx.count_records(&missing.collection)?, 3);
            written.iter().rev().try_for_each(|record| tx.update_record(record))
        })
        .unwrap();
    let mut stored = Vec::new();
    let by_place = ListQuery {
        sort: "@rowid".to_owned(),
        ..ListQuery::default()
    };
    let listed = store.read(|tx| {
        tx.all_records(&notes, &by_place, |record| {
            stored.push((record.id().to_owned(), record.text("a").to_owned()));
            true
        })
    });
    listed.unwrap();
    let places = [&one_then, &two_then, &three].map(|record| (record.id().to_owned(), record.text("a").to_owned()));
    assert_eq!(stored, places);

    let taken = having(&one, "3");
    let error = store
        .write(move |tx| {
            tx.give_way([&taken])?;
            tx.update_record(&taken)
        })
        .unwrap_err();
    let columns = Subject::Columns(vec!["a".to_owned()]);
    assert_eq!((error.kind(), error.subject()), (ErrorKind::Unique, Some(&columns)));
    assert_eq!(store.read(|tx| tx.record(&notes, one.id())).unwrap(), Some(one_then));
}

pub fn what_is_not_there_is_said_to_be_missing<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = notes(&store);
    let (missing, of) = (record(&notes, json!({})), Arc::clone(&notes));
    let update = missing.clone();
    let error = store.write(move |tx| tx.update_record(&update)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let id = missing.id().to_owned();
    assert!(!store.write(move |tx| tx.delete_record(&of, &id)).unwrap());
    assert_eq!(store.read(|tx| tx.record(&notes, missing.id())).unwrap(), None);
}

pub fn a_write_inside_of_a_write_is_refused<E: Engine>() {
    let (_engine, store) = E::opened();
    let inner = store.clone();
    let error = store
        .write(move |_| inner.write(|tx| tx.set_param("a", "1")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database);
}

pub fn a_closed_store_says_so<E: Engine>() {
    let (_engine, store) = E::opened();
    let clone = store.clone();
    store.close().unwrap();
    assert_eq!(clone.read(|tx| tx.param("a")).unwrap_err().kind(), ErrorKind::Closed);
    let written = clone.write(|tx| tx.set_param("a", "1"));
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(clone.snapshot().err().unwrap().kind(), ErrorKind::Closed);
}
