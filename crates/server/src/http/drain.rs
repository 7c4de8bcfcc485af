//! Reads what the client of a refused request still sends.
//!
//! A client that is answered before it has sent everything often can't read the answer: the connection is closed, the
//! rest of the body meets a closed socket, and the client reports a broken pipe instead of the 401. So the answer goes
//! out at once, and what still comes is read, and thrown away, for a while. After a little of it the connection can be
//! used again; after more it ends, as in Go's server, and the answer says so: a client that gives its body up would
//! otherwise send the next request into a closed connection.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::oneshot;

use super::body::announced;

/// How much is read in vain, in bytes.
const MOST: u64 = 64 << 20;
/// How much of it a connection outlives, in bytes; as in Go's server.
const KEPT: u64 = 256 << 10;
/// How long it may take.
const LONGEST_DRAIN: Duration = Duration::from_secs(30);
/// How long a client may send nothing meanwhile.
const SILENCE: Duration = Duration::from_secs(5);

/// Answers the request with `answer`, and reads on what nobody wanted of its body, within limits.
pub async fn drain<F, A>(request: Request, answer: F) -> Response
where
    F: FnOnce(Request) -> A,
    A: Future<Output = Response>,
{
    if axum::body::HttpBody::is_end_stream(request.body()) {
        return answer(request).await;
    }
    // Who waits for `100 Continue` has sent nothing yet and is not to be asked for it.
    let waits = request.headers().contains_key(header::EXPECT);
    let announced = announced(request.headers());
    let (parts, body) = request.into_parts();
    let (give_back, mut given_back) = oneshot::channel();
    let watched = Watched {
        stream: Some(body.into_data_stream()),
        give_back: Some(give_back),
        read: 0,
    };
    let mut response = answer(Request::from_parts(parts, Body::from_stream(watched))).await;
    let Ok(rest) = given_back.try_recv() else {
        return response;
    };
    let is_too_much = announced.is_some_and(|length| length.saturating_sub(rest.read) > KEPT);
    if is_too_much || (waits && rest.read == 0) {
        // A client that keeps its connections would send its next request into a closed one.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    if !waits || rest.read > 0 {
        tokio::spawn(tokio::time::timeout(LONGEST_DRAIN, read_on(rest.stream)));
    }
    response
}

/// Reads to the end, or until it is too much or too slow. Dropping the stream then ends the connection.
async fn read_on(mut rest: BodyDataStream) {
    let mut read = 0;
    while let Ok(Some(Ok(piece))) = tokio::time::timeout(SILENCE, rest.next()).await {
        read += piece.len() as u64;
        if read > MOST {
            return;
        }
    }
}

/// What is left of a body, and how much of it was read.
struct Rest {
    stream: BodyDataStream,
    read: u64,
}

/// A body that comes back when it is dropped before its end.
struct Watched {
    stream: Option<BodyDataStream>,
    give_back: Option<oneshot::Sender<Rest>>,
    read: u64,
}

impl Stream for Watched {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = stream.poll_next_unpin(context);
        match &polled {
            Poll::Ready(Some(Ok(piece))) => self.read += piece.len() as u64,
            Poll::Ready(None | Some(Err(_))) => self.stream = None,
            Poll::Pending => {}
        }
        polled
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let (Some(stream), Some(give_back)) = (self.stream.take(), self.give_back.take()) {
            // Refused when the answer is out already: then the connection ends as it is.
            let read = self.read;
            let _ = give_back.send(Rest { stream, read });
        }
    }
}
