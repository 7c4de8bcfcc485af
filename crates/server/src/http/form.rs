//! Bodies of records: JSON, forms, and forms with files, which go to disk as they arrive.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use bosbase_app::files::Receiving;
use bosbase_app::memory::Held;
use bosbase_app::{Distinct, Error, ErrorKind, records};
use bytes::{Bytes, BytesMut};
use http_body_util::Limited;
use multer::{Field, Multipart};
use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value};
use std::io::Write as _;

use super::body::{MOST_PAIRS, MOST_PARTS, announced, parsed, text, too_large, too_many_parts};
use super::error::ApiError;
use super::gather::{Gathering, gather, in_time, is_too_large, whole};
use super::state::AppState;

/// The key of a form whose value is JSON, taken as it is, for what a form can't express.
const JSON_PAYLOAD: &str = "@jsonPayload";
/// How long the plain values of a form may be together, in bytes.
pub const VALUES_LIMIT: usize = 42 << 20;
/// How much of a file is gathered before it is written, in bytes.
const PIECE: usize = 64 << 10;
/// What a form's values may take of the memory without being counted, in bytes.
const FREE: usize = 256 << 10;

/// How many files are kept of those that come under a key.
#[derive(Debug, Clone, Copy)]
pub enum Keep {
    /// None: nobody asked for it.
    None,
    /// The last one.
    Last,
    /// So many; what comes behind them is not looked at.
    First(usize),
}

/// Reads a request's body of at most `limit` bytes. Files are kept for the keys that `keep` admits.
///
/// # Errors
///
/// [`ErrorKind::TooLarge`] beyond the limit, [`ErrorKind::Invalid`] for what is no JSON or form, and for one of too
/// many parts, [`ErrorKind::Unavailable`] where the disk is full.
pub async fn read(
    state: &AppState,
    request: Request,
    limit: u64,
    keep: impl Fn(&str) -> Keep,
) -> Result<records::Body, ApiError> {
    let held = request.extensions().get::<Held>().cloned().unwrap_or_default();
    let (parts, body) = request.into_parts();
    let announced = announced(&parts.headers);
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large().into());
    }
    if announced == Some(0) {
        return Ok(records::Body::default());
    }
    let content_type = text(&parts.headers, &header::CONTENT_TYPE);
    if content_type.starts_with("multipart/form-data") {
        let boundary = multer::parse_boundary(content_type).map_err(|error| unreadable().caused_by(error))?;
        let body = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
        let stream = Body::new(body).into_data_stream();
        let reading = multipart(state, &held, Multipart::new(stream, boundary), keep);
        return in_time(announced.unwrap_or(limit), reading).await;
    }
    let gathered = gather(state, body, limit, announced).await?;
    let is_json = content_type.starts_with("application/json");
    if is_json && gathered.has_too_many_values() {
        return Err(too_large().into());
    }
    let read = whole(state, gathered).await?;
    held.hold(read.share);
    let bytes = read.bytes;
    if is_json {
        return Ok(records::Body::from_values(parsed(state, bytes, json).await?));
    }
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let read = |bytes: &[u8]| values(urlencoded(bytes)?);
        return Ok(records::Body::from_values(parsed(state, bytes, read).await?));
    }
    if content_type.is_empty() && bytes.is_empty() {
        return Ok(records::Body::default());
    }
    Err(Error::invalid("Unsupported Content-Type.").into())
}

/// The first JSON value of `bytes`, which has to be an object or null.
pub(super) fn json(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Distinct>();
    match values.next() {
        None | Some(Ok(Distinct(Value::Null))) => Ok(Map::new()),
        Some(Ok(Distinct(Value::Object(object)))) => Ok(object),
        Some(Ok(_)) => Err(unreadable()),
        Some(Err(error)) => Err(unreadable().caused_by(error)),
    }
}

/// The pairs of an `application/x-www-form-urlencoded` body, in order.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] for more than [`MOST_PAIRS`] and for a `;` between them, as in PocketBase, and for a JSON
/// object: a client that forgets its content type sends it as such a form (curl does), and everything in it would be
/// passed over.
pub fn urlencoded(bytes: &[u8]) -> Result<Vec<(String, String)>, Error> {
    if bytes.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        return Err(Error::invalid(
            "The body is JSON and is said to be a form; send it with Content-Type: application/json.",
        ));
    }
    if bytes.iter().filter(|byte| **byte == b'&').count() >= MOST_PAIRS {
        return Err(Error::invalid(format!("A form may have {MOST_PAIRS} values at most.")));
    }
    if bytes.contains(&b';') {
        return Err(unreadable());
    }
    Ok(form_urlencoded::parse(bytes).into_owned().collect())
}

