//! One line per request, for the logs that superusers read.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use bosbase_app::logs::RequestLine;

use super::caller::Asking;
use super::error::Cause;
use super::state::AppState;

/// Times the request and hands it to the application's log once it is answered.
pub async fn record(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let mut line = described(&parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    line.status = response.status().as_u16();
    line.duration = started.elapsed();
    if let Some(cause) = response.extensions().get::<Cause>() {
        line.error = Some(cause.text.clone());
        line.details = cause.data.clone();
    }
    // As in PocketBase: an event stream that opened is no news, and clients open one after the other.
    if line.error.is_none() && line.method == "GET" && line.path == "/api/realtime" {
        return response;
    }
    state.app.log_request(line);
    response
}

/// What the request's head says.
fn described(parts: &Parts) -> RequestLine {
    let header = |name| {
        parts
            .headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    };
    RequestLine {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        caller: parts
            .extensions
            .get::<Asking>()
            .map(|asking| asking.0.clone())
            .unwrap_or_default(),
        referer: header("referer"),
        user_agent: header("user-agent"),
        ..RequestLine::default()
    }
}
