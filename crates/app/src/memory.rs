//! One budget of memory for what clients make the process hold: bodies, answers with all that is shown along, messages
//! that wait.
//!
//! Small bodies and answers are not counted. Large ones wait, in order, until there is room; nothing takes a part of
//! its share and then waits for the rest.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorKind, Result};

/// What all shares come to, in bytes.
pub const ALL: usize = 192 << 20;
/// What all small shares come to, in bytes. They are counted by themselves: nobody who needs one waits behind large
/// answers.
const ALL_SMALL: usize = 60 << 20;
/// A small share, in bytes.
pub(crate) const SMALL: usize = 12 << 20;
/// What a batch has beside the share of its body where that is too small for its answers, in bytes: one batch at a
/// time. It is counted by itself: who waits for it has a part of the others.
const BESIDE_A_BODY: usize = 160 << 20;
/// What shares are counted in, in bytes.
const UNIT: usize = 64 << 10;
/// How long a thread waits for a share.
const SHARE_TIMEOUT: Duration = Duration::from_secs(30);

/// The budget. Clones share it.
#[derive(Debug, Clone)]
pub struct Memory {
    free: Arc<Semaphore>,
    free_for_small: Arc<Semaphore>,
    free_beside_a_body: Arc<Semaphore>,
}

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    units: OwnedSemaphorePermit,
}

/// The shares of one request; they go back when it was answered. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<Mutex<Shares>>);

#[derive(Debug, Default)]
struct Shares {
    large: Vec<Share>,
    small: Option<Share>,
}

impl Held {
    /// Holds `share` until the request is answered. A small one that is held goes: this one counts for all.
    pub fn hold(&self, share: Option<Share>) {
        let mut shares = self.lock();
        shares.small = None;
        shares.large.extend(share);
    }

    /// Holds a small `share` until the request is answered, or has a larger one.
    pub(crate) fn hold_small(&self, share: Share) {
        self.lock().small = Some(share);
    }

    /// Gives a small share back.
    pub(crate) fn release_small(&self) {
        self.lock().small = None;
    }

    /// Gives back what is held.
    pub fn release(&self) {
        *self.lock() = Shares::default();
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let shares = self.lock();
        shares.large.is_empty() && shares.small.is_none()
    }

    /// Whether more than a small share is held.
    pub(crate) fn has_large(&self) -> bool {
        !self.lock().large.is_empty()
    }

    /// How many bytes all shares come to that are held.
    pub(crate) fn bytes(&self) -> usize {
        let shares = self.lock();
        let all = shares.large.iter().chain(&shares.small);
        all.map(|share| share.units.num_permits() * UNIT).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.0.lock()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            free: Arc::new(Semaphore::new(ALL / UNIT)),
            free_for_small: Arc::new(Semaphore::new(ALL_SMALL / UNIT)),
            free_beside_a_body: Arc::new(Semaphore::new(BESIDE_A_BODY / UNIT)),
        }
    }
}

impl Memory {
    /// Waits for a share of `bytes`, or of all where that is less. Asynchronous.
    ///
    /// # Errors
    ///
    /// None in practice: the budget is never closed.
    pub async fn share(&self, bytes: usize) -> Result<Share> {
        of(&self.free, bytes).await
    }

    /// As [`Memory::share`], for a thread that may block, for thirty seconds at most.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] where there is no room by then.
    pub fn share_blocking(&self, bytes: usize) -> Result<Share> {
        within(SHARE_TIMEOUT, self.share(bytes))
    }

    /// A small share, as [`Memory::share_blocking`].
    ///
    /// # Errors
    ///
    /// As [`Memory::share_blocking`].
    pub(crate) fn small_share_blocking(&self) -> Result<Share> {
        within(SHARE_TIMEOUT, of(&self.free_for_small, SMALL))
    }

    /// A large share for a batch that has one for its body, as [`Memory::share_blocking`]. Who has it waits for no
    /// other.
    ///
    /// # Errors
    ///
    /// As [`Memory::share_blocking`].
    pub(crate) fn share_beside_a_body_blocking(&self) -> Result<Share> {
        within(SHARE_TIMEOUT, of(&self.free_beside_a_body, BESIDE_A_BODY))
    }
}

async fn of(free: &Arc<Semaphore>, bytes: usize) -> Result<Share> {
    let units = free.clone().acquire_many_owned(units(bytes)).await;
    units.map(|units| Share { units }).map_err(Error::internal)
}

fn within(patience: Duration, share: impl Future<Output = Result<Share>>) -> Result<Share> {
    let woken = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&woken);
    let give_up = Instant::now() + patience;
    let mut waiting = pin!(share);
    loop {
        if let Poll::Ready(share) = waiting.as_mut().poll(&mut context) {
            return share;
        }
        let left = give_up.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let text = "The server is too busy with large answers; ask for less or try again later.";
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        std::thread::park_timeout(left);
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.min(ALL).div_ceil(UNIT)).unwrap_or(u32::MAX)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// About how much memory a value takes, in bytes.
pub(crate) fn weight(value: &Value) -> usize {
    const VALUE: usize = 32;
    VALUE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(map) => map.iter().map(|(name, value)| name.len() + weight(value)).sum(),
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_waits_until_there_is_room() {
        let memory = Memory::default();
        let most = memory.share_blocking(ALL - UNIT).unwrap();
        let _last = memory.share_blocking(1).unwrap();
        let refused = within(Duration::from_millis(20), memory.share(1)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| memory.share_blocking(ALL / 2).map(drop));
            std::thread::sleep(Duration::from_millis(10));
            drop(most);
            waiting.join().unwrap().unwrap();
        });
    }

    #[test]
    fn more_than_there_is_takes_all() {
        let memory = Memory::default();
        let all = memory.share_blocking(usize::MAX).unwrap();
        assert!(within(Duration::from_millis(10), memory.share(1)).is_err());
        // Small shares are counted by themselves.
        memory.small_share_blocking().unwrap();
        drop(all);
        within(Duration::from_millis(10), memory.share(1)).unwrap();
    }
}
