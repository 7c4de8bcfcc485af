//! Which records are about to get files.

use std::collections::HashMap;

use parking_lot::{Mutex, MutexGuard};

/// Collection and record id.
pub(super) type Key = (String, String);

/// Records whose files are put in place for a commit that is still to come, with how many such commits there are.
#[derive(Default)]
pub(super) struct Announced(Mutex<HashMap<Key, usize>>);

/// The same while none comes or goes.
pub(super) struct Held<'a>(MutexGuard<'a, HashMap<Key, usize>>);

impl Announced {
    pub(super) fn add(&self, key: &Key) {
        *self.0.lock().entry(key.clone()).or_default() += 1;
    }

    pub(super) fn take_back(&self, key: &Key) {
        let mut announced = self.0.lock();
        if let Some(count) = announced.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                announced.remove(key);
            }
        }
    }

    pub(super) fn hold(&self) -> Held<'_> {
        Held(self.0.lock())
    }
}

impl Held<'_> {
    /// Whether files of this record are about to be put in place.
    pub(super) fn has(&self, collection: &str, record: &str) -> bool {
        self.0.contains_key(&(collection.to_owned(), record.to_owned()))
    }
}
