//! The table of routes and what surrounds them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

use super::around::around;
use super::body;
use super::host::HostLayer;
use super::state::AppState;
use crate::routes;

/// The whole API for `state`, and its static files where there is no route.
pub fn router(state: AppState) -> Router {
    let layers = ServiceBuilder::new()
        .layer(HostLayer)
        .layer(compression())
        .layer(from_fn_with_state(state.clone(), around))
        .layer(DefaultBodyLimit::max(body::DEFAULT_LIMIT));
    routes::all()
        .fallback(routes::public::serve)
        .method_not_allowed_fallback(routes::public::serve)
        .layer(layers)
        .with_state(state)
}

/// Answers are gzipped but for what is compressed already or must not be held back (event streams).
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().gzip(true).compress_when(
        DefaultPredicate::new()
            .and(NotForContentType::const_new("application/zip"))
            .and(NotForContentType::const_new("application/octet-stream"))
            .and(NotForContentType::const_new("video/"))
            .and(NotForContentType::const_new("audio/"))
            .and(
                |_: http::StatusCode, _: http::Version, headers: &http::HeaderMap, _: &http::Extensions| {
                    !headers.contains_key(header::CONTENT_RANGE) && !headers.contains_key(header::ACCEPT_RANGES)
                },
            ),
    )
}
