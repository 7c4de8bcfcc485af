//! What the Backups API tells beside the list: what a backup holds and what a restore of it would change, what
//! retention would do, and how long the jobs took. Superusers only.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use bosbase_app::jobs::{Comparison, Content, Described, JobKind};
use bosbase_app::moment::wire;
use bosbase_app::{Error, paging};
use serde_json::{Value, json};

use super::backups::silent;
use crate::http::body::JsonObject;
use crate::http::caller::Superuser;
use crate::http::error::ApiError;
use crate::http::fields::picked;
use crate::http::paging::Paging;
use crate::http::path::Path;
use crate::http::state::{AppState, PATIENCE};

type Answer = Result<Json<Value>, ApiError>;

/// The routes of this file.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/backups/{key}/content", get(content))
        .route("/api/backups/jobs", get(jobs))
        .route("/api/backups/preview-retention", post(preview_retention))
}

async fn content(Superuser(caller): Superuser, State(state): State<AppState>, Path(key): Path<String>) -> Answer {
    let compares = paging::flag(&caller.query, "compare")?;
    let described = state.asking(PATIENCE, move |app| app.backups().describe(&key)).await?;
    let described = described.ok_or_else(|| silent(&state))?;
    let held = described.content.clone().filter(|_| compares);
    let comparison = match held {
        Some(content) => Some(state.blocking(move |app| app.backup_jobs().compare(&content)).await?),
        None => None,
    };
    picked(shown(&described, compares, comparison.as_ref()), &caller)
}

fn shown(described: &Described, compares: bool, comparison: Option<&Comparison>) -> Value {
    let Described {
        key,
        size,
        modified,
        proof,
        is_of_others,
        content,
    } = described;
    let Content {
        program,
        format,
        created,
        counted,
        databases,
        collections,
        more_collections,
        files,
        other_files,
        definitions: _,
        settings: _,
    } = content.clone().unwrap_or_default();
    let age = jiff::Timestamp::now().duration_since(described.taken()).as_secs();
    let known = content.is_some();
    let mut answer = json!({
        "key": key,
        "size": size,
        "modified": wire(*modified),
        "age": age,
        "proven": proof.proven,
        "proofDepth": proof.depth(),
        "proofError": proof.error,
        "missing": proof.missing,
        "provenElsewhere": is_of_others,
        "known": known,
        "unknown": described.unknown(),
        "program": program,
        "format": format,
        "created": created,
        "counted": counted,
        "databases": databases,
        "collections": collections,
        "moreCollections": more_collections,
        "files": known.then_some(files),
        "otherFiles": known.then_some(other_files),
    });
    if compares {
        answer["comparison"] = json!(comparison);
    }
    answer
}

async fn jobs(Superuser(caller): Superuser, State(state): State<AppState>) -> Answer {
    let page = Paging::of(&caller)?.page;
    let kind = match caller.query.get("kind").and_then(Value::as_str) {
        None | Some("") => None,
        Some(name) => Some(JobKind::named(name).ok_or_else(|| no_kind(name))?),
    };
    let mut figures = state.blocking(|app| app.jobs().history().figures()).await?;
    figures.retain(|one| kind.is_none_or(|kind| kind == one.kind));
    let page = page.of(figures);
    picked(paging::shown(&page), &caller)
}

fn no_kind(name: &str) -> Error {
    let name: String = name.chars().take(20).collect();
    let kinds: Vec<&str> = JobKind::ALL.iter().map(|kind| kind.name()).collect();
    Error::invalid(format!(
        "There is no kind of job called {name}; there are {}.",
        kinds.join(", ")
    ))
}

async fn preview_retention(
    Superuser(caller): Superuser,
    State(state): State<AppState>,
    JsonObject(body): JsonObject,
) -> Answer {
    let foresight = state
        .asking(PATIENCE, move |app| {
            let proposed = app.settings().proposed(&body)?;
            app.backup_jobs().preview_retention(&proposed.backups)
        })
        .await?;
    let foresight = foresight.ok_or_else(|| silent(&state))?;
    picked(json!(foresight), &caller)
}
