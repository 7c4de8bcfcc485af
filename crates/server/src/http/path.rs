//! The parts of a path.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bosbase_app::Error;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use super::state::AppState;

/// The parameters of a route, decoded. A path that is no text leads nowhere.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(parameters)| Self(parameters))
            .map_err(|rejection| Error::not_found().caused_by(rejection.to_string()).into())
    }
}
