//! Writes in a thread of its own, so that the thread that makes the bytes need not wait for the disk.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, Scope, ScopedJoinHandle};

/// Bytes handed over at once.
const PIECE: usize = 512 << 10;
/// So many pieces wait or are written while another is filled.
const WAITING: usize = 2;

/// Another thread writes on what it gets, in order. An error of that thread is told by a later write
/// or by [`Behind::finish`]. Dropped, it lets the thread end with what it was given.
pub(crate) struct Behind<'scope> {
    filling: Vec<u8>,
    full: Option<SyncSender<Vec<u8>>>,
    empty: Receiver<Vec<u8>>,
    thread: Option<ScopedJoinHandle<'scope, io::Result<()>>>,
}

impl<'scope> Behind<'scope> {
    pub(crate) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        out: &'scope mut (impl Write + Send + ?Sized),
    ) -> io::Result<Self> {
        let (full, pieces) = mpsc::sync_channel::<Vec<u8>>(WAITING);
        let (written, empty) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("backup-write".to_owned())
            .spawn_scoped(scope, move || {
                for mut piece in pieces {
                    out.write_all(&piece)?;
                    piece.clear();
                    // Nobody needs it any more once the last was filled.
                    let _ = written.send(piece);
                }
                out.flush()
            })?;
        Ok(Self {
            filling: Vec::new(),
            full: Some(full),
            empty,
            thread: Some(thread),
        })
    }

    /// Waits until all of it is written and flushed.
    ///
    /// # Errors
    /// What writing said.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.hand_over()?;
        self.end()
    }

    fn hand_over(&mut self) -> io::Result<()> {
        if self.filling.is_empty() {
            return Ok(());
        }
        let next = self.empty.try_recv().unwrap_or_default();
        let piece = std::mem::replace(&mut self.filling, next);
        match self.full.as_ref().map(|full| full.send(piece)) {
            Some(Ok(())) => Ok(()),
            // It takes no more: it failed.
            _ => self
                .end()
                .and_then(|()| Err(io::Error::other("the writing thread has ended"))),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        self.full = None;
        match self.thread.take().map(ScopedJoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(io::Error::other("the writing thread died")),
            None => Err(io::Error::other("writing has failed before")),
        }
    }
}

impl Write for Behind<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.filling.len() == PIECE {
            self.hand_over()?;
        }
        if self.filling.capacity() < PIECE {
            self.filling.reserve_exact(PIECE);
        }
        let n = buf.len().min(PIECE - self.filling.len());
        self.filling.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    /// Hands over what there is; it is written when [`Behind::finish`] returns.
    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(usize, io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            if self.0 < buf.len() {
                return Err(self.1.into());
            }
            self.0 -= buf.len();
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_comes_out_in_order() {
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 7 * PIECE + 123] {
            let bytes: Vec<u8> = (0..len).map(|n| (n / 251 % 256) as u8).collect();
            let mut out = Vec::new();
            thread::scope(|scope| {
                let mut behind = Behind::start(scope, &mut out).unwrap();
                for portion in bytes.chunks(300_007) {
                    behind.write_all(portion).unwrap();
                }
                behind.finish().unwrap();
            });
            assert!(out == bytes, "{len}");
        }
    }

    #[test]
    fn what_the_disk_says_is_what_the_writer_hears() {
        for room in [0, PIECE, 3 * PIECE] {
            let mut out = Failing(room, io::ErrorKind::StorageFull);
            let told = thread::scope(|scope| {
                let mut behind = Behind::start(scope, &mut out).unwrap();
                let written = (0..64).try_for_each(|_| behind.write_all(&[7; PIECE / 4]));
                let finished = behind.finish();
                written.and(finished).unwrap_err()
            });
            assert_eq!(told.kind(), io::ErrorKind::StorageFull, "{room}");
        }
    }

    #[test]
    fn giving_up_ends_the_thread() {
        let mut out = Vec::new();
        thread::scope(|scope| {
            let mut behind = Behind::start(scope, &mut out).unwrap();
            behind.write_all(&[1; 3 * PIECE]).unwrap();
        });
        assert!(out.len() <= 3 * PIECE);
    }
}
