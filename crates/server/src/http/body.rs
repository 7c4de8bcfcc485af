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

/// How many values a body's JSON may have: each takes some fifty times its shortest text in memory.
const MOST_VALUES: usize = 2_000_000;

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
            return Ok(Self(texts(form::urlencoded(&bytes)?)));
        }
        if content_type.starts_with("multipart/form-data") {
            return multipart(&content_type, bytes).await.map(|pairs| Self(texts(pairs)));
        }
        if !content_type.starts_with("application/json") {
            return Err(Error::invalid("Unsupported Content-Type.").into());
        }
        if has_too_many_values(&bytes) {
            return Err(too_large().into());
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

/// PocketBase's answer to a body that is larger than is accepted.
pub fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "Request entity too large.")
}

/// Whether `json` has more values than are read into memory.
pub fn has_too_many_values(json: &[u8]) -> bool {
    if json.len() < MOST_VALUES {
        return false;
    }
    let (mut values, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    values > MOST_VALUES
}

fn unreadable(rejection: &axum::extract::rejection::BytesRejection) -> ApiError {
    let mut cause: Option<&dyn std::error::Error> = Some(rejection);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return too_large().into();
        }
        cause = error.source();
    }
    bad_body().caused_by(rejection.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One request of 31 MiB took 1.7 GB of memory, whoever sent it.
    #[test]
    fn a_body_of_millions_of_values_is_refused_and_one_of_long_texts_is_not() {
        let ones = format!("{{\"a\":[{}1]}}", "1,".repeat(MOST_VALUES));
        assert!(has_too_many_values(ones.as_bytes()));
        let text = format!("{{\"a\":\"\\\"{}\"}}", ",[{".repeat(MOST_VALUES));
        assert!(serde_json::from_str::<Map<String, Value>>(&text).is_ok());
        assert!(!has_too_many_values(text.as_bytes()));
    }
}
