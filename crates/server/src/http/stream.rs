//! Bodies that are never held in memory: a stream read by blocking code, a blocking source sent as a stream.

use std::io::Read;
use std::time::Duration;

use axum::body::{Body, Bytes};
use bosbase_app::files::DiskFile;
use bosbase_app::jobs::ArchiveSource;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::unsent::{Blocks, LITTLE, Unsent};

/// Bytes of one piece of an answer: few enough for a processor's cache, many enough to wake the client seldom.
const PIECE: usize = 768 << 10;
/// Pieces of a request that may wait for their reader.
const AHEAD: usize = 2;
/// Who sends nothing for so long in the middle of a body has gone, also if TCP holds the connection: what the body is
/// for may keep others waiting.
const SILENCE: Duration = Duration::from_secs(60);

/// Lets blocking code read what arrives on `stream`: the reader goes to the blocking side, the future has to be driven
/// beside it and ends with the stream, or as soon as the reader is dropped. An error of the stream is an error of the
/// reader, and so is a minute without a byte.
pub fn pipe<S, E>(stream: S) -> (impl Read + Send + 'static, impl Future<Output = ()>)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::error::Error + Send + Sync + 'static,
{
    pipe_within(SILENCE, stream)
}

fn pipe_within<S, E>(silence: Duration, mut stream: S) -> (impl Read + Send + 'static, impl Future<Output = ()>)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::error::Error + Send + Sync + 'static,
{
    let (sender, receiver) = mpsc::channel(AHEAD);
    let feed = async move {
        loop {
            let piece = match tokio::time::timeout(silence, stream.next()).await {
                Ok(Some(piece)) => piece.map(Some).map_err(std::io::Error::other),
                Ok(None) => break,
                Err(_) => Err(std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    format!("nothing came for {} seconds", silence.as_secs()),
                )),
            };
            let is_last = piece.is_err();
            if sender.send(piece).await.is_err() || is_last {
                return;
            }
        }
        // Only an end that is announced is one: when the client goes away, this future is dropped in the middle.
        let _ = sender.send(Ok(None)).await;
    };
    (
        Pipe {
            receiver,
            ended: false,
            piece: Bytes::new(),
        },
        feed,
    )
}

struct Pipe {
    receiver: mpsc::Receiver<std::io::Result<Option<Bytes>>>,
    ended: bool,
    piece: Bytes,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            if self.ended {
                return Ok(0);
            }
            match self.receiver.blocking_recv() {
                Some(Ok(Some(piece))) => self.piece = piece,
                Some(Ok(None)) => self.ended = true,
                Some(Err(error)) => return Err(error),
                None => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let read = self.piece.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.piece.split_to(read));
        Ok(read)
    }
}

/// A body of `len` bytes that `read_at(position, buffer)` yields from `start` on, read as fast as the client takes it:
/// the next piece while one is sent. Where many clients do not take theirs, the pieces are little.
///
/// A thread works for it only while a piece is read: clients that take their time hold none. A failing source ends the
/// connection early, so that the client sees that something is missing.
pub fn body<F>(unsent: &Unsent, start: u64, len: u64, read_at: F) -> Body
where
    F: FnMut(u64, &mut [u8]) -> std::io::Result<usize> + Send + 'static,
{
    let how = How {
        read_at: |read_at: &mut F, position, buffer| read_at(position, buffer),
        read_cached_at: |_, _, _| Ok(None),
    };
    pieces(unsent, start, len, read_at, how)
}

/// As [`body`], of a source whose pieces may be in the system's memory.
fn pieces<S: Send + 'static>(unsent: &Unsent, start: u64, len: u64, source: S, how: How<S>) -> Body {
    let unsent = unsent.clone();
    let end = start.saturating_add(len);
    let blocks = Blocks::default();
    let begin = move |position, source| Reading::begin((&unsent, &blocks), (position, end), source, how);
    // The first piece is read once somebody wants it.
    let first = Next::Wanted(start, source);
    Body::from_stream(futures_util::stream::try_unfold(
        (first, begin),
        |(next, begin)| async move {
            let reading = match next {
                Next::Wanted(position, source) => begin(position, source),
                Next::Coming(reading) => reading,
            };
            let Some(Reading { position, piece }) = reading else {
                return Ok::<_, std::io::Error>(None);
            };
            let behind = |piece: &Bytes| position + piece.len() as u64;
            let (piece, next) = match piece {
                // The next one is read when this one has left the processor's cache for the socket.
                Piece::Here(piece, source) => {
                    let next = Next::Wanted(behind(&piece), source);
                    (piece, next)
                }
                Piece::Read(piece) => {
                    let (piece, source) = piece.await.map_err(std::io::Error::other)??;
                    let next = Next::Coming(begin(behind(&piece), source));
                    (piece, next)
                }
            };
            Ok(Some((piece, (next, begin))))
        },
    ))
}

