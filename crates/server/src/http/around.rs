//! What happens around every handler, in the order in which it does.
//!
//! One function does it all: as layers of their own, each of them would copy those below it for every request.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bosbase_certificates::HostName;
use tower_http::timeout::TimeoutBody;

use super::access::Asked;
use super::caller::identify;
use super::drain::drain;
use super::held::holding;
use super::limit::admit;
use super::state::AppState;
use crate::routes::plain::without_port;

/// How long a client may send nothing in the middle of a body. One that is gone without a word must not keep its
/// memory, nor the right to be the one who works on backups, for good.
const SILENCE: Duration = Duration::from_secs(60);

/// Finds out who is asking, times the request for the log, reads what is left of its body, and counts it against the
/// limits.
pub async fn around(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // A browser asks so before it sends a page's request, and no limit counts it.
    if request.method() == Method::OPTIONS {
        let mut response = state.origins.preflight(request.headers());
        harden(&mut response);
        return response;
    }
    if let Some(mut elsewhere) = without_www(&state, &request) {
        harden(&mut elsewhere);
        return elsewhere;
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
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
    state.origins.admit(origin.as_ref(), response.headers_mut());
    harden(&mut response);
    response
}

/// Where a request to `www.` of a host leads that was named without.
fn without_www(state: &AppState, request: &Request) -> Option<Response> {
    if state.www.is_empty() {
        return None;
    }
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let name = HostName::parse(without_port(host))?;
    if !state.www.contains(&name) {
        return None;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let place = HeaderValue::from_str(&format!("https://{}{path}", host.get("www.".len()..)?)).ok()?;
    Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response())
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
