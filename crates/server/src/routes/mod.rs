//! One file per resource; each has a `router()` and only translates.

use axum::Router;

use crate::http::state::AppState;

/// Every route of the API.
pub fn all() -> Router<AppState> {
    Router::new()
}
