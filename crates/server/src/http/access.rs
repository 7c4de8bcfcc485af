//! One line per request, for the logs that superusers read.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::caller::Asking;
use super::error::Cause;
use super::state::AppState;

/// Times the request and hands it to the application's log once it is answered.
pub async fn record(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().as_str().to_owned();
    let uri = request.uri().clone();
    let header = |name| {
        request
            .headers()
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    };
    let (referer, user_agent) = (header("referer"), header("user-agent"));
    let caller = request
        .extensions()
        .get::<Asking>()
        .map(|asking| asking.0.clone())
        .unwrap_or_default();
    let response = next.run(request).await;
    let error = response.extensions().get::<Cause>().map(|cause| cause.0.clone());
    state.app.log_request(bosbase_app::logs::RequestLine {
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        status: response.status().as_u16(),
        duration: started.elapsed(),
        caller,
        referer,
        user_agent,
        error,
    });
    response
}
