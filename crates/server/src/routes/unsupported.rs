//! What PocketBase's clients ask for and this version does not do yet: 501 and a sentence, so that nobody looks for a
//! mistake in an address.

use axum::Router;
use axum::routing::post;
use bosbase_app::Error;

use crate::http::caller::Superuser;
use crate::http::error::ApiError;
use crate::http::state::AppState;

type Refused = Result<(), ApiError>;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/collections/meta/dry-run-view", post(dry_run_view))
        .route("/api/sql", post(sql))
}

fn refused(what: &str) -> Refused {
    Err(Error::unsupported(what).into())
}

async fn dry_run_view(_: Superuser) -> Refused {
    refused("Trying a view's query is")
}

async fn sql(_: Superuser) -> Refused {
    refused("Running SQL is")
}
