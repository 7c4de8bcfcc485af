//! One file per resource; each has a `router()` and only translates.

mod account_mails;
mod auth;
mod backup_reports;
mod backups;
mod batch;
mod collections;
mod console;
mod crons;
mod dashboard;
mod files;
mod health;
mod logs;
mod metrics;
mod oauth2;
pub mod plain;
pub mod public;
mod realtime;
mod records;
mod recovery;
mod settings;
pub mod table;

use axum::Router;

use crate::http::state::AppState;

/// Every route of the API.
pub fn all() -> Router<AppState> {
    Router::new()
        .merge(account_mails::router())
        .merge(auth::router())
        .merge(collections::router())
        .merge(console::router())
        .merge(crons::router())
        .merge(dashboard::router())
        .merge(files::router())
        .merge(backup_reports::router())
        .merge(backups::router())
        .merge(batch::router())
        .merge(health::router())
        .merge(logs::router())
        .merge(metrics::router())
        .merge(oauth2::router())
        .merge(realtime::router())
        .merge(records::router())
        .merge(recovery::router())
        .merge(settings::router())
}
