//! `/api/logs`: what the server did. Superusers only.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use bosbase_app::logs::{self, ListLogs};
use serde_json::{Value, json};

use crate::http::caller::Superuser;
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::paging::Paging;
use crate::http::state::AppState;

type Answer = Result<Json<Value>, ApiError>;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/logs", get(list))
        .route("/api/logs/stats", get(stats))
        .route("/api/logs/{id}", get(view))
}

async fn list(State(state): State<AppState>, Superuser(caller): Superuser) -> Answer {
    let paging = Paging::of(&caller)?;
    let query = ListLogs {
        filter: paging.filter,
        sort: paging.sort,
        page: paging.page,
        per_page: paging.per_page,
        skip_total: paging.skip_total,
    };
    let page = state.blocking(move |app| app.list_logs(&query)).await?;
    let items: Vec<_> = page.items.iter().map(logs::present).collect();
    let answer = json!({
        "page": page.page,
        "perPage": page.per_page,
        "totalItems": page.total_items,
        "totalPages": page.total_pages,
        "items": items,
    });
    Ok(picked(answer, &caller))
}

async fn stats(State(state): State<AppState>, Superuser(caller): Superuser) -> Answer {
    let filter = Paging::of(&caller)?.filter;
    let stats = state.blocking(move |app| app.log_stats(&filter)).await?;
    let answer = stats
        .iter()
        .map(|hour| json!({"date": hour.date, "total": hour.total}))
        .collect();
    Ok(picked(answer, &caller))
}

async fn view(State(state): State<AppState>, Path(id): Path<String>, Superuser(caller): Superuser) -> Answer {
    let entry = state.blocking(move |app| app.log_entry(&id)).await?;
    Ok(picked(logs::present(&entry), &caller))
}
