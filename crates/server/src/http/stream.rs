//! Bodies that are never held in memory: a stream read by blocking code, a blocking source sent as a stream.

use std::io::Read;

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc;

/// Bytes of one piece of an answer.
const PIECE: usize = 256 << 10;
/// Pieces that may wait for a slow client.
const AHEAD: usize = 2;

/// Lets blocking code read what arrives on `stream`: the reader goes to the blocking side, the future has to be driven
/// beside it and ends with the stream, or as soon as the reader is dropped. An error of the stream is an error of the reader.
pub fn pipe<S, E>(mut stream: S) -> (impl Read + Send + 'static, impl Future<Output = ()>)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::error::Error + Send + Sync + 'static,
{
    let (sender, receiver) = mpsc::channel(AHEAD);
    let feed = async move {
        while let Some(piece) = stream.next().await {
            if sender
                .send(piece.map(Some).map_err(std::io::Error::other))
                .await
                .is_err()
            {
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

/// A body of `len` bytes that `read_at(position, buffer)` yields from `start` on, read as fast as the client takes it.
///
/// A failing source ends the connection early, so that the client sees that something is missing.
pub fn body<F>(start: u64, len: u64, mut read_at: F) -> Body
where
    F: FnMut(u64, &mut [u8]) -> std::io::Result<usize> + Send + 'static,
{
    let (pieces, receiver) = mpsc::channel::<std::io::Result<Bytes>>(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut position = start;
        let end = start.saturating_add(len);
        while position < end {
            let wanted = usize::try_from(end - position).map_or(PIECE, |left| left.min(PIECE));
            let mut buffer = vec![0; wanted];
            let piece = match read_at(position, &mut buffer) {
                Ok(0) => Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    buffer.truncate(read);
                    position += read as u64;
                    Ok(Bytes::from(buffer))
                }
                Err(error) => Err(error),
            };
            let failed = piece.is_err();
            if pieces.blocking_send(piece).is_err() || failed {
                return;
            }
        }
    });
    Body::from_stream(futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    }))
}
