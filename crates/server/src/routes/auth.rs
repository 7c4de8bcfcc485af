//! `/api/collections/{collection}/auth-*`, `impersonate`, and `/api/files/token`: who is there, and what proves it.

use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bosbase_app::accounts::{Authenticated, Login};
use bosbase_app::{App, Caller, Error};
use serde_json::{Map, Value, json};

use crate::http::body::{JsonObject, SMALL, WITH_RECORD};
use crate::http::caller::{Asking, Superuser};
use crate::http::error::ApiError;
use crate::http::fields::{cut, picked};
use crate::http::path::Path;
use crate::http::state::AppState;

type Answer = Result<Json<Value>, ApiError>;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/collections/{collection}/auth-methods", get(methods))
        .route("/api/collections/{collection}/auth-with-password", post(with_password))
        .route("/api/collections/{collection}/auth-refresh", post(refresh))
        .route("/api/collections/{collection}/impersonate/{id}", post(impersonate))
        .route("/api/collections/{collection}/request-otp", post(request_otp))
        .route("/api/collections/{collection}/auth-with-otp", post(with_otp))
        .route("/api/files/token", post(file_token))
        .layer(Extension(SMALL))
        .route(
            "/api/collections/{collection}/auth-with-oauth2",
            post(with_oauth2).layer(Extension(WITH_RECORD)),
        )
}

async fn methods(State(state): State<AppState>, Path(collection): Path<String>, Asking(caller): Asking) -> Answer {
    let answer = state.blocking(move |app| app.accounts().methods(&collection)).await?;
    picked(answer, &caller)
}

async fn with_password(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
    request: Request,
) -> Result<Response, ApiError> {
    state.app.accounts().check_password_login(&collection)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    // Logins that wait for a core leave the blocking threads to everybody else.
    let _turn = state.app.accounts().password_turn().await?;
    let answer = state
        .blocking(move |app| {
            let login = app.accounts().log_in_with_password(&collection, body, &caller)?;
            logged_in(app, &login, &caller)
        })
        .await?;
    Ok(answer)
}

async fn refresh(State(state): State<AppState>, Path(collection): Path<String>, Asking(caller): Asking) -> Answer {
    let answer = state
        .blocking(move |app| {
            let current = caller.token().unwrap_or_default().to_owned();
            let who = app.accounts().refresh(&collection, &current, &caller)?;
            present(app, &who, &caller)
        })
        .await?;
    Ok(answer)
}

async fn impersonate(
    State(state): State<AppState>,
    Path((collection, id)): Path<(String, String)>,
    Superuser(caller): Superuser,
    request: Request,
) -> Answer {
    let (collection, id, caller) = state
        .blocking(move |app| {
            app.accounts().impersonated(&collection, &id, &caller)?;
            Ok((collection, id, caller))
        })
        .await?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    let answer = state
        .blocking(move |app| {
            let who = app.accounts().impersonate(&collection, &id, &body, &caller)?;
            present(app, &who, &caller)
        })
        .await?;
    Ok(answer)
}

async fn file_token(State(state): State<AppState>, Asking(caller): Asking) -> Answer {
    let (token, caller) = state
        .blocking(move |app| Ok((app.accounts().file_token(&caller)?, caller)))
        .await?;
    picked(json!({ "token": token }), &caller)
}

/// The answer to a factor that was right. A second one that is still wanted is told with 401, as by PocketBase.
fn logged_in(app: &App, login: &Login, caller: &Caller) -> Result<Response, Error> {
    match login {
        Login::Done(who) => Ok(present(app, who, caller)?.into_response()),
        Login::SecondFactor(session) => {
            let answer = Json(json!({ "mfaId": session }));
            Ok((StatusCode::UNAUTHORIZED, answer).into_response())
        }
    }
}

fn present(app: &App, who: &Authenticated, caller: &Caller) -> Result<Json<Value>, Error> {
    let answer: Map<String, Value> = who.present(app.records(), caller)?;
    cut(Value::Object(answer), caller)
}

async fn request_otp(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
    request: Request,
) -> Answer {
    state.app.accounts().check_one_time_login(&collection)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    let _turn = state.app.accounts().password_turn().await?;
    let id = state
        .blocking(move |app| app.accounts().request_one_time_password(&collection, &body))
        .await?;
    picked(json!({ "otpId": id }), &caller)
}

async fn with_otp(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
    request: Request,
) -> Result<Response, ApiError> {
    state.app.accounts().check_one_time_login(&collection)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    let _turn = state.app.accounts().password_turn().await?;
    let answer = state
        .blocking(move |app| {
            let login = app
                .accounts()
                .log_in_with_one_time_password(&collection, body, &caller)?;
            logged_in(app, &login, &caller)
        })
        .await?;
    Ok(answer)
}

async fn with_oauth2(
    State(state): State<AppState>,
    Path(collection): Path<String>,
    Asking(caller): Asking,
    request: Request,
) -> Result<Response, ApiError> {
    let accounts = state.app.accounts();
    accounts.check_oauth2_login(&collection)?;
    let JsonObject(body) = JsonObject::from_request(request, &state).await?;
    let introduced = accounts.introduce(&collection, &body, &caller).await?;
    let _turn = accounts.password_turn().await?;
    let answer = state
        .blocking(move |app| {
            let login = app.accounts().log_in_introduced(&introduced, body, &caller)?;
            logged_in(app, &login, &caller)
        })
        .await?;
    Ok(answer)
}
