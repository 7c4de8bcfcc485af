//! A backup in a bucket, read by ranges: in blocks that are shared by all who read, fetched ahead of one who goes on.

use std::collections::HashMap;
use std::io;
use std::ops::Range;

use parking_lot::{Condvar, Mutex, MutexGuard};

use bosbase_bucket::{Bucket, Object, Pending, Spare};
use jiff::Timestamp;

use super::bare;
use crate::storage::ArchiveSource;

/// Bytes of a block.
const BLOCK: u64 = 2 << 20;
/// Blocks in memory at most, beside one for each thread that unpacks: 12 MiB in all with two of them.
const BLOCKS: usize = 4;
/// So many blocks are asked for ahead.
const AHEAD: u64 = 2;

/// An object as an archive. Every range is asked for on condition that the object is still the same.
pub(super) struct BucketSource {
    bucket: Bucket,
    object: Object,
    blocks: Mutex<Blocks>,
    arrived: Condvar,
    spare: Spare,
}

#[derive(Default)]
struct Blocks {
    by_index: HashMap<u64, Block>,
    /// Counts the reads, to tell which block was used last.
    clock: u64,
}

enum Block {
    /// Asked for ahead; nobody waits for it yet.
    Ahead(Pending<bytes::Bytes>),
    /// Somebody waits for it.
    Awaited,
    /// There, with when it was last used.
    Here(bytes::Bytes, u64),
}

impl BucketSource {
    pub(super) fn new(bucket: Bucket, object: Object) -> Self {
        Self {
            bucket,
            object,
            blocks: Mutex::default(),
            arrived: Condvar::new(),
            spare: Spare::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock()
    }

    fn range(&self, index: u64) -> Range<u64> {
        let start = index * BLOCK;
        start..self.object.size.min(start + BLOCK)
    }

    fn fetch(&self, index: u64) -> io::Result<Pending<bytes::Bytes>> {
        Ok(self
            .bucket
            .fetch(&self.object.key, self.range(index), &self.object.etag, &self.spare)?)
    }

    /// The bytes of a block; waits for them.
    fn block(&self, index: u64) -> io::Result<bytes::Bytes> {
        let mut blocks = self.lock();
        let pending = loop {
            blocks.clock += 1;
            let now = blocks.clock;
            match blocks.by_index.get_mut(&index) {
                Some(Block::Here(bytes, used)) => {
                    *used = now;
                    let bytes = bytes.clone();
                    self.look_ahead(&mut blocks, index);
                    return Ok(bytes);
                }
                Some(Block::Awaited) => {
                    self.arrived.wait(&mut blocks);
                }
                Some(ahead @ Block::Ahead(_)) => {
                    if let Block::Ahead(pending) = std::mem::replace(ahead, Block::Awaited) {
                        break Ok(pending);
                    }
                }
                None => {
                    make_room(&mut blocks);
                    blocks.by_index.insert(index, Block::Awaited);
                    break self.fetch(index);
                }
            }
        };
        self.look_ahead(&mut blocks, index);
        drop(blocks);
        let bytes = pending.and_then(|pending| Ok(pending.wait()?));
        let mut blocks = self.lock();
        let now = blocks.clock;
        match &bytes {
            Ok(bytes) => blocks.by_index.insert(index, Block::Here(bytes.clone(), now)),
            Err(_) => blocks.by_index.remove(&index),
        };
        self.arrived.notify_all();
        bytes
    }

    /// Asks for the next blocks where the one before was read, too.
    fn look_ahead(&self, blocks: &mut Blocks, index: u64) {
        let goes_on = index > 0 && blocks.by_index.contains_key(&(index - 1));
        if !goes_on {
            return;
        }
        for next in index + 1..=index + AHEAD {
            if next * BLOCK >= self.object.size || blocks.by_index.contains_key(&next) {
                continue;
            }
            make_room(blocks);
            // One that can't be asked for now is asked for when it is needed.
            if let Ok(pending) = self.fetch(next) {
                blocks.by_index.insert(next, Block::Ahead(pending));
            }
        }
    }
}

/// Forgets blocks until there is room for one more: those not used for longest first, those asked for ahead last.
fn make_room(blocks: &mut Blocks) {
    let most = BLOCKS + bosbase_background::workers();
    while blocks.by_index.len() >= most {
        let oldest = blocks
            .by_index
            .iter()
            .filter_map(|(index, block)| match block {
                Block::Here(_, used) => Some((*used, *index)),
                Block::Ahead(_) => Some((u64::MAX, *index)),
                Block::Awaited => None,
            })
            .min();
        let Some((_, index)) = oldest else { return };
        blocks.by_index.remove(&index);
    }
}

impl ArchiveSource for BucketSource {
    fn len(&self) -> u64 {
        self.object.size
    }

    fn etag(&self) -> String {
        let etag = bare(&self.object.etag);
        if etag.is_empty() {
            format!("{:x}-{:x}", self.object.modified.as_millisecond(), self.object.size)
        } else {
            etag
        }
    }

    fn modified(&self) -> Timestamp {
        self.object.modified
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if offset >= self.object.size || buf.is_empty() {
            return Ok(0);
        }
        let block = self.block(offset / BLOCK)?;
        let rest = usize::try_from(offset % BLOCK)
            .ok()
            .and_then(|at| block.get(at..))
            .unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}
