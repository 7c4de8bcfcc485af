//! How fast writers commit: `cargo run -p bosbase-store --example commits -- [writers] [seconds]`.
//!
//! Each writer stores records of about 1.5 KB, one a write, in a temporary directory. Prints the writes a second and
//! how long they took.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_store::{Record, Store, StoreOptions, new_id};
use serde_json::json;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>().unwrap());
    let writers = arguments.next().unwrap_or(16);
    let time = Duration::from_secs(arguments.next().unwrap_or(10));
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(dir.path())).unwrap();
    let users = Arc::clone(store.schema().find("users").unwrap());
    let began = Instant::now();
    let mut took: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|_| {
                scope.spawn(|| {
                    let mut took = Vec::new();
                    while began.elapsed() < time {
                        let values = json!({"id": new_id(), "tokenKey": new_id(), "name": "x".repeat(1_500)});
                        let record = Record {
                            collection: Arc::clone(&users),
                            values: values.as_object().cloned().unwrap_or_default(),
                        };
                        let asked = Instant::now();
                        store.write(move |tx| tx.insert_record(&record)).unwrap();
                        took.push(asked.elapsed());
                    }
                    took
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "{writers} writers: {:.0} writes a second; median {:?}, p99 {:?}, longest {:?}",
        took.len() as f64 / began.elapsed().as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    store.close().unwrap();
}