/// How a source is read.
struct How<S> {
    read_at: fn(&mut S, u64, &mut [u8]) -> std::io::Result<usize>,
    /// The same where the system has it in memory, which waits for no data; `None` elsewhere.
    read_cached_at: fn(&mut S, u64, &mut [u8]) -> std::io::Result<Option<usize>>,
}

impl<S> Clone for How<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for How<S> {}

/// The next piece of a body, and what reads it.
enum Next<S> {
    Wanted(u64, S),
    Coming(Option<Reading<S>>),
}

/// A piece that is being read. It counts as unsent from the start.
struct Reading<S> {
    position: u64,
    piece: Piece<S>,
}

enum Piece<S> {
    /// It was in the system's memory: a thread of its own would have cost more than reading it.
    Here(Bytes, S),
    Read(JoinHandle<std::io::Result<(Bytes, S)>>),
}

impl<S: Send + 'static> Reading<S> {
    /// Begins to read the piece at `position`; nothing where that is the `end`.
    fn begin(
        (unsent, blocks): (&Unsent, &Blocks),
        (position, end): (u64, u64),
        mut source: S,
        how: How<S>,
    ) -> Option<Self> {
        let most = if unsent.is_full() { LITTLE } else { PIECE };
        let wanted = usize::try_from(end - position).map_or(most, |left| left.min(most));
        if wanted == 0 {
            return None;
        }
        let mut block = unsent.block(wanted, blocks);
        if let Ok(Some(read)) = (how.read_cached_at)(&mut source, position, block.bytes())
            && read > 0
        {
            let piece = Piece::Here(block.send(read), source);
            return Some(Self { position, piece });
        }
        let read = move || {
            let read = (how.read_at)(&mut source, position, block.bytes())?;
            if read == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
            }
            Ok((block.send(read), source))
        };
        Some(Self {
            position,
            piece: Piece::Read(tokio::task::spawn_blocking(read)),
        })
    }
}

/// A body of `len` bytes of a backup from `start` on, as [`body`].
pub fn archive(unsent: &Unsent, start: u64, len: u64, archive: Box<dyn ArchiveSource>) -> Body {
    let how = How {
        read_at: |archive: &mut Box<dyn ArchiveSource>, position, buffer| archive.read_at(position, buffer),
        read_cached_at: |archive, position, buffer| archive.read_cached_at(position, buffer),
    };
    pieces(unsent, start, len, archive, how)
}

/// A body of `len` bytes of `file` from `start` on, as [`body`]. What the system has in its memory is read without a
/// thread of its own.
pub fn file(unsent: &Unsent, start: u64, len: u64, file: Box<dyn DiskFile>) -> Body {
    if !unsent.is_full()
        && let Some(whole) = cached(file.as_ref(), start, len)
    {
        return Body::from(unsent.count(whole));
    }
    let how = How {
        read_at: |file: &mut Box<dyn DiskFile>, position, buffer| file.read_at(position, buffer),
        read_cached_at: |file, position, buffer| file.read_cached_at(position, buffer),
    };
    pieces(unsent, start, len, file, how)
}

