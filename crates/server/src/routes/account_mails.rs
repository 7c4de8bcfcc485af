//! `/api/collections/{collection}/request-*` and `confirm-*`: what accounts do by mail. Whether the collection admits it
//! is asked before anything of the body is looked at, as in PocketBase.

use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Extension, Router};

use crate::http::body::{JsonObject, SMALL};
use crate::http::caller::Asking;
use crate::http::error::ApiError;
use crate::http::path::Path;
use crate::http::state::AppState;

type Answer = Result<StatusCode, ApiError>;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route(
            "/api/collections/{collection}/request-verification",
            post(request_verification),
        )
        .route(
            "/api/collections/{collection}/confirm-verification",
            post(confirm_verification),
        )
        .route(
            "/api/collections/{collection}/request-password-reset",
            post(request_password_reset),
        )
        .route(
            "/api/collections/{collection}/confirm-password-reset",
            post(confirm_password_reset),
        )
        .route(
            "/api/collections/{collection}/request-email-change",
            post(request_email_change),
        )
        .route(
            "/api/collections/{collection}/confirm-email-change",
            post(confirm_email_change),
        )
        .layer(Extension(SMALL))
}

async fn request_verification(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    request: Request,
) -> Answer {
    let accounts = state.app.accounts();
    accounts.with_verification(&collection)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    state
        .blocking(move |app| app.accounts().request_verification(&collection, &body))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn confirm_verification(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    request: Request,
) -> Answer {
    let accounts = state.app.accounts();
    accounts.with_verification(&collection)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    // A collection without passwords gives the account a new one.
    let _turn = accounts.password_turn().await?;
    state
        .blocking(move |app| app.accounts().confirm_verification(&collection, &body))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn request_password_reset(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    request: Request,
) -> Answer {
    let accounts = state.app.accounts();
    accounts.with_password_reset(&collection)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    state
        .blocking(move |app| app.accounts().request_password_reset(&collection, &body))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn confirm_password_reset(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    request: Request,
) -> Answer {
    let accounts = state.app.accounts();
    accounts.collection(&collection)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    let _turn = accounts.password_turn().await?;
    state
        .blocking(move |app| app.accounts().confirm_password_reset(&collection, &body))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn request_email_change(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
    request: Request,
) -> Answer {
    state.app.accounts().require_own_account(&collection, &caller)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    let turn = state.app.accounts().mail_turn().await?;
    state
        .blocking(move |app| {
            // Held as long as the mail server takes, also where the client has gone.
            let _turn = turn;
            app.accounts().request_email_change(&collection, &body, &caller)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn confirm_email_change(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
    request: Request,
) -> Answer {
    let accounts = state.app.accounts();
    accounts.with_email_change(&collection)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    let _turn = accounts.password_turn().await?;
    state
        .blocking(move |app| app.accounts().confirm_email_change(&collection, &body, &caller))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
