//! A range of an object, front to back: a few requests ahead of who takes it, and no more in memory.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;

use crate::bucket::Bucket;
use crate::error::Result;
use crate::runtime::Pending;
use crate::spare::Spare;

/// Bytes of one request: small, for there is one stream for each client of a server.
const PIECE: u64 = 512 << 10;
/// Requests that are under way or wait to be taken.
const AHEAD: usize = 3;

/// The bytes of a range, in order. It ends with its first error. Dropped, it is given up.
#[derive(Debug)]
pub struct Pieces {
    bucket: Bucket,
    key: String,
    etag: String,
    next: u64,
    end: u64,
    coming: VecDeque<Pending<Bytes>>,
    spare: Spare,
}

impl Pieces {
    pub(crate) fn new(bucket: Bucket, key: String, etag: String, start: u64, end: u64) -> Self {
        Self {
            bucket,
            key,
            etag,
            next: start,
            end,
            coming: VecDeque::new(),
            spare: Spare::default(),
        }
    }

    fn ask(&mut self) -> Result<()> {
        while self.next < self.end && self.coming.len() < AHEAD {
            let end = self.end.min(self.next + PIECE);
            let pending = self.bucket.fetch(&self.key, self.next..end, &self.etag, &self.spare)?;
            self.coming.push_back(pending);
            self.next = end;
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.coming.clear();
        self.next = self.end;
    }
}

/// A range of an object, read by who blocks. Asks for nothing before it is read.
#[derive(Debug)]
pub struct PieceReader {
    pieces: Pieces,
    piece: Bytes,
}

impl PieceReader {
    pub(crate) fn new(pieces: Pieces) -> Self {
        Self {
            pieces,
            piece: Bytes::new(),
        }
    }
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            self.pieces.ask()?;
            let Some(pending) = self.pieces.coming.pop_front() else {
                return Ok(0);
            };
            self.piece = pending.wait().inspect_err(|_| self.pieces.stop())?;
        }
        let read = self.piece.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.piece.split_to(read));
        Ok(read)
    }
}

impl Stream for Pieces {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(error) = self.ask() {
            self.stop();
            return Poll::Ready(Some(Err(error)));
        }
        let Some(first) = self.coming.front_mut() else {
            return Poll::Ready(None);
        };
        let outcome = std::task::ready!(Pin::new(first).poll(context));
        self.coming.pop_front();
        if outcome.is_err() {
            self.stop();
        }
        Poll::Ready(Some(outcome))
    }
}
