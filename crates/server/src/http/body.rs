//! Request bodies as JSON objects.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use bosbase_app::{Error, ErrorKind};
use http_body_util::LengthLimitError;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::state::AppState;

/// What PocketBase accepts where a route says nothing else, in bytes.
pub const DEFAULT_LIMIT: usize = 32 << 20;

/// A body that is a JSON object; an empty one is `{}`.
#[derive(Debug)]
pub struct JsonObject(pub Map<String, Value>);

impl FromRequest<AppState> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Self::Rejection> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable(&rejection))?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| bad_body().caused_by(error).into())
    }
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
