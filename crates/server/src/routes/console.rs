//! `/api/sql`: SQL that superusers write.

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};

use crate::http::answer::shown;
use crate::http::body::{JsonObject, SMALL};
use crate::http::caller::Superuser;
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new().route("/api/sql", post(run)).layer(Extension(SMALL))
}

async fn run(
    State(state): State<AppState>,
    Superuser(caller): Superuser,
    JsonObject(body): JsonObject,
) -> Result<Response, ApiError> {
    shown(&state, caller, move |app, caller| app.console().run(&body, caller)).await
}
