//! `/api/health`: whether the server answers, and, for superusers, how it is reached.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use bosbase_app::jobs::NewestProven;
use serde_json::{Value, json};

use crate::http::caller::Asking;
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::state::{AppState, GLANCE};

/// Headers by which common proxies tell the client's address.
const PROXY_HEADERS: [&str; 3] = ["CF-Connecting-IP", "Fly-Client-IP", "X-Forwarded-For"];

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new().route("/api/health", get(health))
}

/// A health check is no place to wait for a bucket that does not answer; what is remembered does then.
async fn newest_proven(state: &AppState) -> Result<NewestProven, ApiError> {
    match state.asking(GLANCE, |app| app.backups().newest_proven()).await {
        Ok(Some(newest)) => Ok(newest),
        _ => state.blocking(|app| app.backups().newest_recorded_proven()).await,
    }
}

async fn health(State(state): State<AppState>, Asking(caller): Asking) -> Result<Json<Value>, ApiError> {
    let mut data = json!({});
    let failing = state.app.store().failing_writes();
    if caller.is_superuser() {
        let proxy = PROXY_HEADERS.into_iter().find(|name| {
            let key = name.to_lowercase().replace('-', "_");
            caller.headers.get(&key).is_some_and(|value| !value.is_empty())
        });
        data = json!({
            "canBackup": state.app.jobs().is_free(),
            "realIP": caller.ip,
            "possibleProxyHeader": proxy.unwrap_or_default(),
        });
        if let Some(why) = &failing {
            data["writesFail"] = json!(why);
        }
        if state.app.files().is_foreign() == Some(true) {
            data["filesBucketOwned"] = json!(false);
        }
        // Only where there is one, so that the answer is PocketBase's where there is nothing to add.
        let newest = newest_proven(&state).await?;
        if let Some(age) = newest.age {
            data["newestProvenBackupAge"] = json!(age);
        }
        if !state.app.findings().is_empty() {
            data["dataFindings"] = json!(state.app.findings());
        }
        let troubles: Vec<String> = state
            .app
            .alarms()
            .status()
            .troubles
            .into_iter()
            .map(|trouble| trouble.cause)
            .collect();
        if !troubles.is_empty() {
            data["backupTroubles"] = json!(troubles);
        }
        if newest.ahead > 0 {
            data["provenBackupsAhead"] = json!(newest.ahead);
        }
    }
    // Reads are served all the same, so it is no failure for a monitor that would start the server anew for one.
    let message = match failing {
        Some(_) => "API is healthy, but writes fail.",
        None => "API is healthy.",
    };
    picked(json!({"code": 200, "message": message, "data": data}), &caller)
}
