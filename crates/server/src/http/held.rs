//! Answers that hold something of the memory's budget until they are sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use bosbase_app::memory::Held;
use hyper::body::{Frame, SizeHint};

/// `response`, which gives back what `held` holds when it was sent.
pub fn holding(response: Response, held: Held) -> Response {
    if held.is_empty() {
        return response;
    }
    response.map(|inner| Body::new(Holding { inner, held }))
}

/// A body that holds shares until it is sent.
struct Holding {
    inner: Body,
    held: Held,
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.held.release();
    }
}

impl HttpBody for Holding {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
