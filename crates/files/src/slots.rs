//! How many requests may wait for the bucket to take their files.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many, of the 512 threads on which requests do what blocks: logins and reads need the rest, while a bucket takes
/// its time.
const MOST: usize = 128;

/// Those that wait now.
#[derive(Debug, Default)]
pub(super) struct Slots(AtomicUsize);

/// The right to be one of them, until it is dropped.
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    /// Takes one; never waits.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` where all are taken.
    pub(super) fn take(&self) -> io::Result<Slot<'_>> {
        let slot = Slot(self);
        // Dropped, it is given back in either case.
        if self.0.fetch_add(1, Ordering::Relaxed) >= MOST {
            drop(slot);
            let text = "too many files are on their way to the bucket";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        }
        Ok(slot)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_refused_until_another_ends() {
        let slots = Slots::default();
        let mut taken: Vec<_> = (0..MOST).map(|_| slots.take().unwrap()).collect();
        for _ in 0..3 {
            assert_eq!(slots.take().err().unwrap().kind(), io::ErrorKind::ResourceBusy);
        }
        taken.pop();
        let _last = slots.take().unwrap();
        assert!(slots.take().is_err());
    }
}
