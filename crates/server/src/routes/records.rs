//! `/api/collections/{collection}/records`: the records of an application.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bosbase_app::Caller;
use bosbase_app::records::{Body, ListRequest};
use serde_json::{Map, Value, json};

use crate::http::caller::Asking;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::http::{body, fields, form};

/// The routes of this resource.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/collections/{collection}/records", get(list).post(create))
        .route(
            "/api/collections/{collection}/records/{id}",
            get(view).patch(update).delete(remove),
        )
}

async fn list(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let asking = caller.clone();
    let page = state
        .blocking(move |app| {
            let request = ListRequest::from_query(&asking.query)?;
            app.list_records(&collection, &request, &asking)
        })
        .await?;
    Ok(fields::picked(json!(page), &caller).into_response())
}

async fn view(
    State(state): State<AppState>,
    Path((collection, id)): Path<(String, String)>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let asking = caller.clone();
    let record = state
        .blocking(move |app| app.view_record(&collection, &id, expand(&asking), &asking))
        .await?;
    Ok(answer(record, &caller))
}

async fn create(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
    request: Request,
) -> Result<Response, ApiError> {
    let body = read(&state, &collection, request).await?;
    let asking = caller.clone();
    let record = state
        .blocking(move |app| app.create_record(&collection, &body, expand(&asking), &asking))
        .await?;
    Ok(answer(record, &caller))
}

async fn update(
    State(state): State<AppState>,
    Path((collection, id)): Path<(String, String)>,
    Asking(caller): Asking,
    request: Request,
) -> Result<Response, ApiError> {
    let body = read(&state, &collection, request).await?;
    let asking = caller.clone();
    let record = state
        .blocking(move |app| app.update_record(&collection, &id, &body, expand(&asking), &asking))
        .await?;
    Ok(answer(record, &caller))
}

async fn remove(
    State(state): State<AppState>,
    Path((collection, id)): Path<(String, String)>,
    Asking(caller): Asking,
) -> Result<StatusCode, ApiError> {
    state
        .blocking(move |app| app.delete_record(&collection, &id, &caller))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read(state: &AppState, collection: &str, request: Request) -> Result<Body, ApiError> {
    let limit = state.app.record_body_limit(collection, body::DEFAULT_LIMIT as u64)?;
    let keys = state.app.record_file_keys(collection);
    form::read(state, request, limit, |key| keys.contains(key)).await
}

fn expand(caller: &Caller) -> &str {
    caller.query.get("expand").and_then(Value::as_str).unwrap_or_default()
}

fn answer(record: Map<String, Value>, caller: &Caller) -> Response {
    let Json(picked) = fields::picked(Value::Object(record), caller);
    Json(picked).into_response()
}
