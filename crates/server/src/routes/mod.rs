//! One file per resource; each has a `router()` and only translates.

mod auth;
mod health;
mod settings;

use axum::Router;

use crate::http::state::AppState;

/// Every route of the API.
pub fn all() -> Router<AppState> {
    Router::new()
        .merge(auth::router())
        .merge(health::router())
        .merge(settings::router())
}
