//! Request bodies as objects.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bosbase_app::memory::Held;
use bosbase_app::{Error, ErrorKind};
use multer::Multipart;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::form;
use super::gather::{gather, whole};
use super::state::AppState;

/// What PocketBase accepts where a route says nothing else, in bytes.
pub const DEFAULT_LIMIT: usize = 32 << 20;
/// What a login, or a request that says no more than one, may have, in bytes.
pub const SMALL: BodyLimit = BodyLimit(256 << 10);
/// What a login may have that brings the values of a new record, in bytes.
pub const WITH_RECORD: BodyLimit = BodyLimit(4 << 20);
/// The most parts of a form, and the most pairs of one that is encoded as a URL is; as in PocketBase.
pub const MOST_PARTS: usize = 1_000;
/// See [`MOST_PARTS`].
pub const MOST_PAIRS: usize = 10_000;
/// What is parsed at once, in bytes; more is parsed where it keeps nobody waiting.
const AT_ONCE: usize = 64 << 10;

/// How long a route's bodies may be, in bytes, where that is not [`DEFAULT_LIMIT`].
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit(pub usize);

/// A body that is a JSON object, or a form whose values are texts; an empty one is `{}`.
#[derive(Debug)]
pub struct JsonObject(pub Map<String, Value>);

impl FromRequest<AppState> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Self::Rejection> {
        let limit = request
            .extensions()
            .get::<BodyLimit>()
            .map_or(DEFAULT_LIMIT, |limit| limit.0);
        let held = request.extensions().get::<Held>().cloned().unwrap_or_default();
        let (parts, body) = request.into_parts();
        let content_type = text(&parts.headers, &header::CONTENT_TYPE).to_owned();
        let gathered = gather(state, body, limit as u64, announced(&parts.headers))
            .await
            .map_err(|error| error.saying_of_bad_request(bad_body))?;
        let is_json = content_type.starts_with("application/json");
        if is_json && gathered.has_too_many_values() {
            return Err(too_large().into());
        }
        let read = whole(state, gathered).await?;
        held.hold(read.share);
        let bytes = read.bytes;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        if content_type.starts_with("application/x-www-form-urlencoded") {
            return parsed(state, bytes, |bytes| Ok(texts(form::urlencoded(bytes)?)))
                .await
                .map(Self);
        }
        if content_type.starts_with("multipart/form-data") {
            return multipart(&content_type, bytes).await.map(|pairs| Self(texts(pairs)));
        }
        if !is_json {
            return Err(unsupported().into());
        }
        let read = |bytes: &[u8]| form::json(bytes).map_err(|error| bad_body().caused_by(error));
        parsed(state, bytes, read).await.map(Self)
    }
}

/// What is said of a body that is neither JSON nor a form.
fn unsupported() -> Error {
    Error::invalid(
        "Unsupported Content-Type: send application/json, multipart/form-data or application/x-www-form-urlencoded.",
    )
}

/// What `parse` makes of `bytes`: here where they are few, else where it keeps nobody waiting.
pub async fn parsed<T, F>(state: &AppState, bytes: Bytes, parse: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&[u8]) -> Result<T, Error> + Send + 'static,
{
    if bytes.len() <= AT_ONCE {
        return Ok(parse(&bytes)?);
    }
    state.blocking(move |_| parse(&bytes)).await
}

/// How long a client says that its body is.
pub fn announced(headers: &HeaderMap) -> Option<u64> {
    text(headers, &header::CONTENT_LENGTH).parse().ok()
}

/// A header that is text, empty where it is not there.
pub fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn texts(pairs: Vec<(String, String)>) -> Map<String, Value> {
    pairs
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect()
}

async fn multipart(content_type: &str, bytes: Bytes) -> Result<Vec<(String, String)>, ApiError> {
    let broken = |error: multer::Error| bad_body().caused_by(error);
    let boundary = multer::parse_boundary(content_type).map_err(broken)?;
    let whole = futures_util::stream::once(async { Ok::<_, Infallible>(bytes) });
    let mut form = Multipart::new(whole, boundary);
    let mut pairs = Vec::new();
    let mut parts = 0;
    while let Some(part) = form.next_field().await.map_err(broken)? {
        parts += 1;
        if parts > MOST_PARTS {
            return Err(too_many_parts().into());
        }
        let Some(name) = part.name().map(str::to_owned) else {
            continue;
        };
        if part.file_name().is_none() {
            pairs.push((name, part.text().await.map_err(broken)?));
        }
    }
    Ok(pairs)
}

/// PocketBase's answer to a body that is not what it should be.
pub fn bad_body() -> Error {
    Error::invalid("An error occurred while loading the submitted data.")
}

/// PocketBase's answer to a body that is larger than is accepted.
pub fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "Request entity too large.")
}

/// The answer to a form of too many parts.
pub fn too_many_parts() -> Error {
    Error::invalid(format!("A form may have {MOST_PARTS} parts at most."))
}