async fn multipart(
    state: &AppState,
    held: &Held,
    mut parts: Multipart<'_>,
    keep: impl Fn(&str) -> Keep,
) -> Result<records::Body, ApiError> {
    let mut texts: Vec<(String, Gathering)> = Vec::new();
    let mut length = 0;
    let mut files: Vec<(String, bosbase_app::files::Upload)> = Vec::new();
    let mut seen = 0;
    while let Some(mut part) = parts.next_field().await.map_err(broken)? {
        seen += 1;
        if seen > MOST_PARTS {
            return Err(too_many_parts().into());
        }
        let Some(key) = part.name().map(str::to_owned) else {
            continue;
        };
        let Some(name) = part.file_name().filter(|name| !name.is_empty()).map(str::to_owned) else {
            let mut text = Gathering::default();
            while let Some(piece) = part.chunk().await.map_err(broken)? {
                length += piece.len();
                if length > VALUES_LIMIT {
                    return Err(too_large().into());
                }
                text.add(state, &piece).await?;
            }
            texts.push((key, text));
            continue;
        };
        let wanted = match keep(&key) {
            Keep::None => false,
            Keep::Last => true,
            Keep::First(most) => files.iter().filter(|(known, _)| *known == key).count() < most,
        };
        if !wanted {
            while part.chunk().await.map_err(broken)?.is_some() {}
            continue;
        }
        let file = receive(state, &mut part, name).await?;
        if matches!(keep(&key), Keep::Last) {
            files.retain(|(known, _)| *known != key);
        }
        files.push((key, file));
    }
    let pairs = loaded(state, held, texts).await?;
    let values = state.blocking(move |_| values(pairs)).await?;
    Ok(records::Body { values, files })
}

/// The texts of a form, once there is room for all of them.
async fn loaded(
    state: &AppState,
    held: &Held,
    texts: Vec<(String, Gathering)>,
) -> Result<Vec<(String, String)>, ApiError> {
    if texts
        .iter()
        .any(|(key, text)| key == JSON_PAYLOAD && text.has_too_many_values())
    {
        return Err(too_large().into());
    }
    let weight: usize = texts.iter().map(|(_, text)| text.weight()).sum();
    if weight > FREE {
        held.hold(Some(state.app.memory().share(weight).await?));
    }
    let mut pairs = Vec::with_capacity(texts.len());
    for (key, text) in texts {
        let bytes = text.read(state).await?;
        pairs.push((key, String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(pairs)
}

async fn receive(state: &AppState, part: &mut Field<'_>, name: String) -> Result<bosbase_app::files::Upload, ApiError> {
    let mut receiving = state
        .blocking(move |app| app.files().receive(&name).map_err(disk_error))
        .await?;
    let mut piece = BytesMut::new();
    while let Some(bytes) = part.chunk().await.map_err(broken)? {
        piece.extend_from_slice(&bytes);
        if piece.len() >= PIECE {
            receiving = write(state, receiving, piece.split().freeze()).await?;
        }
    }
    receiving = write(state, receiving, piece.freeze()).await?;
    state.blocking(move |_| receiving.finish().map_err(disk_error)).await
}

async fn write(state: &AppState, mut receiving: Receiving, piece: Bytes) -> Result<Receiving, ApiError> {
    state
        .blocking(move |_| {
            receiving.write_all(&piece).map_err(disk_error)?;
            Ok(receiving)
        })
        .await
}

/// The values of a form by key; several of one key make a list.
fn values(pairs: Vec<(String, String)>) -> Result<Map<String, Value>, Error> {
    let mut by_key: Map<String, Value> = Map::new();
    let mut payloads = Vec::new();
    for (key, value) in pairs {
        if key == JSON_PAYLOAD {
            payloads.push(value);
            continue;
        }
        let value = guess(value);
        match by_key.get_mut(&key) {
            None => {
                by_key.insert(key, value);
            }
            Some(Value::Array(many)) => many.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    for payload in payloads {
        by_key.extend(json(payload.as_bytes())?);
    }
    Ok(by_key)
}

/// What a form's string stands for: a bool, or a number where it is written as numbers are; else itself.
fn guess(text: String) -> Value {
    match text.as_str() {
        "true" => return true.into(),
        "false" => return false.into(),
        _ => {}
    }
    let numeric = text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    if numeric
        && let Ok(number) = text.parse::<f64>()
        && format!("{number}") == text
        && let Some(number) = Number::from_f64(number)
    {
        return Value::Number(number);
    }
    text.into()
}

pub(super) fn unreadable() -> Error {
    Error::invalid("Something went wrong while processing your request.")
}

fn broken(error: multer::Error) -> ApiError {
    if is_too_large(&error) {
        return too_large().into();
    }
    unreadable().caused_by(error).into()
}

pub(super) fn disk_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Error::new(ErrorKind::Unavailable, "The server's disk is full.").caused_by(error)
        }
        _ => Error::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
        given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn form_values_become_what_they_stand_for() {
        let read = values(pairs(&[
            ("n", "5"),
            ("z", "007"),
            ("b", "true"),
            ("e", ""),
            ("d", "1.50"),
            ("m", "-2.5"),
        ]));
        assert_eq!(
            Value::Object(read.unwrap()),
            json!({"n": 5.0, "z": "007", "b": true, "e": "", "d": "1.50", "m": -2.5})
        );
    }

    #[test]
    fn repeated_keys_make_a_list_and_a_payload_wins() {
        let read = values(pairs(&[
            ("t", "a"),
            ("t", "b"),
            ("@jsonPayload", "{\"t\":[1],\"x\":\"7\"}"),
        ]));
        assert_eq!(Value::Object(read.unwrap()), json!({"t": [1], "x": "7"}));
        assert!(values(pairs(&[("@jsonPayload", "{bad")])).is_err());
    }

    #[test]
    fn json_is_an_object_or_nothing() {
        assert_eq!(json(b"{\"a\":1} rest").unwrap().len(), 1);
        assert!(json(b"null").unwrap().is_empty());
        assert!(json(b"[1]").is_err());
        assert!(json(b"{bad").is_err());
    }
}
