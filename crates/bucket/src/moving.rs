//! The body of an answer that has to go on.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::client::{HttpError, HttpErrorKind, HttpResponseBody};
use tokio::time::{Instant, Sleep};

/// A body that fails when nothing of it came for a while; however slow it is otherwise, it is waited for.
pub struct Moving {
    body: HttpResponseBody,
    stall: Duration,
    /// Whether somebody waits for the next bytes; a reader that takes its time is no stall.
    waiting: bool,
    /// A body is shared between threads, though only one ever reads it.
    late: Mutex<Pin<Box<Sleep>>>,
}

impl Moving {
    /// `body`, which may stand still for as long as `stall`.
    pub fn new(body: HttpResponseBody, stall: Duration) -> Self {
        Self {
            body,
            stall,
            waiting: false,
            late: Mutex::new(Box::pin(tokio::time::sleep(stall))),
        }
    }
}

impl Body for Moving {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        let late = this.late.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.waiting = false;
            return Poll::Ready(frame);
        }
        if !std::mem::replace(&mut this.waiting, true) {
            late.as_mut().reset(Instant::now() + this.stall);
        }
        late.as_mut().poll(context).map(|()| Some(Err(stalled())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn stalled() -> HttpError {
    let why = std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "the provider stopped in the middle of an answer",
    );
    HttpError::new(HttpErrorKind::Timeout, why)
}
