//! The one place that turns an error of the domain into an answer.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bosbase_app::{Error, ErrorKind};
use serde_json::{Value, json};

/// An answer that says why there is no other: `{"status", "message", "data"}`.
#[derive(Debug)]
pub struct ApiError(Error);

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl ApiError {
    /// The same error, or, where it is about a request that can't be understood, `other` with it as the cause.
    pub fn saying_of_bad_request(self, other: impl FnOnce() -> Error) -> Self {
        match self.0.kind() {
            ErrorKind::Invalid => Self(other().caused_by(self.0)),
            _ => self,
        }
    }

    /// The JSON of the answer.
    pub fn body(&self) -> Value {
        json!({ "status": self.status().as_u16(), "message": self.0.message(), "data": self.0.data() })
    }

    /// The status code of the answer.
    pub fn status(&self) -> StatusCode {
        match self.0.kind() {
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&bosbase_app::chain(&self.0))
    }
}

impl std::error::Error for ApiError {}

/// The cause of a failed request, handed to the access log beside the answer, which never shows it.
#[derive(Debug, Clone)]
pub struct Cause {
    /// What went wrong, causes included.
    pub text: String,
    /// What the answer said by field.
    pub data: serde_json::Map<String, serde_json::Value>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let cause = bosbase_app::chain(&self.0);
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), cause, "request failed");
        }
        let mut response = (status, Json(self.body())).into_response();
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            let seconds = self.0.retry_after_seconds().unwrap_or(1);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Cause {
            text: cause,
            data: self.0.data().clone(),
        });
        response
    }
}
