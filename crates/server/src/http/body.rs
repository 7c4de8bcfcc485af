//! Request bodies as objects.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use bosbase_app::{Error, ErrorKind};
use http_body_util::LengthLimitError;
use multer::Multipart;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::form;
use super::state::AppState;

/// What PocketBase accepts where a route says nothing else, in bytes.
pub const DEFAULT_LIMIT: usize = 32 << 20;

/// A body that is a JSON object, or a form whose values are texts; an empty one is `{}`.
#[derive(Debug)]
pub struct JsonObject(pub Map<String, Value>);

impl FromRequest<AppState> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Self::Rejection> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable(&rejection))?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        if content_type.starts_with("application/x-www-form-urlencoded") {
            return Ok(Self(texts(form::urlencoded(&bytes))));
        }
        if content_type.starts_with("multipart/form-data") {
            return multipart(&content_type, bytes).await.map(|pairs| Self(texts(pairs)));
        }
        if !content_type.starts_with("application/json") {
            return Err(Error::invalid("Unsupported Content-Type.").into());
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| bad_body().caused_by(error).into())
    }
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
    while let Some(part) = form.next_field().await.map_err(broken)? {
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

fn unreadable(rejection: &axum::extract::rejection::BytesRejection) -> ApiError {
    let mut cause: Option<&dyn std::error::Error> = Some(rejection);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return Error::new(ErrorKind::TooLarge, "Request entity too large.").into();
        }
        cause = error.source();
    }
    bad_body().caused_by(rejection.to_string()).into()
}
