//! Turns for those who change the same record.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use parking_lot::{Mutex, MutexGuard};

/// How many changes of different records may go on at the same time at most.
const STRIPES: usize = 256;

/// Lets one change of a record begin after the other, so that those that come together don't undo each other's
/// preparations again and again. It is about fairness alone: what a change is based on is checked when it is committed.
#[derive(Debug)]
pub(crate) struct RecordLocks(Vec<Mutex<()>>);

impl Default for RecordLocks {
    fn default() -> Self {
        Self((0..STRIPES).map(|_| Mutex::default()).collect())
    }
}

impl RecordLocks {
    /// Waits for the turn of this record's change, which lasts until the returned value is dropped.
    pub(crate) fn turn(&self, collection: &str, record: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        (collection, record).hash(&mut hasher);
        // The remainder is below the number of stripes, which a usize holds.
        let stripe = usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or_default();
        self.0[stripe].lock()
    }
}
