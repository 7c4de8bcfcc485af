//! Bodies of records: JSON, forms, and forms with files, which go to disk as they arrive.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use bosbase_app::files::Receiving;
use bosbase_app::{Error, ErrorKind, records};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use multer::{Field, Multipart};
use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value};
use std::io::Write as _;

use super::body::{has_too_many_values, too_large};
use super::error::ApiError;
use super::state::AppState;

/// The key of a form whose value is JSON, taken as it is, for what a form can't express.
const JSON_PAYLOAD: &str = "@jsonPayload";
/// How much of a form's plain values is held in memory, in bytes.
const VALUES_LIMIT: usize = 42 << 20;
/// How much of a file is gathered before it is written, in bytes.
const PIECE: usize = 256 << 10;

/// Reads a request's body of at most `limit` bytes. Files are kept for the keys that `wants_file` admits.
///
/// # Errors
///
/// [`ErrorKind::TooLarge`] beyond the limit, [`ErrorKind::Invalid`] for what is no JSON or form,
/// [`ErrorKind::Unavailable`] where the disk is full.
pub async fn read(
    state: &AppState,
    request: Request,
    limit: u64,
    wants_file: impl Fn(&str) -> bool,
) -> Result<records::Body, ApiError> {
    let (parts, body) = request.into_parts();
    let text = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let announced = text(header::CONTENT_LENGTH).parse::<u64>().ok();
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large().into());
    }
    if announced == Some(0) {
        return Ok(records::Body::default());
    }
    let content_type = text(header::CONTENT_TYPE);
    let body = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    if content_type.starts_with("application/json") {
        return Ok(records::Body::from_values(json(&all(body).await?)?));
    }
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let pairs = urlencoded(&all(body).await?)?;
        return Ok(records::Body::from_values(values(pairs)?));
    }
    if content_type.starts_with("multipart/form-data") {
        let boundary = multer::parse_boundary(content_type).map_err(|error| unreadable().caused_by(error))?;
        let stream = Body::new(body).into_data_stream();
        return multipart(state, Multipart::new(stream, boundary), wants_file).await;
    }
    if content_type.is_empty() && all(body).await?.is_empty() {
        return Ok(records::Body::default());
    }
    Err(Error::invalid("Unsupported Content-Type.").into())
}

async fn all(body: Limited<Body>) -> Result<Bytes, ApiError> {
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if is_too_large(error.as_ref()) => Err(too_large().into()),
        Err(error) => Err(unreadable().caused_by(error).into()),
    }
}

/// The first JSON value of `bytes`, which has to be an object or null.
fn json(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    if has_too_many_values(bytes) {
        return Err(too_large());
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Option<Map<String, Value>>>();
    match values.next() {
        None => Ok(Map::new()),
        Some(Ok(value)) => Ok(value.unwrap_or_default()),
        Some(Err(error)) => Err(unreadable().caused_by(error)),
    }
}

/// The pairs of an `application/x-www-form-urlencoded` body, in order.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] for a JSON object: whoever forgets its content type sends it as such a form (curl does), and everything in it
/// would be passed over.
pub fn urlencoded(bytes: &[u8]) -> Result<Vec<(String, String)>, Error> {
    if bytes.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        return Err(Error::invalid(
            "The body is JSON and is said to be a form; send it with Content-Type: application/json.",
        ));
    }
    let text = String::from_utf8_lossy(bytes);
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    });
    Ok(pairs.collect())
}

async fn multipart(
    state: &AppState,
    mut parts: Multipart<'_>,
    wants_file: impl Fn(&str) -> bool,
) -> Result<records::Body, ApiError> {
    let mut pairs = Vec::new();
    let mut held = 0;
    let mut files = Vec::new();
    while let Some(mut part) = parts.next_field().await.map_err(broken)? {
        let Some(key) = part.name().map(str::to_owned) else {
            continue;
        };
        match part.file_name().filter(|name| !name.is_empty()).map(str::to_owned) {
            Some(name) if wants_file(&key) => files.push((key, receive(state, &mut part, name).await?)),
            // Nobody asked for it.
            Some(_) => while part.chunk().await.map_err(broken)?.is_some() {},
            None => {
                let mut value = BytesMut::new();
                while let Some(piece) = part.chunk().await.map_err(broken)? {
                    held += piece.len();
                    if held > VALUES_LIMIT {
                        return Err(too_large().into());
                    }
                    value.extend_from_slice(&piece);
                }
                pairs.push((key, String::from_utf8_lossy(&value).into_owned()));
            }
        }
    }
    Ok(records::Body {
        values: values(pairs)?,
        files,
    })
}

async fn receive(state: &AppState, part: &mut Field<'_>, name: String) -> Result<bosbase_app::files::Upload, ApiError> {
    let mut receiving = state
        .blocking(move |app| app.files().receive(&name).map_err(disk_error))
        .await?;
    let mut piece = BytesMut::with_capacity(PIECE);
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

fn unreadable() -> Error {
    Error::invalid("Something went wrong while processing your request.")
}

fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn broken(error: multer::Error) -> ApiError {
    if is_too_large(&error) {
        return too_large().into();
    }
    unreadable().caused_by(error).into()
}

fn disk_error(error: std::io::Error) -> Error {
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
