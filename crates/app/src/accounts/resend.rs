//! How often an account is mailed the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use bosbase_store::Record;

use crate::mails::AccountMail;

/// For so long an account is not mailed the same again.
const PAUSE: Duration = Duration::from_secs(120);
/// So many are remembered; beyond, who asks again is mailed again.
const MOST: usize = 50_000;

type Key = (AccountMail, String, String);

/// What was mailed lately, and to which account. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Resends(Arc<Mutex<HashMap<Key, Instant>>>);

/// The right to mail. Dropped without [`Turn::keep`], the account can be mailed at once again.
pub(super) struct Turn {
    resends: Resends,
    key: Option<Key>,
}

impl Resends {
    /// The turn to mail `mail` to `record`; `None` where it was mailed a moment ago.
    pub(super) fn begin(&self, mail: AccountMail, record: &Record) -> Option<Turn> {
        let key = key(mail, record);
        let now = Instant::now();
        let mut mailed = self.lock();
        if mailed.get(&key).is_some_and(|at| now.duration_since(*at) < PAUSE) {
            return None;
        }
        if mailed.len() >= MOST {
            mailed.retain(|_, at| now.duration_since(*at) < PAUSE);
        }
        if mailed.len() < MOST {
            mailed.insert(key.clone(), now);
        }
        Some(Turn {
            resends: self.clone(),
            key: Some(key),
        })
    }

    /// `record` has done what `mail` was for: it may ask again at once.
    pub(super) fn forget(&self, mail: AccountMail, record: &Record) {
        self.lock().remove(&key(mail, record));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Instant>> {
        self.0.lock()
    }
}

impl Turn {
    /// It was mailed.
    pub(super) fn keep(mut self) {
        self.key = None;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.resends.lock().remove(&key);
        }
    }
}

fn key(mail: AccountMail, record: &Record) -> Key {
    (mail, record.collection.id.clone(), record.id().to_owned())
}
