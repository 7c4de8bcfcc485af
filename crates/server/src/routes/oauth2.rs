//! What is about providers and no single collection: which there are, where people come back to, and Apple's secret.

use axum::extract::{FromRequest as _, Query, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bosbase_app::oauth2::{self, Returned};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

use crate::http::body::{JsonObject, SMALL};
use crate::http::caller::Superuser;
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::state::AppState;

type Answer = Result<Json<Value>, ApiError>;
type Redirect = (StatusCode, [(HeaderName, HeaderValue); 2]);

/// The pages that people see who come back; beside this route, wherever a proxy puts it.
const SUCCESS: &str = "../_/#/auth/oauth2-redirect-success";
const FAILURE: &str = "../_/#/auth/oauth2-redirect-failure";

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/oauth2-redirect", get(returned_by_link).post(returned_by_form))
        .route("/api/collections/meta/oauth2-providers", get(providers))
        .route("/api/settings/apple/generate-client-secret", post(apple_secret))
        .layer(Extension(SMALL))
}

async fn providers(Superuser(caller): Superuser) -> Result<Json<Value>, ApiError> {
    picked(Value::Array(oauth2::listed()), &caller)
}

async fn apple_secret(Superuser(caller): Superuser, JsonObject(request): JsonObject) -> Answer {
    let secret = oauth2::client_secret(&request)?;
    picked(json!({ "secret": secret }), &caller)
}

async fn returned_by_link(
    State(state): State<AppState>,
    method: Method,
    query: Result<Query<HashMap<String, String>>, axum::extract::rejection::QueryRejection>,
) -> Redirect {
    let values = query.map(|Query(values)| values).unwrap_or_default();
    let value = |name: &str| values.get(name).cloned().unwrap_or_default();
    let returned = Returned {
        state: value("state"),
        code: value("code"),
        error: value("error"),
        user: String::new(),
    };
    // As in PocketBase, where all but GET is told to go on with GET.
    let status = if method == Method::GET {
        StatusCode::TEMPORARY_REDIRECT
    } else {
        StatusCode::SEE_OTHER
    };
    redirect(status, hand_over(&state, &returned))
}

/// Apple has people post a form.
async fn returned_by_form(State(state): State<AppState>, request: Request) -> Redirect {
    let body = JsonObject::from_request(request, &state).await;
    let values: Map<String, Value> = body.map(|JsonObject(values)| values).unwrap_or_default();
    let value = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let returned = Returned {
        state: value("state"),
        code: value("code"),
        error: value("error"),
        user: value("user"),
    };
    redirect(StatusCode::SEE_OTHER, hand_over(&state, &returned))
}

/// Whether somebody who waits for it was told, and it was good news.
fn hand_over(state: &AppState, returned: &Returned) -> bool {
    if !state.app.realtime().expects_return(&returned.state) {
        return false;
    }
    // Before the client hears of it: its login follows at once.
    state.app.accounts().note_returned(returned);
    state.app.realtime().hand_over(returned) && returned.error.is_empty() && !returned.code.is_empty()
}

fn redirect(status: StatusCode, is_success: bool) -> Redirect {
    let place = if is_success { SUCCESS } else { FAILURE };
    let headers = [
        (header::LOCATION, HeaderValue::from_static(place)),
        // The address holds a code.
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (status, headers)
}
