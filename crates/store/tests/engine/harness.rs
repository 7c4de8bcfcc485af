//! What a test needs of an engine beside a [`Store`], and what is short to say for all of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bosbase_store::{
    Collection, CollectionKind, Error, ErrorKind, Field, Record, Rules, Store, StoreOptions, WriteTx, new_id, now,
};
use serde_json::{Map, Value, json};

/// An engine with a place of its own for the data, which goes when it is dropped.
pub trait Engine: Sized {
    /// One without data.
    fn new() -> Self;

    /// Opens the data, which nobody else has open.
    fn open(&self) -> Store;

    /// Opens what a snapshot was written to: with any engine that is a directory with SQLite databases.
    fn open_restored(dir: &Path) -> Store;

    /// Does once what may make `write`s that run at the same time run again.
    fn disturb(store: &Store);

    /// A new one, and its store.
    fn opened() -> (Self, Store) {
        let engine = Self::new();
        let store = engine.open();
        (engine, store)
    }
}

/// SQLite in a temporary directory.
pub struct Sqlite(tempfile::TempDir);

impl Engine for Sqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Store {
        Self::open_restored(self.0.path())
    }

    fn open_restored(dir: &Path) -> Store {
        Store::open(&StoreOptions::new(dir)).unwrap()
    }

    /// A write past its deadline makes SQLite undo the whole transaction, and with it those that would have been
    /// committed together.
    fn disturb(store: &Store) {
        let endless = |tx: &mut WriteTx<'_>| -> Result<(), Error> {
            loop {
                tx.set_param("disturbance", "1")?;
            }
        };
        let error = store.write_within(Duration::from_millis(5), endless).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}

/// Runs `write` beside disturbances until it has run more than once, and says how many it took until then. Each time it
/// is given the number of the attempt.
pub fn until_it_runs_again<E: Engine>(
    store: &Store,
    write: impl Fn(&mut WriteTx<'_>, usize) -> Result<(), Error> + Send + Sync + 'static,
) -> usize {
    let write = Arc::new(write);
    for attempt in 1..1_000 {
        let (runs, write) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&write));
        let counted = Arc::clone(&runs);
        std::thread::scope(|scope| {
            let (begun, running) = std::sync::mpsc::channel();
            scope.spawn(move || {
                store
                    .write(move |tx| {
                        write(tx, attempt)?;
                        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                            let _ = begun.send(());
                            // Time for the other to come.
                            std::thread::sleep(Duration::from_millis(3));
                        }
                        Ok::<_, Error>(())
                    })
                    .unwrap();
            });
            running.recv().unwrap();
            E::disturb(store);
        });
        if runs.load(Ordering::SeqCst) > 1 {
            return attempt;
        }
    }
    panic!("no write ran again");
}

/// A field, as the API defines it.
pub fn field(json: Value) -> Field {
    serde_json::from_value(json).unwrap()
}

/// A collection of records with the fields given, and the one for ids.
pub fn collection(name: &str, fields: &[Value]) -> Collection {
    let id = json!({"id": "text3208210256", "name": "id", "type": "text", "primaryKey": true, "required": true, "system": true});
    Collection {
        id: format!("id_{name}"),
        name: name.to_owned(),
        kind: CollectionKind::Base,
        system: false,
        fields: std::iter::once(&id).chain(fields).cloned().map(field).collect(),
        indexes: Vec::new(),
        rules: Rules::default(),
        options: Map::new(),
        created: now(),
        updated: now(),
    }
}

/// Makes a collection.
pub fn create(store: &Store, collection: &Collection) -> Arc<Collection> {
    let (made, id) = (collection.clone(), collection.id.clone());
    store.write(move |tx| tx.create_collection(&made)).unwrap();
    Arc::clone(store.schema().find(&id).unwrap())
}

/// A record with a new id.
pub fn record(collection: &Arc<Collection>, values: Value) -> Record {
    let Value::Object(mut values) = values else {
        panic!("values are an object")
    };
    values.insert("id".into(), json!(new_id()));
    Record {
        collection: Arc::clone(collection),
        values,
    }
}

/// Stores a record with a new id.
pub fn insert(store: &Store, collection: &Arc<Collection>, values: Value) -> Record {
    let record = record(collection, values);
    let stored = record.clone();
    store.write(move |tx| tx.insert_record(&stored)).unwrap();
    record
}

/// How many records a collection has.
pub fn count(store: &Store, collection: &Collection) -> u64 {
    store.read(|tx| tx.count_records(collection)).unwrap()
}
