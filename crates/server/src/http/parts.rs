//! The requests within the body of one (`/api/batch`).

use axum::extract::Request;
use axum::http::header;
use bosbase_app::records::Body;
use bosbase_app::{Error, FieldErrors};
use serde_json::{Map, Value};

use super::body::{self, MOST_PARTS};
use super::error::ApiError;
use super::form::{self, Keep, VALUES_LIMIT};
use super::state::AppState;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// The longest URL, in bytes.
const MOST_URL: usize = 2000;
/// Of how many requests it is told what is wrong with them.
const MOST_TOLD: usize = 100;

/// One request within another.
#[derive(Debug, Default)]
pub struct Part {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// A path with its query.
    pub url: String,
    /// Headers that stand in place of those of the whole.
    pub headers: Map<String, Value>,
    /// Values, and any files that came for it.
    pub body: Body,
}

/// Reads a body of at most `limit` bytes with `most` requests at the most.
///
/// Files come in a form, under `requests.N.field` or `requests[N].field`; the rest is then JSON under `@jsonPayload`.
///
/// # Errors
///
/// [`bosbase_app::ErrorKind::TooLarge`] beyond the limit, [`bosbase_app::ErrorKind::Invalid`] for what can't be read
/// and for requests that are none, with what is wrong by index.
pub async fn read(state: &AppState, request: Request, limit: u64, most: usize) -> Result<Vec<Part>, ApiError> {
    let content_type = body::text(request.headers(), &header::CONTENT_TYPE);
    // Only files go to the disk.
    let limit = match content_type.starts_with("multipart/form-data") {
        true => limit,
        false => limit.min(VALUES_LIMIT as u64),
    };
    let keep = |key: &str| match place(key) {
        Some((index, _)) if index < most => Keep::First(MOST_PARTS),
        _ => Keep::None,
    };
    let read = form::read(state, request, limit, keep).await;
    let Body { mut values, files } = read.map_err(|error| error.saying_of_bad_request(unreadable))?;
    let mut parts = parts(values.remove("requests").unwrap_or_default()).ok_or_else(unreadable)?;
    for (key, upload) in files {
        if let Some((index, name)) = place(&key)
            && let Some(part) = parts.get_mut(index)
        {
            // As in PocketBase, in place of the value of the same name.
            part.body.values.remove(name);
            part.body.files.push((name.to_owned(), upload));
        }
    }
    validate(&parts, most)?;
    Ok(parts)
}

fn unreadable() -> Error {
    Error::invalid("Failed to read the submitted batch data.")
}

/// The index of the request and the key in its body that a form's key stands for.
fn place(key: &str) -> Option<(usize, &str)> {
    let rest = key.strip_prefix("requests")?;
    let (index, name) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once("].")?,
        None => rest.strip_prefix('.')?.split_once('.')?,
    };
    // Written as numbers are: no sign, no zeros in front.
    let number = index
        .parse()
        .ok()
        .filter(|number: &usize| number.to_string() == index)?;
    Some((number, name))
}

/// A value that is `null` or missing is empty; `None` where something is of another type than it has to be.
fn parts(requests: Value) -> Option<Vec<Part>> {
    match requests {
        Value::Null => Some(Vec::new()),
        Value::Array(requests) => requests.into_iter().map(part).collect(),
        _ => None,
    }
}

fn part(request: Value) -> Option<Part> {
    let mut request = object(request)?;
    let mut take = |name: &str| request.remove(name).unwrap_or_default();
    let headers = object(take("headers"))?.into_iter();
    let headers = headers.map(|(name, value)| Some((name, Value::String(text(value)?))));
    Some(Part {
        method: text(take("method"))?,
        url: text(take("url"))?,
        headers: headers.collect::<Option<_>>()?,
        body: Body::from_values(object(take("body"))?),
    })
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Null => Some(Map::new()),
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn validate(parts: &[Part], most: usize) -> Result<(), Error> {
    let mut errors = FieldErrors::new();
    if parts.is_empty() {
        errors.add_required("requests");
    } else if parts.len() > most {
        errors.add_max_length("requests", most);
    } else {
        let mut each = FieldErrors::new();
        let wrong = parts.iter().map(wrong_with).enumerate();
        for (index, errors) in wrong.filter(|(_, errors)| !errors.is_empty()).take(MOST_TOLD) {
            each.nest(&index.to_string(), errors);
        }
        errors.nest("requests", each);
    }
    errors.into_result("Invalid batch request data.")
}

fn wrong_with(part: &Part) -> FieldErrors {
    let mut errors = FieldErrors::new();
    if part.method.is_empty() {
        errors.add_required("method");
    } else if !METHODS.contains(&part.method.as_str()) {
        errors.add("method", "validation_in_invalid", "Must be a valid value.");
    }
    if part.url.is_empty() {
        errors.add_required("url");
    } else if part.url.len() > MOST_URL {
        errors.add_max_length("url", MOST_URL);
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_key_of_a_file_names_the_request_that_it_is_for() {
        assert_eq!(place("requests.0.file"), Some((0, "file")));
        assert_eq!(place("requests[12].file+"), Some((12, "file+")));
        assert_eq!(place("requests.1.a.b"), Some((1, "a.b")));
        for none in [
            "requests",
            "requests.0",
            "requests.01.file",
            "requests[0]file",
            "requests.+1.file",
            "file",
            "requests[-1].a",
        ] {
            assert_eq!(place(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_missing_is_empty_and_what_is_of_another_type_is_refused() {
        let read =
            parts(json!([null, {"method": "POST", "url": "/a", "headers": {"A": "b"}, "body": {"x": 1}}])).unwrap();
        assert!(read[0].method.is_empty() && read[0].body.values.is_empty());
        assert_eq!(read[1].headers["A"], "b");
        for bad in [
            json!({}),
            json!([1]),
            json!([{"method": 1}]),
            json!([{"url": []}]),
            json!([{"body": "a"}]),
            json!([{"headers": {"A": 1}}]),
        ] {
            assert!(parts(bad.clone()).is_none(), "{bad}");
        }
    }
}
