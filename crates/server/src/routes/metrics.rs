//! `/api/metrics`: the state of the backups, and of the bucket of files, for a monitoring system.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bosbase_app::Metrics;
use bosbase_app::jobs::is_metrics_token;

use crate::http::caller::Asking;
use crate::http::error::ApiError;
use crate::http::state::{AppState, GLANCE};

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new().route("/api/metrics", get(metrics))
}

async fn metrics(
    State(state): State<AppState>,
    Asking(caller): Asking,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !has_token(&headers, state.metrics_token.as_deref()) {
        caller.require_superuser()?;
    }
    // That the storage does not answer must be scraped while it does not.
    let listed = match state.asking(GLANCE, |app| app.backups().listed()).await {
        Ok(listed) => listed,
        Err(error) => {
            tracing::warn!(
                error = error.with_causes(),
                "the backups could not be listed for the metrics"
            );
            None
        }
    };
    let text = state
        .blocking(move |app| {
            let mut metrics = Metrics::default();
            app.backups().measure(listed.as_deref(), &mut metrics)?;
            app.alarms().measure(&mut metrics);
            metrics.add_files(app.files());
            Ok(metrics.into_text())
        })
        .await?;
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response())
}

fn has_token(headers: &HeaderMap, wanted: Option<&str>) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match (given, wanted) {
        (Some(given), Some(wanted)) => is_metrics_token(given, wanted),
        _ => false,
    }
}
