//! The store from outside: what is written is there, alone or together with others, or not at all.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test, which looks at the disk from outside"
)]

use std::sync::Arc;

use bosbase_store::{
    Collection, Error, ErrorKind, ListQuery, Record, Store, StoreOptions, Subject, new_id, new_secret, now,
};
use serde_json::{Map, json};

fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(&StoreOptions::new(dir.path())).unwrap()
}

fn user(collection: &Arc<Collection>, email: &str) -> Record {
    let mut values = Map::new();
    values.insert("id".into(), json!(new_id()));
    values.insert("email".into(), json!(email));
    values.insert("tokenKey".into(), json!(new_secret()));
    values.insert("verified".into(), json!(true));
    values.insert("created".into(), json!(now()));
    Record {
        collection: Arc::clone(collection),
        values,
    }
}

#[test]
fn a_fresh_directory_has_the_system_collections_and_keeps_records() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let names: Vec<String> = store.schema().all().iter().map(|c| c.name.clone()).collect();
    assert_eq!(names.len(), 6);
    let users = Arc::clone(store.schema().find("users").unwrap());
    let first = user(&users, "a@example.com");
    let (id, stored) = (first.id().to_owned(), first.clone());
    store.write(move |tx| tx.insert_record(&stored)).unwrap();

    let found = store
        .read(|tx| tx.find_record(&users, "email", "a@example.com", true))
        .unwrap()
        .unwrap();
    assert_eq!(found.id(), id);
    assert!(found.flag("verified"));
    assert_eq!(found.text("avatar"), "");

    let mut changed = found;
    changed.values.insert("name".into(), json!("Ä 'quoted'"));
    let updated = changed.clone();
    store.write(move |tx| tx.update_record(&updated)).unwrap();
    store.close().unwrap();

    let store = open(&dir);
    assert_eq!(store.schema().all().len(), 6);
    let again = store.read(|tx| tx.record(&users, &id)).unwrap().unwrap();
    assert_eq!(again.values, changed.values);
    assert_eq!(store.read(|tx| tx.count_records(&users)).unwrap(), 1);
    let gone = id.clone();
    let collection = Arc::clone(&users);
    assert!(store.write(move |tx| tx.delete_record(&collection, &gone)).unwrap());
    assert_eq!(store.read(|tx| tx.record(&users, &id)).unwrap(), None);
}

#[test]
fn a_change_writes_the_columns_that_are_others_and_no_index_of_the_rest() {
    const FRAME: u64 = 24 + 4096;
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let users = Arc::clone(store.schema().find("users").unwrap());
    let many: Vec<Record> = (0..2_000).map(|n| user(&users, &format!("{n}@example.com"))).collect();
    let mut record = many[1_000].clone();
    store
        .write(move |tx| many.iter().try_for_each(|one| tx.insert_record(one)))
        .unwrap();
    store.close().unwrap();

    let store = open(&dir);
    let logged = || std::fs::metadata(dir.path().join("data.db-wal")).map_or(0, |file| file.len()) / FRAME;
    let mut written = |name: &str, value: &str| {
        record.values.insert(name.to_owned(), json!(value));
        let (before, changed) = (logged(), record.clone());
        store.write(move |tx| tx.update_record(&changed)).unwrap();
        logged() - before
    };
    assert_eq!(written("name", "changed"), 1, "its row");
    assert_eq!(written("name", "changed"), 0, "nothing is another");
    let with_index = written("email", "changed@example.com");
    assert!(with_index > 1, "its row and the index: {with_index}");
    let id = record.id().to_owned();
    let stored = store.read(|tx| tx.record(&users, &id)).unwrap().unwrap();
    assert_eq!(
        (stored.text("name"), stored.text("email")),
        ("changed", "changed@example.com")
    );
}

#[test]
fn a_unique_index_names_its_columns() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let users = Arc::clone(store.schema().find("users").unwrap());
    let (one, two) = (user(&users, "a@example.com"), user(&users, "a@example.com"));
    store.write(move |tx| tx.insert_record(&one)).unwrap();
    let error = store.write(move |tx| tx.insert_record(&two)).unwrap_err();
    assert_eq!(
        (error.kind(), error.subject()),
        (ErrorKind::Unique, Some(&Subject::Columns(vec!["email".to_owned()])))
    );
}

#[test]
fn a_failed_or_panicking_request_undoes_itself_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let users = Arc::clone(store.schema().find("users").unwrap());
    let threads: Vec<_> = (0..60)
        .map(|number| {
            let (store, users) = (store.clone(), Arc::clone(&users));
            std::thread::spawn(move || {
                let record = user(&users, &format!("{number}@example.com"));
                store.write(move |tx| {
                    tx.insert_record(&record)?;
                    match number % 3 {
                        0 => Err(Error::new(ErrorKind::Denied, "testing", "refused")),
                        1 => panic!("a bug in a handler"),
                        _ => Ok(()),
                    }
                })
            })
        })
        .collect();
    let written = threads
        .into_iter()
        .map(|t| t.join().unwrap())
        .filter(Result::is_ok)
        .count();
    assert_eq!(written, 20);
    assert_eq!(store.read(|tx| tx.count_records(&users)).unwrap(), 20);
}

