//! `/api/settings`: what superusers may set.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use bosbase_app::Error;
use serde_json::Value;

use crate::http::body::JsonObject;
use crate::http::caller::Superuser;
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::state::AppState;

/// How long a trial of a bucket may take: some ten requests, of which one that is not answered takes ten seconds.
const TRIAL_PATIENCE: Duration = Duration::from_secs(48);

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/settings", get(view).patch(update))
        .route("/api/settings/test/s3", post(test_s3))
        .route("/api/settings/test/email", post(test_email))
        .route("/api/settings/test/webhook", post(test_webhook))
}

async fn view(State(state): State<AppState>, Superuser(caller): Superuser) -> Result<Json<Value>, ApiError> {
    picked(state.app.settings().public(), &caller)
}

async fn update(
    State(state): State<AppState>,
    Superuser(caller): Superuser,
    JsonObject(patch): JsonObject,
) -> Result<Json<Value>, ApiError> {
    let answer = state
        .blocking(move |app| {
            app.settings().update(&patch)?;
            Ok(app.settings().public())
        })
        .await?;
    picked(answer, &caller)
}

async fn test_s3(
    State(state): State<AppState>,
    Superuser(_): Superuser,
    JsonObject(request): JsonObject,
) -> Result<StatusCode, ApiError> {
    let tried = state
        .asking(TRIAL_PATIENCE, move |app| app.settings().test_s3(&request))
        .await?;
    tried.ok_or_else(|| Error::invalid("Failed to test the S3 filesystem. Raw error: \nit does not answer."))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test_email(
    State(state): State<AppState>,
    Superuser(_): Superuser,
    JsonObject(request): JsonObject,
) -> Result<StatusCode, ApiError> {
    state.blocking(move |app| app.sample_mail().send(&request)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test_webhook(State(state): State<AppState>, Superuser(_): Superuser) -> Result<StatusCode, ApiError> {
    state.blocking(|app| app.alarms().test_webhook()).await?;
    Ok(StatusCode::NO_CONTENT)
}
