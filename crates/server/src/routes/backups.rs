//! `/api/backups`: the Backups API.

use std::time::Duration;

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bosbase_app::jobs::{Job, JobState, Listed, Ticket, neighbours};
use bosbase_app::{Error, FieldErrors};
use serde_json::{Value, json};

use crate::http::body::{JsonObject, bad_body};
use crate::http::caller::{Asking, Superuser};
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::path::Path;
use crate::http::range::{self, Wanted};
use crate::http::state::{AppState, PATIENCE};
use crate::http::stream;

const UPLOAD: &str = "/api/backups/upload";

fn named_upload() -> Path<String> {
    Path("upload".to_owned())
}

/// The routes of this resource.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/backups", get(list).post(create))
        .route(UPLOAD, post(upload).layer(DefaultBodyLimit::disable()))
        // Here "upload" is a backup's name, as in PocketBase. There is none of that name.
        .route(
            UPLOAD,
            get(|state, caller, headers| download(state, named_upload(), caller, headers))
                .delete(|caller, state| delete(caller, state, named_upload())),
        )
        .route("/api/backups/status", get(status))
        .route("/api/backups/undo-restore", get(undo_outlook).post(undo))
        .route("/api/backups/cancel", post(cancel))
        .route("/api/backups/{key}", get(download).delete(delete))
        .route("/api/backups/{key}/restore", post(restore))
        .route("/api/backups/{key}/verify", post(verify))
}

async fn list(Superuser(caller): Superuser, State(state): State<AppState>) -> Result<Json<Value>, ApiError> {
    let listed = state.asking(PATIENCE, |app| app.backups().shown()).await?;
    let backups = listed.ok_or_else(|| silent(&state))?;
    let rows = backups
        .iter()
        .map(|one| {
            let Listed {
                backup,
                proof,
                is_of_others,
            } = one;
            json!({
                "key": backup.key.as_str(),
                "size": backup.size,
                "modified": bosbase_app::moment::wire(backup.modified),
                "proven": proof.proven,
                "proofDepth": proof.depth(),
                "proofError": proof.error,
                "missing": proof.missing,
                "provenElsewhere": is_of_others,
            })
        })
        .collect();
    picked(Value::Array(rows), &caller)
}

/// What to say where the storage of backups takes too long.
pub(super) fn silent(state: &AppState) -> ApiError {
    let place = state.app.backups().shown_place();
    Error::invalid(format!(
        "Where the backups are ({place}) does not answer in time. Try again later."
    ))
    .into()
}

async fn status(Superuser(caller): Superuser, State(state): State<AppState>) -> Result<Json<Value>, ApiError> {
    let (jobs, undo, alarms) = state
        .blocking(|app| Ok((app.jobs().all()?, app.backups().undoable()?, app.alarms().status())))
        .await?;
    let others = state.blocking(|app| Ok(neighbours(app.data_dir()))).await?;
    // A disk that can't be read says nothing of the rest, least of all of where the backups are.
    let left = state.blocking(|app| Ok(app.backups().left_on_disk().ok())).await?;
    let place = state.app.backups().bucket_in_force();
    let place = place.map(|config| json!({ "bucket": config.bucket, "endpoint": config.endpoint }));
    let foreign = state.app.backups().foreign();
    let rehearsal = state.app.options().rehearsal;
    let running = jobs.iter().find(|job| job.state == JobState::Running);
    picked(
        json!({
            "running": running,
            "jobs": jobs,
            "undo": undo,
            "alarms": alarms,
            "foreign": foreign,
            "otherServers": others,
            "rehearsal": rehearsal,
            "place": place,
            "leftOnDisk": left,
        }),
        &caller,
    )
}

async fn create(
    _: Superuser,
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonObject(body): JsonObject,
) -> Result<Response, ApiError> {
    let name = match body.get("name") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(name)) => name.clone(),
        Some(_) => return Err(bad_body().into()),
    };
    let ticket = state.blocking(move |app| app.backup_jobs().start_backup(&name)).await?;
    answer(&state, ticket, &headers).await
}

async fn restore(
    _: Superuser,
    State(state): State<AppState>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ticket = state.blocking(move |app| app.backup_jobs().start_restore(&key)).await?;
    answer(&state, ticket, &headers).await
}

async fn undo_outlook(Superuser(caller): Superuser, State(state): State<AppState>) -> Result<Json<Value>, ApiError> {
    let outlook = state.blocking(|app| app.backup_jobs().foresee_undo()).await?;
    let (undo, comparison) = outlook.map_or((None, None), |outlook| (Some(outlook.undo), outlook.comparison));
    picked(json!({ "undo": undo, "comparison": comparison }), &caller)
}

async fn undo(_: Superuser, State(state): State<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let ticket = state.blocking(|app| app.backup_jobs().start_undo()).await?;
    answer(&state, ticket, &headers).await
}