#[test]
fn a_write_inside_of_a_write_is_refused_instead_of_waiting_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let inner = store.clone();
    let error = store
        .write(move |_| inner.write(|tx| tx.set_param("a", "1")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database);
}

#[test]
fn a_closed_store_says_so_on_every_clone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let clone = store.clone();
    store.close().unwrap();
    assert!(!dir.path().join("data.db-wal").exists());
    assert_eq!(
        clone.read(|tx| tx.param("settings")).unwrap_err().kind(),
        ErrorKind::Closed
    );
    let written = clone.write(|tx| tx.set_param("a", "1"));
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn what_is_no_database_of_an_application_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    #[allow(clippy::disallowed_methods, reason = "a fixture")]
    std::fs::write(
        dir.path().join("data.db"),
        "this is not a database, only a text of some length".repeat(100),
    )
    .unwrap();
    let error = Store::open(&StoreOptions::new(dir.path())).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn what_another_process_changed_in_the_collections_is_seen_with_the_next_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let other = rusqlite::Connection::open(dir.path().join("data.db")).unwrap();
    other
        .execute_batch("UPDATE _collections SET listRule = NULL WHERE name = 'users'")
        .unwrap();
    let rule = store
        .write(|tx| Ok::<_, Error>(tx.schema().find("users").unwrap().rules.list_rule.clone()))
        .unwrap();
    assert_eq!(rule, None);
    assert_eq!(store.schema().find("users").unwrap().rules.list_rule, None);
}

#[test]
fn a_reader_sees_one_moment_whatever_is_written_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let writer = store.clone();
    store
        .read(|tx| {
            writer.write(|tx| tx.set_param("a", "1"))?;
            assert_eq!(tx.param("a")?, None);
            Ok::<_, Error>(())
        })
        .unwrap();
    assert_eq!(store.read(|tx| tx.param("a")).unwrap().as_deref(), Some("1"));
    store.optimize().unwrap();
}

#[test]
fn an_index_on_an_expression_names_its_columns_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let users = Arc::clone(store.schema().find("users").unwrap());
    let mut changed = (*users).clone();
    changed
        .indexes
        .push("CREATE UNIQUE INDEX by_name ON users (lower(name)) WHERE name != ''".into());
    store.write(move |tx| tx.update_collection(&users, &changed)).unwrap();
    let users = Arc::clone(store.schema().find("users").unwrap());
    for (name, refused) in [("Ann", false), ("aNN", true), ("", false), ("", false)] {
        let mut record = user(&users, &format!("{}@example.com", new_id()));
        record.values.insert("name".into(), json!(name));
        let answer = store.write(move |tx| tx.insert_record(&record));
        assert_eq!(answer.is_err(), refused, "{name}");
        if let Err(error) = answer {
            assert_eq!(error.subject(), Some(&Subject::Columns(vec!["lower(name)".to_owned()])));
        }
    }
}

/// Another process is heard of a little later.
#[test]
fn a_total_that_is_remembered_follows_what_another_process_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    let beside = Store::open(&StoreOptions::new(dir.path())).unwrap();
    let users = Arc::clone(store.schema().find("users").unwrap());
    let total = |of: &Store| {
        let page = of.read(|tx| tx.list_records(&users, &ListQuery::default())).unwrap();
        page.total_items
    };
    for round in 1..=20 {
        let (one, other) = if round % 2 == 0 {
            (&store, &beside)
        } else {
            (&beside, &store)
        };
        let record = user(&users, &format!("{round}@example.com"));
        one.write(move |tx| tx.insert_record(&record)).unwrap();
        assert_eq!(total(one), round);
        std::thread::sleep(Store::HEARS_OF_OTHERS);
        assert_eq!((total(other), total(other)), (round, round));
    }
    // Counted in a state that was the last one when the transaction began, and is not any more.
    let record = user(&users, "meanwhile@example.com");
    let of_before = store.read(|tx| {
        beside.write(move |tx| tx.insert_record(&record)).unwrap();
        std::thread::sleep(Store::HEARS_OF_OTHERS);
        tx.list_records(&users, &ListQuery::default())
    });
    assert_eq!(of_before.unwrap().total_items, 20);
    assert_eq!((total(&store), total(&beside)), (21, 21));
}

/// A plan made on a view must know whether the write that performs it still has that data before it.
#[test]
fn a_write_tells_whether_it_runs_on_the_data_of_a_view() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    let view = || store.read(|tx| Ok::<_, Error>(tx.revision())).unwrap();
    let write = || {
        store
            .write(|tx| tx.set_param("a", "1").map(|()| tx.revision()))
            .unwrap()
    };
    let seen = view();
    assert_eq!(seen, view());
    assert_eq!(write(), seen);
    assert_ne!(write(), seen, "somebody wrote in between");
    let seen = view();
    let users = Arc::clone(store.schema().find("users").unwrap());
    store
        .write(move |tx| tx.update_record(&user(&users, "a@example.com")))
        .unwrap_err();
    assert_ne!(write(), seen, "what was undone counts too");
    let seen = view();
    let beside = Store::open(&StoreOptions::new(dir.path())).unwrap();
    beside.write(|tx| tx.set_param("a", "2")).unwrap();
    assert_ne!(write(), seen, "another process wrote in between");
}
