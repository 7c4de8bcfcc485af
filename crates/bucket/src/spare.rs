//! Memory that is used again.
//!
//! The allocator keeps memory that one thread took and another freed for up to a second. Blocks of some megabytes, taken
//! and freed several times a second, would come to a multiple of the blocks in use.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

/// Blocks that are kept at most.
const KEPT: usize = 3;

/// Blocks of memory that nobody uses at the moment, at most three of them. A copy shares them.
#[derive(Debug, Clone, Default)]
pub struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

impl Spare {
    /// An empty block for `capacity` bytes.
    #[must_use]
    pub fn take(&self, capacity: usize) -> Vec<u8> {
        let mut spare = self.0.lock();
        // Blocks that are too short now are of no use later: the parts of an upload only get longer.
        spare.retain(|block| block.capacity() >= capacity);
        spare.pop().unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    /// `block` as bytes to pass on. It comes back when the last copy of them is dropped.
    #[must_use]
    pub fn lend(&self, block: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent {
            block,
            spare: self.clone(),
        })
    }
}

struct Lent {
    block: Vec<u8>,
    spare: Spare,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.block
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut block = std::mem::take(&mut self.block);
        block.clear();
        let mut spare = self.spare.0.lock();
        if spare.len() < KEPT {
            spare.push(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_with_the_last_of_its_bytes() {
        let spare = Spare::default();
        let mut block = spare.take(100);
        block.extend_from_slice(b"hello");
        let at = block.as_ptr();
        let bytes = spare.lend(block);
        let (head, copy) = (bytes.slice(..2), bytes.clone());
        assert_eq!((&head[..], &copy[..]), (&b"he"[..], &b"hello"[..]));
        drop((bytes, copy));
        let other = spare.take(100);
        assert_ne!(other.as_ptr(), at, "in use");
        drop(head);
        let again = spare.take(60);
        assert!(again.is_empty() && again.as_ptr() == at);
    }

    #[test]
    fn what_is_kept_is_long_enough_and_little() {
        let spare = Spare::default();
        let blocks: Vec<_> = (0..5).map(|_| spare.lend(spare.take(10))).collect();
        drop(blocks);
        assert_eq!(spare.0.lock().len(), KEPT);
        assert!(spare.take(11).capacity() >= 11);
        assert!(spare.0.lock().is_empty());
    }
}
