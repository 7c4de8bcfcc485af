//! `/api/collections`: what records are made of. Superusers only.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use axum::{Extension, Json, Router};
use bosbase_app::collections::{self, CollectionQuery};
use bosbase_app::{Error, paging};
use serde_json::{Map, Value};

use crate::http::answer::shown;
use crate::http::body::{JsonObject, SMALL};
use crate::http::caller::Superuser;
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::paging::Paging;
use crate::http::path::Path;
use crate::http::state::AppState;

type Answer = Result<Json<Value>, ApiError>;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/collections", get(list).post(create))
        .route(
            "/api/collections/import",
            put(import).get(view_import).patch(update_import).delete(remove_import),
        )
        .route("/api/collections/meta/scaffolds", get(scaffolds))
        .route(
            "/api/collections/meta/dry-run-view",
            post(dry_run_view).layer(Extension(SMALL)),
        )
        .route("/api/collections/{collection}", get(view).patch(update).delete(remove))
        .route("/api/collections/{collection}/truncate", delete(truncate))
}

async fn list(State(state): State<AppState>, Superuser(caller): Superuser) -> Answer {
    let paging = Paging::of(&caller)?;
    let query = CollectionQuery {
        filter: paging.filter,
        sort: paging.sort,
        page: paging.page,
    };
    let page = state.blocking(move |app| app.collections().list(&query)).await?;
    let answer = paging::shown(&page.map(|items| items.iter().map(|item| collections::present(item)).collect()));
    picked(answer, &caller)
}

async fn view(State(state): State<AppState>, Path(key): Path<String>, Superuser(caller): Superuser) -> Answer {
    let collection = state.app.collections().get(&key)?;
    picked(Value::Object(collections::present(&collection)), &caller)
}

async fn create(
    State(state): State<AppState>,
    Superuser(caller): Superuser,
    body: Result<JsonObject, ApiError>,
) -> Answer {
    let sent = readable(
        body,
        "Failed to load the collection type data due to invalid formatting.",
    )?;
    let made = state.blocking(move |app| app.collections().create(sent)).await?;
    picked(Value::Object(collections::present(&made)), &caller)
}

async fn update(
    State(state): State<AppState>,
    Path(key): Path<String>,
    Superuser(caller): Superuser,
    body: Result<JsonObject, ApiError>,
) -> Answer {
    state.app.collections().get(&key)?;
    let sent = readable(body, "Failed to load the submitted data due to invalid formatting.")?;
    let changed = state.blocking(move |app| app.collections().update(&key, sent)).await?;
    picked(Value::Object(collections::present(&changed)), &caller)
}

/// The body, or why there is none in this resource's words.
fn readable(body: Result<JsonObject, ApiError>, complaint: &str) -> Result<Map<String, Value>, ApiError> {
    match body {
        Ok(JsonObject(sent)) => Ok(sent),
        Err(error) if error.status() == StatusCode::BAD_REQUEST => Err(Error::invalid(complaint).into()),
        Err(error) => Err(error),
    }
}

async fn remove(
    State(state): State<AppState>,
    Path(key): Path<String>,
    Superuser(_): Superuser,
) -> Result<StatusCode, ApiError> {
    state.blocking(move |app| app.collections().delete(&key)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn truncate(
    State(state): State<AppState>,
    Path(key): Path<String>,
    Superuser(_): Superuser,
) -> Result<StatusCode, ApiError> {
    state.blocking(move |app| app.collections().truncate(&key)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn import(
    State(state): State<AppState>,
    Superuser(_): Superuser,
    JsonObject(sent): JsonObject,
) -> Result<StatusCode, ApiError> {
    state.blocking(move |app| app.collections().import(&sent)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A collection may be called as the import is.
const IMPORT: &str = "import";

async fn view_import(state: State<AppState>, caller: Superuser) -> Answer {
    view(state, Path(IMPORT.to_owned()), caller).await
}

async fn update_import(state: State<AppState>, caller: Superuser, body: Result<JsonObject, ApiError>) -> Answer {
    update(state, Path(IMPORT.to_owned()), caller, body).await
}

async fn remove_import(state: State<AppState>, caller: Superuser) -> Result<StatusCode, ApiError> {
    remove(state, Path(IMPORT.to_owned()), caller).await
}

async fn scaffolds(State(state): State<AppState>, Superuser(caller): Superuser) -> Result<Json<Value>, ApiError> {
    picked(Value::Object(state.app.collections().scaffolds()), &caller)
}

async fn dry_run_view(
    State(state): State<AppState>,
    Superuser(caller): Superuser,
    JsonObject(sent): JsonObject,
) -> Result<Response, ApiError> {
    shown(&state, caller, move |app, caller| {
        app.collections().try_view(&sent, caller)
    })
    .await
}
