//! `/api/collections/{collection}/records`: the records of an application.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bosbase_app::records::{Body, ListRequest};
use bosbase_app::{Caller, Error};
use serde_json::{Value, json};

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
    answer(json!(page), &caller)
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
    answer(Value::Object(record), &caller)
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
    answer(Value::Object(record), &caller)
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
    answer(Value::Object(record), &caller)
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

/// `value` cut down to the `fields` that are asked for. A modifier that is none is refused only now, as in PocketBase: what
/// the request was to do is done.
fn answer(value: Value, caller: &Caller) -> Result<Response, ApiError> {
    let wanted = caller.query.get("fields").and_then(Value::as_str).unwrap_or_default();
    if !bosbase_app::fields::is_valid(wanted) {
        return Err(Error::invalid("Something went wrong while processing your request.").into());
    }
    Ok(fields::picked(value, caller).into_response())
}
