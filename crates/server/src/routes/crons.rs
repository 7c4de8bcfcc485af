//! `/api/crons`: the recurring jobs. Superusers only.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::http::caller::Superuser;
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::path::Path;
use crate::http::state::AppState;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/crons", get(list))
        .route("/api/crons/{id}", post(run))
}

async fn list(State(state): State<AppState>, Superuser(caller): Superuser) -> Result<Json<Value>, ApiError> {
    picked(json!(state.app.crons().list()), &caller)
}

async fn run(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Superuser(_): Superuser,
) -> Result<StatusCode, ApiError> {
    state.app.crons().run(&id)?;
    Ok(StatusCode::NO_CONTENT)
}
