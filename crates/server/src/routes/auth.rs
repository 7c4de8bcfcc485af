//! `/api/collections/{collection}/auth-*`, `impersonate`, and `/api/files/token`: who is there, and what proves it.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bosbase_app::auth::Authenticated;
use bosbase_app::{App, Caller, Error, ErrorKind};
use serde_json::{Map, Value, json};

use crate::http::body::JsonObject;
use crate::http::caller::Asking;
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::state::AppState;

type Answer = Result<Json<Value>, ApiError>;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/collections/{collection}/auth-methods", get(methods))
        .route("/api/collections/{collection}/auth-with-password", post(with_password))
        .route("/api/collections/{collection}/auth-refresh", post(refresh))
        .route("/api/collections/{collection}/impersonate/{id}", post(impersonate))
        .route("/api/collections/{collection}/request-otp", post(without_otp))
        .route("/api/collections/{collection}/auth-with-otp", post(without_otp))
        .route("/api/collections/{collection}/auth-with-oauth2", post(without_oauth2))
        .route("/api/files/token", post(file_token))
}

async fn methods(State(state): State<AppState>, Path(collection): Path<String>, Asking(caller): Asking) -> Answer {
    let answer = state.blocking(move |app| app.auth_methods(&collection)).await?;
    Ok(picked(answer, &caller))
}

async fn with_password(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
    JsonObject(body): JsonObject,
) -> Answer {
    // Hashing takes all of a core for a while: beyond as many at once as there are cores, logins wait for each other and
    // leave the blocking threads to everybody else.
    let _turn = state.app.login_turn().await;
    let answer = state
        .blocking(move |app| {
            let who = app.auth_with_password(&collection, body, &caller)?;
            present(app, &who, &caller)
        })
        .await?;
    Ok(answer)
}

async fn refresh(State(state): State<AppState>, Path(collection): Path<String>, Asking(caller): Asking) -> Answer {
    let answer = state
        .blocking(move |app| {
            let current = caller.token().unwrap_or_default().to_owned();
            let who = app.auth_refresh(&collection, &current, &caller)?;
            present(app, &who, &caller)
        })
        .await?;
    Ok(answer)
}

async fn impersonate(
    State(state): State<AppState>,
    Path((collection, id)): Path<(String, String)>,
    Asking(caller): Asking,
    JsonObject(body): JsonObject,
) -> Answer {
    let answer = state
        .blocking(move |app| {
            let who = app.impersonate(&collection, &id, &body, &caller)?;
            present(app, &who, &caller)
        })
        .await?;
    Ok(answer)
}

async fn file_token(State(state): State<AppState>, Asking(caller): Asking) -> Answer {
    let (token, caller) = state
        .blocking(move |app| Ok((app.file_token(&caller)?, caller)))
        .await?;
    Ok(picked(json!({ "token": token }), &caller))
}

fn present(app: &App, who: &Authenticated, caller: &Caller) -> Result<Json<Value>, Error> {
    let answer: Map<String, Value> = who.present(app, caller)?;
    Ok(picked(Value::Object(answer), caller))
}

/// One-time passwords are not there yet: what a collection that has them on asks for can't be done, and is not done by halves.
async fn without_otp(State(state): State<AppState>, Path(collection): Path<String>) -> Answer {
    unavailable(state, collection, "OTP").await
}

async fn without_oauth2(State(state): State<AppState>, Path(collection): Path<String>) -> Answer {
    unavailable(state, collection, "OAuth2").await
}

async fn unavailable(state: AppState, collection: String, what: &'static str) -> Answer {
    state.blocking(move |app| app.auth_collection(&collection)).await?;
    let message = format!("The collection is not configured to allow {what} authentication.");
    Err(Error::new(ErrorKind::Forbidden, message).into())
}
