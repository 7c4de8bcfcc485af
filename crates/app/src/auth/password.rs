//! Password hashes as PocketBase keeps them (bcrypt in `password` fields), and the one gate that all hashing goes
//! through.
//!
//! A hash takes all of a core for tens of milliseconds. As many are computed at once as there are cores; the others
//! wait in order, a bounded number of them on threads (requests wait without one, see [`Passwords::turn`]).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use bosbase_store::{Collection, FieldKind, Record, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorKind, Result};

/// The work factor where the field does not choose one.
const DEFAULT_COST: u32 = 10;
/// bcrypt's limits.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;
/// The highest work factor that logins are brought to for the sake of a few stored hashes: one that was imported with
/// an absurd one must not make every login slow.
const MOST_PADDED: u32 = 14;
/// bcrypt reads no more than this; a longer password would be cut in silence.
pub(crate) const MAX_BYTES: usize = 72;

/// So many threads wait for a core at most.
const WAITING: usize = 128;
/// So many requests that will hash something are on a thread at once.
const ADMITTED: usize = 64;
/// So many batches are, beside them: those also wait for memory and for others who write. Together they are fewer than
/// may wait for a core.
const ADMITTED_BATCHES: usize = 32;
/// So many requests wait for that.
const QUEUED: usize = 5_000;
/// How long a batch does: it may have memory that others wait for.
const BATCH_PATIENCE: Duration = Duration::from_secs(30);

/// Everything that is hashed.
pub(crate) struct Passwords {
    gate: Gate,
    admission: Arc<Semaphore>,
    admission_of_batches: Arc<Semaphore>,
    queued: Arc<AtomicUsize>,
    /// The highest work factor that is in use, by the id of the collection.
    costs: Mutex<HashMap<String, u32>>,
}

/// The right to hash, held by a request for as long as it is on a thread.
#[derive(Debug)]
pub struct PasswordTurn {
    _permit: OwnedSemaphorePermit,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            gate: Gate::new(cores, WAITING),
            admission: Arc::new(Semaphore::new(ADMITTED)),
            admission_of_batches: Arc::new(Semaphore::new(ADMITTED_BATCHES)),
            queued: Arc::default(),
            costs: Mutex::default(),
        }
    }
}

impl Passwords {
    /// Waits until a request that will hash something may take a thread for it. Asynchronous.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] where thousands wait already.
    pub(crate) async fn turn(&self) -> Result<PasswordTurn> {
        let _queued = Queued::enter(&self.queued)?;
        let permit = self.admission.clone().acquire_owned().await.map_err(Error::internal)?;
        Ok(PasswordTurn { _permit: permit })
    }

    /// As [`Passwords::turn`], for a batch, which keeps no other request from its turn. Waits thirty seconds at most.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] where there is none by then, or thousands wait already.
    pub(crate) async fn batch_turn(&self) -> Result<PasswordTurn> {
        let _queued = Queued::enter(&self.queued)?;
        let turn = self.admission_of_batches.clone().acquire_owned();
        let turn = tokio::time::timeout(BATCH_PATIENCE, turn).await.map_err(|_| busy())?;
        Ok(PasswordTurn {
            _permit: turn.map_err(Error::internal)?,
        })
    }

    /// Hashes `password` with the work factor of `collection`'s field `field`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for more than 72 bytes, which bcrypt would cut off; [`ErrorKind::Unavailable`] where too
    /// many wait.
    pub(crate) fn hash(&self, collection: &Collection, field: &str, password: &str) -> Result<String> {
        if password.len() > MAX_BYTES {
            return Err(Error::invalid("The password is longer than 72 bytes."));
        }
        let cost = cost(collection, field);
        let hash = self.gate.pass(|| compute(password, cost))??;
        if field == "password" {
            let mut costs = self.costs.lock();
            // Where nothing is known of the collection yet, the first login finds out.
            if let Entry::Occupied(mut known) = costs.entry(collection.id.clone()) {
                *known.get_mut() = cost.max(*known.get());
            }
        }
        Ok(hash)
    }

    /// Whether `password` is `record`'s. The answer takes the same time for every record of the collection, for one
    /// that has no hash and for none, so that it does not tell who has an account: as long as the costliest hash that
    /// is stored or would be.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] where too many wait; otherwise where the database can't be asked.
    pub(crate) fn verify(
        &self,
        store: &Store,
        collection: &Arc<Collection>,
        record: Option<&Record>,
        password: &str,
    ) -> Result<bool> {
        let whole = self.highest_cost(store, collection)?;
        let hash = record.map(|record| record.text("password")).unwrap_or_default();
        let own = cost_of(hash);
        self.gate.pass(|| {
            // Unreadable hashes match nothing.
            let matches = own.is_some() && check(password, hash);
            padding(own, whole).for_each(|cost| idle(password, cost));
            matches
        })
    }

