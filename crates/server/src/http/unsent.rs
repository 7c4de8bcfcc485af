//! What waits in memory for clients that take their time: counted in bytes, so that many of them together hold no more
//! than a few do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use parking_lot::Mutex;

/// What is not counted, in bytes: it is little even for a thousand clients.
pub const LITTLE: usize = 16 << 10;
/// How much waits at the most, in bytes, before answers are put aside and files sent in little pieces.
const MOST: usize = 32 << 20;

/// The bytes that wait. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Unsent(Arc<AtomicUsize>);

/// Some of them; they are counted until the last byte has left.
struct Waiting {
    bytes: Vec<u8>,
    counted: usize,
    all: Unsent,
    /// Where the memory goes then.
    home: Option<Blocks>,
}

/// Memory that one answer uses again for its next piece. Fresh memory would have to be zeroed for each.
#[derive(Debug, Clone, Default)]
pub struct Blocks(Arc<Mutex<Vec<Vec<u8>>>>);

/// Memory for one piece. It is counted from the moment when it is taken: many pieces may be read at a time.
pub struct Block {
    waiting: Waiting,
    len: usize,
}

impl Block {
    /// The place for the piece.
    pub fn bytes(&mut self) -> &mut [u8] {
        &mut self.waiting.bytes[..self.len]
    }

    /// The first `len` bytes, to be sent. Few of them are copied, so that they don't hold the memory of many.
    pub fn send(self, len: usize) -> Bytes {
        if len < self.waiting.bytes.len() / 4 {
            let all = self.waiting.all.clone();
            return all.count(self.waiting.bytes[..len].to_vec());
        }
        Bytes::from_owner(self.waiting).slice(..len)
    }
}

impl Unsent {
    /// `bytes`, counted until they were sent, or the client has gone.
    ///
    /// # Errors
    ///
    /// `bytes` as they were, where too many wait already and these are more than a little.
    pub fn hold(&self, bytes: Vec<u8>) -> Result<Bytes, Vec<u8>> {
        if bytes.len() > LITTLE && self.is_full() {
            return Err(bytes);
        }
        Ok(self.count(bytes))
    }

    /// As [`Unsent::hold`], also where too many wait already.
    pub fn count(&self, mut bytes: Vec<u8>) -> Bytes {
        if bytes.len() <= LITTLE {
            return bytes.into();
        }
        // One that was written piece by piece has up to twice the room that it needs.
        if bytes.capacity() - bytes.len() > bytes.len() / 4 {
            bytes.shrink_to_fit();
        }
        Bytes::from_owner(self.wait(bytes, None))
    }

    /// Memory for a piece of `len` bytes, from `blocks` where there is some.
    pub fn block(&self, len: usize, blocks: &Blocks) -> Block {
        let mut spare = blocks.0.lock();
        if len <= LITTLE {
            spare.clear();
        }
        let used = spare.pop().filter(|block| block.len() >= len);
        let bytes = used.unwrap_or_else(|| vec![0; len]);
        let waiting = self.wait(bytes, Some(blocks.clone()));
        Block { waiting, len }
    }

    fn wait(&self, bytes: Vec<u8>, home: Option<Blocks>) -> Waiting {
        let counted = match bytes.capacity() {
            little if little <= LITTLE => 0,
            counted => counted,
        };
        self.0.fetch_add(counted, Ordering::Relaxed);
        let all = self.clone();
        Waiting {
            bytes,
            counted,
            all,
            home,
        }
    }

    /// Whether as many wait as may.
    pub fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= MOST
    }
}

impl AsRef<[u8]> for Waiting {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.counted, Ordering::Relaxed);
        if let Some(home) = self.home.take() {
            let mut blocks = home.0.lock();
            if blocks.is_empty() {
                blocks.push(std::mem::take(&mut self.bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_and_counted_until_it_was_sent() {
        let unsent = Unsent::default();
        let mut waiting = Vec::new();
        while let Ok(bytes) = unsent.hold(vec![0; 1 << 20]) {
            waiting.push(bytes);
        }
        assert_eq!(waiting.len(), MOST >> 20);
        assert!(unsent.hold(vec![0; LITTLE]).is_ok());
        // A part of one keeps all of it.
        let part = waiting.pop().unwrap().slice(..1);
        assert!(unsent.is_full());
        drop(part);
        assert!(unsent.hold(vec![0; 1 << 20]).is_ok());
    }

    #[test]
    fn a_block_is_used_again_when_its_bytes_have_left() {
        let (unsent, blocks) = (Unsent::default(), Blocks::default());
        let counted = || unsent.0.load(Ordering::Relaxed);
        let len = LITTLE + 4;
        let mut block = unsent.block(len, &blocks);
        let at = block.bytes().as_ptr();
        assert_eq!(counted(), len, "before it is read");
        let sent = block.send(len - 1);
        assert_eq!((sent.len(), counted()), (len - 1, len));
        let mut other = unsent.block(len, &blocks);
        assert_ne!(other.bytes().as_ptr(), at, "in use");
        drop(sent);
        assert_eq!(counted(), len);
        let mut again = unsent.block(len - 2, &blocks);
        assert_eq!((again.bytes().as_ptr(), again.bytes().len()), (at, len - 2));
        let few = again.send(3);
        assert_eq!((few.len(), counted()), (3, len), "a few bytes hold no large block");
        assert_eq!(unsent.block(LITTLE, &blocks).bytes().len(), LITTLE);
        assert!(blocks.0.lock().iter().all(|block| block.len() == LITTLE));
    }

    #[test]
    fn room_that_is_not_needed_is_given_back() {
        let unsent = Unsent::default();
        let mut bytes = Vec::with_capacity(4 << 20);
        bytes.resize(1 << 20, 0);
        let _waiting = unsent.count(bytes);
        assert!(unsent.0.load(Ordering::Relaxed) < 2 << 20);
    }
}
