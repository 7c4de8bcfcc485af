//! The table of routes and what surrounds them.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use bosbase_app::{Error, ErrorKind};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tower_http::timeout::RequestBodyTimeoutLayer;

use super::error::ApiError;
use super::state::AppState;
use super::{access, body, caller, drain};
use crate::routes;

/// How long a client may send nothing in the middle of a body. One that is gone without a word must not keep its memory, nor
/// the right to be the one who works on backups, for good.
const SILENCE: Duration = Duration::from_secs(60);

/// The whole API for `state`; browsers of `origins` (or `*`) may call it.
pub fn router(state: AppState, origins: &[String]) -> Router {
    routes::all()
        .fallback(missing)
        .method_not_allowed_fallback(missing)
        .layer(DefaultBodyLimit::max(body::DEFAULT_LIMIT))
        .layer(from_fn(drain::drain))
        .layer(RequestBodyTimeoutLayer::new(SILENCE))
        .layer(from_fn_with_state(state.clone(), access::record))
        .layer(from_fn_with_state(state.clone(), caller::identify))
        .layer(compression())
        .layer(map_response(harden))
        .layer(cors(origins))
        .with_state(state)
}

/// PocketBase looks for a file wherever no route is, which is what it then says of it.
async fn missing(method: Method) -> ApiError {
    match method {
        Method::GET | Method::HEAD => Error::new(ErrorKind::NotFound, "File not found.").into(),
        _ => Error::not_found().into(),
    }
}

/// What keeps a browser from taking an answer for something else, or from showing it inside another page; PocketBase says
/// the same. A header that a route has set stays.
async fn harden(mut response: Response) -> Response {
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
    response
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
