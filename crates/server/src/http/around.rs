//! What happens around every handler, in the order in which it does.
//!
//! One function does it all: as layers of their own, each of them would copy those below it for every request.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tower_http::timeout::TimeoutBody;

use super::access::Asked;
use super::caller::identify;
use super::drain::drain;
use super::held::holding;
use super::limit::admit;
use super::state::AppState;

/// How long a client may send nothing in the middle of a body. One that is gone without a word must not keep its
/// memory, nor the right to be the one who works on backups, for good.
const SILENCE: Duration = Duration::from_secs(60);

/// Finds out who is asking, times the request for the log, reads what is left of its body, and counts it against the
/// limits.
pub async fn around(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut response = match identify(&state, &mut parts).await {
        Err(error) => error.into_response(),
        // Somebody waits until the answer is there, or this is dropped.
        Ok((_waiting, held)) => {
            let asked = Asked::begin(&parts);
            let request = Request::from_parts(parts, in_time(body));
            let response = drain(request, |request| async {
                match admit(&state, request).await {
                    Ok(request) => next.run(request).await,
                    Err(refused) => refused.into_response(),
                }
            })
            .await;
            asked.answered(&state, &response);
            holding(response, held)
        }
    };
    harden(&mut response);
    response
}

/// A body that ends where its client says nothing for too long.
fn in_time(body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(TimeoutBody::new(SILENCE, body))
}

/// What keeps a browser from taking an answer for something else, or from showing it inside another page; PocketBase
/// says the same. A header that a route has set stays.
fn harden(response: &mut Response) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::X_XSS_PROTECTION, "1; mode=block"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}
