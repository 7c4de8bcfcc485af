//! The table of routes and what surrounds them.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::from_fn_with_state;
use bosbase_app::{Error, ErrorKind};
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::around::around;
use super::body;
use super::error::ApiError;
use super::host::HostLayer;
use super::state::AppState;
use crate::routes;

/// The whole API for `state`; browsers of `origins` (or `*`) may call it.
pub fn router(state: AppState, origins: &[String]) -> Router {
    let layers = ServiceBuilder::new()
        .layer(HostLayer)
        .layer(cors(origins))
        .layer(compression())
        .layer(from_fn_with_state(state.clone(), around))
        .layer(DefaultBodyLimit::max(body::DEFAULT_LIMIT));
    routes::all()
        .fallback(missing)
        .method_not_allowed_fallback(missing)
        .layer(layers)
        .with_state(state)
}

/// PocketBase looks for a file wherever no route is, which is what it then says of it.
async fn missing(method: Method) -> ApiError {
    match method {
        Method::GET | Method::HEAD => Error::new(ErrorKind::NotFound, "File not found.").into(),
        _ => Error::not_found().into(),
    }
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

fn cors(origins: &[String]) -> CorsLayer {
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::PATCH,
            Method::POST,
            Method::DELETE,
        ])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([HeaderName::from_static("retry-after")])
        .max_age(Duration::from_secs(86_400))
}
