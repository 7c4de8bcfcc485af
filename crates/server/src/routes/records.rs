//! `/api/collections/{collection}/records`: the records of an application.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use bosbase_app::Caller;
use bosbase_app::auth::PasswordTurn;
use bosbase_app::records::{Body, ListRequest};
use serde_json::Value;

use crate::http::answer::{read as read_shown, shown};
use crate::http::caller::Asking;
use crate::http::error::ApiError;
use crate::http::form::Keep;
use crate::http::path::Path;
use crate::http::state::AppState;
use crate::http::{body, form};

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
    let kind = state.slow.kind((&collection, &caller.query, caller.is_superuser()));
    read_shown(&state, caller, kind, move |app, caller| {
        let request = ListRequest::from_query(&caller.query);
        app.records().answer_list(&collection, &request, caller)
    })
    .await
}

async fn view(
    State(state): State<AppState>,
    Path((collection, id)): Path<(String, String)>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let kind = state
        .slow
        .kind((&collection, "", expand(&caller), caller.is_superuser()));
    read_shown(&state, caller, kind, move |app, caller| {
        app.records().answer_view(&collection, &id, expand(caller), caller)
    })
    .await
}

async fn create(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
    request: Request,
) -> Result<Response, ApiError> {
    let (named, asking) = (collection.clone(), caller.clone());
    state
        .promptly(move |app| app.records().may_begin_to_create(&named, &asking))
        .await?;
    let body = read(&state, &collection, request).await?;
    let _turn = password_turn(&state, &collection, &body).await?;
    shown(&state, caller, move |app, caller| {
        let record = app.records().create(&collection, &body, expand(caller), caller)?;
        Ok(Value::Object(record))
    })
    .await
}

async fn update(
    State(state): State<AppState>,
    Path((collection, id)): Path<(String, String)>,
    Asking(caller): Asking,
    request: Request,
) -> Result<Response, ApiError> {
    let (named, sought, asking) = (collection.clone(), id.clone(), caller.clone());
    state
        .promptly(move |app| app.records().may_begin_to_update(&named, &sought, &asking))
        .await?;
    let body = read(&state, &collection, request).await?;
    let _turn = password_turn(&state, &collection, &body).await?;
    shown(&state, caller, move |app, caller| {
        let record = app.records().update(&collection, &id, &body, expand(caller), caller)?;
        Ok(Value::Object(record))
    })
    .await
}

async fn remove(
    State(state): State<AppState>,
    Path((collection, id)): Path<(String, String)>,
    Asking(caller): Asking,
) -> Result<StatusCode, ApiError> {
    state
        .blocking(move |app| app.records().delete(&collection, &id, &caller))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read(state: &AppState, collection: &str, request: Request) -> Result<Body, ApiError> {
    // Files come in parts alone: any other body would be held whole for what none of its fields takes.
    let has_files = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"));
    let limit = state
        .app
        .records()
        .body_limit(collection, body::DEFAULT_LIMIT as u64, has_files)?;
    let keys = state.app.records().file_keys(collection);
    let keep = |key: &str| match keys.get(key) {
        None => Keep::None,
        Some(1) => Keep::Last,
        // One more than there may be is enough to say so.
        Some(most) => Keep::First(most + 1),
    };
    form::read(state, request, limit, keep).await
}

/// The turn of a request that will hash a password; those that won't need none.
async fn password_turn(state: &AppState, collection: &str, body: &Body) -> Result<Option<PasswordTurn>, ApiError> {
    if !state.app.records().hashes_passwords(collection, body) {
        return Ok(None);
    }
    Ok(Some(state.app.accounts().password_turn().await?))
}

fn expand(caller: &Caller) -> &str {
    caller.query.get("expand").and_then(Value::as_str).unwrap_or_default()
}