async fn cancel(
    _: Superuser,
    State(state): State<AppState>,
    JsonObject(body): JsonObject,
) -> Result<StatusCode, ApiError> {
    let id = match body.get("id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(_) => return Err(bad_body().into()),
    };
    state.blocking(move |app| app.cancel_jobs(id.as_deref())).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn verify(
    _: Superuser,
    State(state): State<AppState>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ticket = state.blocking(move |app| app.backups().start_verify(&key)).await?;
    answer(&state, ticket, &headers).await
}

/// 204 for a job that was begun; for a client that prefers to wait (RFC 7240), its outcome.
async fn answer(state: &AppState, mut ticket: Ticket, headers: &HeaderMap) -> Result<Response, ApiError> {
    let Some(seconds) = preferred_wait(headers) else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let ended = tokio::select! {
        job = ticket.ended() => Some(job),
        // A restore ends in the next process.
        () = state.lifecycle.drained() => None,
        () = tokio::time::sleep(Duration::from_secs(seconds)) => None,
    };
    let status = match ended {
        Some(Job {
            state: JobState::Failed,
            error,
            ..
        }) => return Err(Error::invalid(error).into()),
        Some(Job {
            state: JobState::Succeeded,
            ..
        }) => StatusCode::NO_CONTENT,
        // The work goes on, of a restore in the next process; its end can be read from the status.
        _ => StatusCode::ACCEPTED,
    };
    let mut response = status.into_response();
    if let Ok(applied) = HeaderValue::from_str(&format!("wait={seconds}")) {
        response.headers_mut().insert("preference-applied", applied);
    }
    Ok(response)
}

fn preferred_wait(headers: &HeaderMap) -> Option<u64> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences
        .flat_map(|value| value.split(','))
        .filter_map(|preference| preference.split(';').next()?.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse().ok())
}

async fn upload(
    _: Superuser,
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Option<Multipart>,
) -> Result<StatusCode, ApiError> {
    // What is around the file makes it a little more than that.
    let longest = headers.get(header::CONTENT_LENGTH);
    let longest = longest.and_then(|length| length.to_str().ok()?.parse().ok());
    let Some(mut form) = form else { return Err(no_file()) };
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        if field.name() == Some("file") && field.file_name().is_some() {
            return receive(&state, longest, field).await;
        }
    }
    Err(no_file())
}

async fn receive(state: &AppState, longest: Option<u64>, field: Field<'_>) -> Result<StatusCode, ApiError> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let (content, feed) = stream::pipe(field);
    let work = state.blocking(move |app| app.backups().upload(&name, longest, content));
    // The feed ends with the upload, or as soon as nobody reads it any more.
    let (outcome, ()) = tokio::join!(work, feed);
    outcome.map(|_| StatusCode::NO_CONTENT)
}

fn no_file() -> ApiError {
    let fields = FieldErrors::one("file", "validation_required", "Cannot be blank.");
    Error::validation("An error occurred while validating the submitted data.", fields).into()
}

fn broken(error: &MultipartError) -> ApiError {
    bad_body().caused_by(error.body_text()).into()
}

async fn download(
    State(state): State<AppState>,
    Path(key): Path<String>,
    Asking(caller): Asking,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let token = caller
        .query
        .get("token")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    // First of all: those who may not ask get no turn of those who may, and don't hear where the backups are.
    state
        .blocking(move |app| {
            let who = app.sessions().authenticate_file_token(&token, &caller.ip)?;
            if !who.is_some_and(|record| record.collection.is_superusers()) {
                let text = "Insufficient permissions to access the resource.";
                return Err(Error::new(bosbase_app::ErrorKind::Forbidden, text));
            }
            Ok(())
        })
        .await?;
    let name = key.clone();
    let archive = state
        .asking(PATIENCE, move |app| app.backups().open_archive(&name))
        .await?
        .ok_or_else(|| silent(&state))?;
    let len = archive.len();
    let etag = format!("\"{}\"", archive.etag());
    let modified = range::http_date(archive.modified().into());
    let (status, start, length) = match range::wanted(&headers, len, &etag, &modified) {
        Wanted::Whole => (StatusCode::OK, 0, len),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
        Wanted::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
        Wanted::Changed => (StatusCode::PRECONDITION_FAILED, 0, 0),
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::ETAG, etag)
        .header(header::LAST_MODIFIED, modified)
        .header(header::ACCEPT_RANGES, "bytes")
        // A copy of the whole database has no business in anybody's cache.
        .header(header::CACHE_CONTROL, "private, no-store")
        .header(header::CONTENT_TYPE, "application/zip")
        .header(header::CONTENT_DISPOSITION, attachment(&key));
    match status {
        StatusCode::PARTIAL_CONTENT => {
            response = response.header(
                header::CONTENT_RANGE,
                format!("bytes {start}-{}/{len}", start + length - 1),
            );
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            response = response.header(header::CONTENT_RANGE, format!("bytes */{len}"));
        }
        _ => {}
    }
    let body = if status == StatusCode::NOT_MODIFIED {
        Body::empty()
    } else {
        response = response.header(header::CONTENT_LENGTH, length);
        stream::archive(&state.unsent, start, length, archive)
    };
    response.body(body).map_err(|error| Error::internal(error).into())
}

/// `attachment` with the name in ASCII for old clients and as it is for others (RFC 6266).
fn attachment(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '\\') || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

async fn delete(_: Superuser, State(state): State<AppState>, Path(key): Path<String>) -> Result<StatusCode, ApiError> {
    // It is looked for first.
    let deleted = state
        .asking(2 * PATIENCE, move |app| app.backups().delete(&key))
        .await?;
    deleted.ok_or_else(|| silent(&state))?;
    Ok(StatusCode::NO_CONTENT)
}
