//! One file per resource; each has a `router()` and only translates.

mod auth;
mod backups;
mod collections;
mod crons;
mod files;
mod health;
mod logs;
mod metrics;
mod realtime;
mod records;
mod settings;
pub mod table;

use axum::Router;

use crate::http::state::AppState;

/// Every route of the API.
pub fn all() -> Router<AppState> {
    Router::new()
        .merge(auth::router())
        .merge(collections::router())
        .merge(crons::router())
        .merge(files::router())
        .merge(backups::router())
        .merge(health::router())
        .merge(logs::router())
        .merge(metrics::router())
        .merge(realtime::router())
        .merge(records::router())
        .merge(settings::router())
}
