//! `/api/batch`: several changes of records in one request, all or none.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use bosbase_app::limits::Target;
use bosbase_app::records::{BatchAction, BatchAnswer, BatchOutcome, BatchRequest, Foresight, Upsert};
use bosbase_app::{App, Caller, Error, ErrorKind, FieldErrors, HeaderLookup, Headers};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::http::answer::written;
use crate::http::caller::{Asking, query_parameters};
use crate::http::error::ApiError;
use crate::http::parts::{self, Part};
use crate::http::state::AppState;

/// How long a batch may take where the settings don't say, in seconds.
const TIMEOUT: u64 = 3;
/// How many bytes a batch may have where the settings don't say.
const BODY_LIMIT: u64 = 128 << 20;
/// The content type of each request of a batch, for rules that look at it. PocketBase's boundary is 60 random
/// hexadecimal digits; this one holds each digit.
const CONTENT_TYPE: &str = "multipart/form-data; boundary=0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";

/// The routes of this resource.
pub fn router() -> Router<AppState> {
    Router::new().route("/api/batch", post(batch))
}

async fn batch(State(state): State<AppState>, Asking(caller): Asking, request: Request) -> Result<Response, ApiError> {
    let settings = state.app.settings().get().batch.clone();
    let most = usize::try_from(settings.max_requests).unwrap_or_default();
    if !settings.enabled || most == 0 {
        return Err(Error::new(ErrorKind::Forbidden, "Batch requests are not allowed.").into());
    }
    let set = |value: i64, default: u64| u64::try_from(value).ok().filter(|set| *set > 0).unwrap_or(default);
    let timeout = Duration::from_secs(set(settings.timeout, TIMEOUT));
    let parts = parts::read(&state, request, set(settings.max_body_size, BODY_LIMIT), most).await?;
    let requests: Vec<BatchRequest> = parts.into_iter().map(|part| read(&state.app, part, &caller)).collect();
    let records = state.app.records();
    let _turn = match requests
        .iter()
        .any(|one| records.hashes_passwords(&one.collection, &one.body))
    {
        true => Some(state.app.accounts().batch_password_turn().await?),
        false => None,
    };
    written(&state, caller, move |app| {
        let outcome = app.records().batch(counted(app, requests)?, timeout)?;
        Ok(match outcome {
            BatchOutcome::Done(answers) => Ok(text(answers)),
            BatchOutcome::Refused(index, error) => Err(failed(index, error)),
        })
    })
    .await
}

/// The headers of one request of a batch.
struct OwnHeaders {
    own: Map<String, Value>,
    of_batch: Headers,
}

impl HeaderLookup for OwnHeaders {
    fn header(&self, name: &str) -> Option<String> {
        self.own.header(name).or_else(|| self.of_batch.get(name))
    }
}

/// What one of the requests asks for. One that no batch can do is refused when its turn comes.
fn read(app: &App, part: Part, caller: &Caller) -> BatchRequest {
    let (path, query) = part.url.split_once('?').unwrap_or((&part.url, ""));
    let named = |(name, value): (String, Value)| (name.to_ascii_lowercase().replace('-', "_"), value);
    let mut own: Map<String, Value> = part.headers.into_iter().map(named).collect();
    // The request that PocketBase makes of it has such a one, also if another was sent.
    own.insert("content_type".to_owned(), CONTENT_TYPE.into());
    let caller = Caller {
        query: query_parameters(query),
        headers: Headers::new(OwnHeaders {
            own,
            of_batch: caller.headers.clone(),
        }),
        ..caller.clone()
    };
    let (collection, action, refused) = match action(&part.method, path) {
        Some((collection, action)) => (collection, action, None),
        None => {
            let text = "Something went wrong while processing your request.";
            (String::new(), BatchAction::Create, Some(Error::invalid(text)))
        }
    };
    let mut body = part.body;
    if !body.files.is_empty() {
        let keys = app.records().file_keys(&collection);
        body.files.retain(|(key, _)| keys.contains_key(key));
    }
    BatchRequest {
        collection,
        action,
        body,
        caller,
        refused,
    }
}

/// The collection that a path names, as it is written there, and what is to be done to its records.
fn action(method: &str, path: &str) -> Option<(String, BatchAction)> {
    let mut names = path.strip_prefix("/api/collections/")?.split('/');
    let collection = names.next().filter(|name| !name.is_empty())?.to_owned();
    if names.next() != Some("records") || path.contains(char::is_control) {
        return None;
    }
    let id = names.next();
    if names.next().is_some() {
        return None;
    }
    let action = match (method, id) {
        ("POST", None) => BatchAction::Create,
        ("PUT", None) => BatchAction::Upsert,
        ("PATCH", Some(id)) if !id.is_empty() => BatchAction::Update(id.to_owned()),
        ("DELETE", Some(id)) if !id.is_empty() => BatchAction::Delete(id.to_owned()),
        _ => return None,
    };
    Some((collection, action))
}

/// Counts the requests against the limits as if each came by itself, up to the first that is refused.
fn counted(app: &App, mut requests: Vec<BatchRequest>) -> Result<Vec<BatchRequest>, Error> {
    let limits = app.settings().get().rate_limits.enabled;
    let mut foresight = Foresight::default();
    for request in requests.iter_mut().filter(|_| limits) {
        if request.refused.is_some() {
            break;
        }
        let path = format!("/api/collections/{}/records", request.collection);
        let create = ("POST", path.clone(), &["create"]);
        let update = |id: &str| ("PATCH", format!("{path}/{id}"), &["update"]);
        let upsert = foresight.follow(app.records(), request)?;
        let counted = match (&request.action, upsert) {
            (BatchAction::Delete(id), _) => vec![("DELETE", format!("{path}/{id}"), &["delete"])],
            (BatchAction::Update(id), _) => vec![update(id)],
            (_, Some(Upsert::Update(id))) => vec![update(&id)],
            (_, Some(Upsert::Either(id))) => vec![create, update(&id)],
            _ => vec![create],
        };
        request.refused = counted.into_iter().find_map(|(method, path, actions)| {
            let path = percent_decode_str(&path).decode_utf8_lossy();
            let target = Target {
                method,
                path: &path,
                // Requests for batches are counted by themselves, as in PocketBase.
                route: "batch",
                collection: Some(&request.collection),
                actions,
            };
            app.rate_limits().check(&target, &request.caller).err()
        });
    }
    Ok(requests)
}

/// `[{"body", "status"}]`
fn text(answers: Vec<BatchAnswer>) -> Vec<u8> {
    let mut text = Vec::from(b"[");
    for answer in answers {
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend_from_slice(b"{\"body\":");
        match answer {
            Some(record) => {
                text.extend_from_slice(&record);
                text.extend_from_slice(b",\"status\":200}");
            }
            None => text.extend_from_slice(b"null,\"status\":204}"),
        }
    }
    text.push(b']');
    text
}

/// The answer to a batch of which the request with this index was refused.
fn failed(index: usize, error: Error) -> ApiError {
    let response = ApiError::from(error);
    let mut requests = Map::new();
    let told = json!({
        "code": "batch_request_failed",
        "message": "Batch request failed.",
        "response": response.body(),
    });
    requests.insert(index.to_string(), told);
    let mut data = Map::new();
    data.insert("requests".to_owned(), Value::Object(requests));
    Error::validation("Batch transaction failed.", FieldErrors::from(data))
        .caused_by(response)
        .into()
}
