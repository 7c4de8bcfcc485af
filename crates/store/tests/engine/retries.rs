//! Writes that run again because of others: all that they did before is undone, and they happen once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_store::{Error, ErrorKind, WriteTx};
use serde_json::json;

use crate::harness::{Engine, collection, count, create, record, until_it_runs_again};

pub fn a_write_that_runs_again_happens_once<E: Engine>() {
    let (_engine, store) = E::opened();
    let notes = create(
        &store,
        &collection("notes", &[json!({"id": "1", "name": "n", "type": "number"})]),
    );
    let of = Arc::clone(&notes);
    let attempts = until_it_runs_again::<E>(&store, move |tx, attempt| {
        let before: usize = tx.param("written")?.map_or(0, |written| written.parse().unwrap());
        assert_eq!(before + 1, attempt, "it sees what an earlier run of it wrote");
        tx.insert_record(&record(&of, json!({"n": attempt})))?;
        tx.set_param("written", &attempt.to_string())
    });
    assert_eq!(count(&store, &notes), attempts as u64);
    assert_eq!(
        store.read(|tx| tx.param("written")).unwrap(),
        Some(attempts.to_string())
    );
}

pub fn a_schema_change_that_runs_again_happens_once<E: Engine>() {
    let (_engine, store) = E::opened();
    let attempts = until_it_runs_again::<E>(&store, |tx, attempt| {
        let name = format!("notes{attempt}");
        assert!(tx.schema().find(&name).is_none());
        tx.create_collection(&collection(&name, &[]))?;
        assert!(tx.schema().find(&name).is_some());
        Ok(())
    });
    for attempt in 1..=attempts {
        let schema = store.schema();
        let made = schema.find(&format!("notes{attempt}")).unwrap();
        assert_eq!(count(&store, made), 0);
    }
}

pub fn a_write_that_never_ends_is_ended<E: Engine>() {
    let (_engine, store) = E::opened();
    let endless = |tx: &mut WriteTx<'_>| -> Result<(), Error> {
        loop {
            tx.set_param("a", "1")?;
        }
    };
    let began = Instant::now();
    let error = store.write_within(Duration::from_millis(50), endless).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(store.read(|tx| tx.param("a")).unwrap(), None);
    store.write(|tx| tx.set_param("a", "2")).unwrap();
}
