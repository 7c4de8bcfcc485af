//! `/api/logs`: what the server did. Superusers only.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use bosbase_app::logs::{self, ListLogs};
use bosbase_app::paging;
use serde_json::{Value, json};

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
        .route("/api/logs", get(list).delete(clear))
        .route("/api/logs/stats", get(stats))
        .route("/api/logs/{id}", get(view))
}

async fn list(State(state): State<AppState>, Superuser(caller): Superuser) -> Answer {
    let paging = Paging::of(&caller)?;
    let query = ListLogs {
        filter: paging.filter,
        sort: paging.sort,
        page: paging.page,
    };
    let page = state.blocking(move |app| app.logs().list(&query)).await?;
    let answer = paging::shown(&page.map(|items| items.iter().map(logs::present).collect()));
    picked(answer, &caller)
}

async fn clear(State(state): State<AppState>, _: Superuser) -> Result<StatusCode, ApiError> {
    state.blocking(|app| app.logs().clear()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn stats(State(state): State<AppState>, Superuser(caller): Superuser) -> Answer {
    let filter = Paging::of(&caller)?.filter;
    let stats = state.blocking(move |app| app.logs().stats(&filter)).await?;
    let answer = stats
        .iter()
        .map(|hour| json!({"date": hour.date, "total": hour.total}))
        .collect();
    picked(answer, &caller)
}

async fn view(State(state): State<AppState>, Path(id): Path<String>, Superuser(caller): Superuser) -> Answer {
    let entry = state.blocking(move |app| app.logs().entry(&id)).await?;
    picked(logs::present(&entry), &caller)
}