    pub(crate) fn highest_cost(&self, store: &Store, collection: &Arc<Collection>) -> Result<u32> {
        let known = |costs: &HashMap<String, u32>| costs.get(&collection.id).copied();
        let found = known(&self.costs.lock());
        let stored = match found {
            Some(stored) => stored,
            None => {
                let prefixes = store.read(|tx| tx.prefixes(collection, "password", PREFIX))?;
                let highest = prefixes
                    .iter()
                    .filter_map(|prefix| cost_of(prefix))
                    .max()
                    .unwrap_or_default();
                let mut costs = self.costs.lock();
                let known = costs.entry(collection.id.clone()).or_default();
                *known = highest.max(*known);
                *known
            }
        };
        let set = cost(collection, "password");
        // What is stored with more than that takes longer by itself.
        Ok(stored.min(MOST_PADDED.max(set)).max(set))
    }
}

/// `$2a$10$`
const PREFIX: usize = 7;

/// The work factor that a hash was made with.
fn cost_of(hash: &str) -> Option<u32> {
    let cost = hash.strip_prefix("$2")?.split('$').nth(1)?;
    cost.parse().ok().filter(|cost| COSTS.contains(cost))
}

/// The work factor of a password field.
fn cost(collection: &Collection, field: &str) -> u32 {
    match collection.field(field).map(|field| &field.kind) {
        Some(FieldKind::Password { cost, .. }) if *cost > 0 => u32::try_from(*cost)
            .unwrap_or(DEFAULT_COST)
            .clamp(*COSTS.start(), *COSTS.end()),
        _ => DEFAULT_COST,
    }
}

#[allow(clippy::disallowed_methods, reason = "behind the gate")]
fn compute(password: &str, cost: u32) -> Result<String> {
    bcrypt::hash_with_result(password, cost)
        .map(|parts| parts.format_for_version(bcrypt::Version::TwoA))
        .map_err(Error::internal)
}

#[allow(clippy::disallowed_methods, reason = "behind the gate")]
fn check(password: &str, hash: &str) -> bool {
    bcrypt::verify(password, hash).unwrap_or(false)
}

/// The work factors that take, together with a check of a hash of `own` (or none), as long as one of `whole`: one of n
/// takes as long as two of n - 1.
fn padding(own: Option<u32>, whole: u32) -> std::ops::Range<u32> {
    own.map_or(whole..whole + 1, |own| own..whole)
}

/// Takes as long as a hash.
fn idle(password: &str, cost: u32) {
    let _ = std::hint::black_box(compute(password, cost));
}

/// Lets a few through at a time, in the order in which they came.
struct Gate {
    most: usize,
    waiting: usize,
    state: Mutex<Order>,
    left: Condvar,
}

#[derive(Default)]
struct Order {
    /// The number of the next one to come, and of the next one to be let in.
    next: u64,
    admitted: u64,
    inside: usize,
}

impl Gate {
    fn new(most: usize, waiting: usize) -> Self {
        Self {
            most,
            waiting,
            state: Mutex::default(),
            left: Condvar::new(),
        }
    }

    /// Does `work` when it is its turn.
    fn pass<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        let mut state = self.state.lock();
        if state.next - state.admitted >= self.waiting as u64 {
            return Err(busy());
        }
        let mine = state.next;
        state.next += 1;
        while state.admitted != mine || state.inside >= self.most {
            self.left.wait(&mut state);
        }
        state.admitted += 1;
        state.inside += 1;
        drop(state);
        self.left.notify_all();
        let _inside = Inside(self);
        Ok(work())
    }
}

/// One who is through the gate.
struct Inside<'a>(&'a Gate);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.state.lock().inside -= 1;
        self.0.left.notify_all();
    }
}

/// One who waits for a thread.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn enter(count: &'a AtomicUsize) -> Result<Self> {
        let entered = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) >= QUEUED {
            return Err(busy());
        }
        Ok(entered)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn busy() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "The server is too busy to check passwords; try again later.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_lets_no_more_through_than_there_are_cores_and_keeps_the_order() {
        let gate = Gate::new(2, 100);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    gate.pass(|| {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(2));
                        inside.fetch_sub(1, Ordering::SeqCst);
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
    }

    #[test]
    fn a_panic_inside_leaves_the_gate_open_and_a_crowd_is_refused() {
        let gate = Gate::new(1, 0);
        assert_eq!(gate.pass(|| ()).unwrap_err().kind(), ErrorKind::Unavailable);
        let gate = Gate::new(1, 1);
        std::thread::scope(|scope| scope.spawn(|| gate.pass(|| panic!("within"))).join().unwrap_err());
        gate.pass(|| ()).unwrap();
    }

    /// After a change of the work factor, an account with an older hash answered faster than one that does not exist.
    #[test]
    fn every_answer_takes_the_same_time() {
        let work = |own: Option<u32>, whole| {
            let checked = own.map_or(0, |own| 1_u64 << own);
            checked + padding(own, whole).map(|cost| 1 << cost).sum::<u64>()
        };
        for own in [None, Some(4), Some(10), Some(11), Some(12)] {
            assert_eq!(work(own, 12), 1 << 12, "{own:?}");
        }
        assert_eq!(work(Some(16), 12), 1 << 16, "what is stored is what it takes");
    }

    #[test]
    fn the_cost_of_a_hash_is_read_from_it() {
        assert_eq!(cost_of("$2a$10$abc"), Some(10));
        assert_eq!(cost_of("$2b$04$"), Some(4));
        for bad in ["", "$2a$99$", "$2a$", "$1$10$", "plain"] {
            assert_eq!(cost_of(bad), None, "{bad}");
        }
    }
}
