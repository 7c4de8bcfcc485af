//! Reads what the client of a refused request still sends.
//!
//! Whoever is answered before having sent everything often can't read the answer: the connection is closed, the rest of the body
//! meets a closed socket, and the client reports a broken pipe instead of the 401. Go's server, and so PocketBase,
//! reads on for a while; so does this one. What is still left then ends the connection, and the answer says so: a client that
//! keeps its connections would send its next request into a closed one.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::oneshot;

/// How much is read in vain, in bytes; as much as Go's server.
const MOST: usize = 256 << 10;
/// How long is waited for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers the request, then reads what nobody wanted of its body, within limits.
pub async fn drain(request: Request, next: Next) -> Response {
    if axum::body::HttpBody::is_end_stream(request.body()) {
        return next.run(request).await;
    }
    // Who waits for `100 Continue` has sent nothing yet and is not to be asked for it.
    let patience = if request.headers().contains_key(header::EXPECT) {
        Duration::ZERO
    } else {
        PATIENCE
    };
    let (parts, body) = request.into_parts();
    let (give_back, mut given_back) = oneshot::channel();
    let watched = Watched {
        stream: Some(body.into_data_stream()),
        give_back: Some(give_back),
    };
    let mut response = next.run(Request::from_parts(parts, Body::from_stream(watched))).await;
    if let Ok(mut rest) = given_back.try_recv() {
        let reading = async {
            let mut read = 0;
            while let Some(Ok(piece)) = rest.next().await {
                read += piece.len();
                if read > MOST {
                    return false;
                }
            }
            true
        };
        // Too slow or too much: the answer goes out all the same.
        let is_read = !patience.is_zero() && tokio::time::timeout(patience, reading).await.unwrap_or(false);
        if !is_read {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }
    response
}

/// A body that comes back when it is dropped before its end.
struct Watched {
    stream: Option<BodyDataStream>,
    give_back: Option<oneshot::Sender<BodyDataStream>>,
}

impl Stream for Watched {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = stream.poll_next_unpin(context);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.stream = None;
        }
        polled
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let (Some(stream), Some(give_back)) = (self.stream.take(), self.give_back.take()) {
            // Refused when the answer is out already: then the connection ends as it is.
            let _ = give_back.send(stream);
        }
    }
}
