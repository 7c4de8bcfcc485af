//! Answers of any size: made where they keep nobody waiting, and put aside where they are large, so that clients that
//! take their time hold no memory.

use std::io::Write as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bosbase_app::at_once::Missed;
use bosbase_app::files::Receiving;
use bosbase_app::records::Answer;
use bosbase_app::{App, Caller, Error};
use serde_json::Value;

use super::error::ApiError;
use super::state::AppState;
use super::stream;
use super::unsent::Unsent;

/// What is sent out of memory, in bytes.
const HELD: usize = 512 << 10;

/// What is sent.
enum Made {
    Here(Bytes),
    PutAside(Receiving),
}

/// What `work` yields, cut down to the `fields` that `caller` asks for; it may change things.
///
/// A modifier of theirs that is none is refused only when the work is done, as in PocketBase.
///
/// # Errors
///
/// What `work` returns.
pub async fn shown<F>(state: &AppState, caller: Arc<Caller>, work: F) -> Result<Response, ApiError>
where
    F: FnOnce(&App, &Caller) -> Result<Value, Error> + Send + 'static,
{
    let unsent = state.unsent.clone();
    let made = state
        .blocking(move |app| {
            let value = work(app, &caller)?;
            made(app, &unsent, &caller, value.into())
        })
        .await?;
    Ok(sent(state, made))
}

/// As [`shown`], for `work` that only reads: it is done at once where it takes next to no time. `kind` tells requests
/// apart of which each takes as long as the other.
///
/// # Errors
///
/// What `work` returns.
pub async fn read<F>(state: &AppState, caller: Arc<Caller>, kind: u64, work: F) -> Result<Response, ApiError>
where
    F: Fn(&App, &Caller) -> Result<Answer, Error> + Send + 'static,
{
    if !state.slow.is_known(kind) {
        match state.at_once(|app| text(work(app, &caller)?, &caller)).await {
            Ok(made) => return keep(state, caller, made?).await,
            Err(Missed::TooMuch) => state.slow.note(kind),
            Err(Missed::Waits) => {}
        }
    }
    let unsent = state.unsent.clone();
    let made = state
        .blocking(move |app| {
            let answer = work(app, &caller)?;
            made(app, &unsent, &caller, answer)
        })
        .await?;
    Ok(sent(state, made))
}

/// As [`shown`], for `work` that writes the JSON itself: all of it is sent.
///
/// # Errors
///
/// What `work` returns.
pub async fn written<F>(state: &AppState, caller: Arc<Caller>, work: F) -> Result<Response, ApiError>
where
    F: FnOnce(&App) -> Result<Result<Vec<u8>, ApiError>, Error> + Send + 'static,
{
    let unsent = state.unsent.clone();
    let made = state
        .blocking(move |app| Ok(work(app)?.map(|bytes| put_aside(app, &unsent, &caller, bytes))))
        .await??;
    Ok(sent(state, made))
}

/// An answer that is made and small. It is kept in memory, unless other clients let too many wait there.
async fn keep(state: &AppState, caller: Arc<Caller>, bytes: Vec<u8>) -> Result<Response, ApiError> {
    let made = match state.unsent.hold(bytes) {
        Ok(bytes) => Made::Here(bytes),
        Err(bytes) => {
            let unsent = state.unsent.clone();
            state
                .blocking(move |app| Ok(put_aside(app, &unsent, &caller, bytes)))
                .await?
        }
    };
    Ok(sent(state, made))
}

/// What is sent of an answer.
fn made(app: &App, unsent: &Unsent, caller: &Caller, answer: Answer) -> Result<Made, Error> {
    if let Answer::PutAside(file) = answer {
        caller.held.release();
        return Ok(Made::PutAside(file));
    }
    Ok(put_aside(app, unsent, caller, text(answer, caller)?))
}

/// The JSON of an answer, cut down to the `fields` that `caller` asks for.
fn text(answer: Answer, caller: &Caller) -> Result<Vec<u8>, Error> {
    let value = match answer {
        Answer::Text(text) => return Ok(text),
        Answer::PutAside(file) => return file.read_back().map_err(Error::internal),
        Answer::Value(value) => value,
    };
    let fields = caller.query.get("fields").and_then(Value::as_str).unwrap_or_default();
    bosbase_app::fields::text(value, fields)
}

fn sent(state: &AppState, made: Made) -> Response {
    let body = match made {
        Made::Here(bytes) => Body::from(bytes),
        Made::PutAside(file) => stream::body(&state.unsent, 0, file.received(), move |position, buffer| {
            file.read_at(position, buffer)
        }),
    };
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], body).into_response()
}

/// A large answer goes to a file, and so does a smaller one while too many of them wait for their clients; what it held
/// of the memory goes back. Where there is no room for a file, it stays.
fn put_aside(app: &App, unsent: &Unsent, caller: &Caller, bytes: Vec<u8>) -> Made {
    let bytes = if bytes.len() > HELD {
        bytes
    } else {
        match unsent.hold(bytes) {
            Ok(bytes) => {
                caller.held.release();
                return Made::Here(bytes);
            }
            Err(bytes) => bytes,
        }
    };
    let written = app.files().receive("answer").and_then(|mut file| {
        file.write_all(&bytes)?;
        Ok(file)
    });
    match written {
        Ok(file) => {
            drop(bytes);
            caller.held.release();
            Made::PutAside(file)
        }
        Err(_) => Made::Here(unsent.count(bytes)),
    }
}