/// The bytes of a short part of `file`, if all of them are in the system's memory.
fn cached(file: &dyn DiskFile, start: u64, len: u64) -> Option<Vec<u8>> {
    let len = usize::try_from(len).ok().filter(|len| *len <= PIECE)?;
    let mut bytes = vec![0; len];
    let read = file.read_cached_at(start, &mut bytes).ok().flatten()?;
    (read == len).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;

    use super::*;

    fn of_zeros(len: u64) -> Body {
        body(&Unsent::default(), 0, len, |_, buffer| {
            buffer.fill(0);
            Ok(buffer.len())
        })
    }

    /// A source that has some pieces in memory, some in part and some not.
    fn of_numbers(len: u64) -> Body {
        fn fill(position: u64, buffer: &mut [u8]) -> usize {
            for (n, byte) in (position..).zip(buffer.iter_mut()) {
                *byte = (n % 251) as u8;
            }
            buffer.len()
        }
        let how = How {
            read_at: |_: &mut u32, position, buffer| Ok(fill(position, buffer)),
            read_cached_at: |asked, position, buffer| {
                *asked += 1;
                Ok(match *asked % 5 {
                    0 | 3 => None,
                    1 => {
                        let some = buffer.len() / 3 + 1;
                        Some(fill(position, &mut buffer[..some]))
                    }
                    _ => Some(fill(position, buffer)),
                })
            },
        };
        pieces(&Unsent::default(), 7, len, 0, how)
    }

    /// The memory of a piece is used again, and none whose bytes somebody still has.
    #[test]
    fn pieces_that_are_kept_stay_what_they_were() {
        few_threads().block_on(async {
            for (len, keeps_each) in [
                (1, 1),
                (PIECE as u64 + 1, 1),
                (20 * PIECE as u64 + 5, 1),
                (20 * PIECE as u64, 3),
            ] {
                let (mut body, mut kept, mut position) = (of_numbers(len), Vec::new(), 7);
                while let Some(frame) = body.frame().await {
                    let piece = frame.unwrap().into_data().unwrap();
                    let end = position + piece.len() as u64;
                    if kept.len() % keeps_each == 0 {
                        kept.push((position, piece));
                    } else {
                        kept.push((position, Bytes::new()));
                    }
                    position = end;
                }
                assert_eq!(position, 7 + len);
                for (position, piece) in kept {
                    assert!((position..).zip(piece.iter()).all(|(n, byte)| *byte == (n % 251) as u8));
                }
            }
        });
    }

    /// Reads that have begun and not ended counted for nothing, so that each of hundreds took a large piece.
    #[test]
    fn pieces_count_from_when_their_reading_begins() {
        few_threads().block_on(async {
            let unsent = Unsent::default();
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let wait = std::sync::Arc::new(parking_lot::Mutex::new(wait));
            let mut bodies: Vec<_> = (0..500)
                .map(|_| {
                    let wait = wait.clone();
                    body(&unsent, 0, PIECE as u64, move |_, buffer| {
                        let _ = wait.lock().recv();
                        Ok(buffer.len())
                    })
                })
                .collect();
            for body in &mut bodies {
                assert!(futures_util::poll!(body.frame()).is_pending());
            }
            drop(go);
            let mut first = Vec::new();
            for body in &mut bodies {
                first.push(body.frame().await.unwrap().unwrap().into_data().unwrap().len());
            }
            let large = first.iter().filter(|len| **len == PIECE).count();
            assert!(large <= (32 << 20) / PIECE + 1, "{large}");
            assert!(first.iter().all(|len| *len == PIECE || *len == LITTLE));
        });
    }

    fn few_threads() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap()
    }

    /// 512 clients that asked for a file and took none of it held all threads on which requests are worked on: the
    /// server answered nobody.
    #[test]
    fn a_client_that_reads_nothing_holds_no_thread() {
        few_threads().block_on(async {
            let mut stalled = of_zeros(64 << 20);
            stalled.frame().await.unwrap().unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            let other = tokio::task::spawn_blocking(|| ());
            tokio::time::timeout(Duration::from_secs(5), other)
                .await
                .unwrap()
                .unwrap();
            drop(stalled);
        });
    }

    #[test]
    fn a_client_that_sends_nothing_more_is_given_up() {
        few_threads().block_on(async {
            let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"half"))])
                .chain(futures_util::stream::pending());
            let (mut reader, feed) = pipe_within(Duration::from_millis(20), pieces);
            let read = tokio::task::spawn_blocking(move || {
                let mut whole = Vec::new();
                (reader.read_to_end(&mut whole).unwrap_err().kind(), whole)
            });
            feed.await;
            assert_eq!(read.await.unwrap(), (std::io::ErrorKind::TimedOut, b"half".to_vec()));
        });
    }

    #[test]
    fn a_body_is_as_long_as_announced_or_fails() {
        few_threads().block_on(async {
            let whole = of_zeros((3 << 20) + 1).collect().await.unwrap().to_bytes();
            assert_eq!(whole.len(), (3 << 20) + 1);
            let short = body(&Unsent::default(), 0, 10, |position, buffer| {
                let read = buffer
                    .len()
                    .min(6_usize.saturating_sub(usize::try_from(position).unwrap()));
                Ok(read)
            });
            assert!(short.collect().await.is_err());
        });
    }
}
