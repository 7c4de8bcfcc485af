//! Single records of a backup: looked at, and brought back. Superusers only.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bosbase_app::records::ListRequest;
use bosbase_app::recovery::{self, RecoverRequest};
use serde_json::{Value, json};

use crate::http::body::{BodyLimit, JsonObject};
use crate::http::caller::Superuser;
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::path::Path;
use crate::http::state::AppState;

/// 5,000 ids, in bytes.
const CHOICE: BodyLimit = BodyLimit(2 << 20);

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/backups/{key}/records/{collection}", get(records))
        .route("/api/backups/{key}/recover", post(recover).layer(Extension(CHOICE)))
}

async fn records(
    Superuser(caller): Superuser,
    State(state): State<AppState>,
    Path((key, collection)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let request = ListRequest::from_query(&caller.query);
    let wanted = caller.query.get("state").and_then(Value::as_str).unwrap_or_default();
    let wanted = recovery::State::named(wanted)?;
    let asking = caller.clone();
    let listed = state
        .blocking(move |app| app.recovery().list(&key, &collection, &request, wanted, &asking))
        .await?;
    picked(listed, &caller)
}

async fn recover(
    Superuser(caller): Superuser,
    State(state): State<AppState>,
    Path(key): Path<String>,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, ApiError> {
    let request = RecoverRequest::from_body(&body)?;
    let recovered = state
        .blocking(move |app| app.recovery().recover(&key, &request))
        .await?;
    picked(json!(recovered), &caller)
}
