//! The `fields` query parameter: an answer cut down to what was asked for.

use axum::Json;
use bosbase_app::{Caller, Error, fields};
use serde_json::Value;

use super::error::ApiError;

/// `answer` with no more than the fields that the request's `fields` parameter names, all of it without one.
///
/// # Errors
///
/// [`bosbase_app::ErrorKind::Invalid`] where a modifier among them is none; what was asked for has happened.
pub fn picked(answer: Value, caller: &Caller) -> Result<Json<Value>, ApiError> {
    Ok(cut(answer, caller)?)
}

/// The same as [`picked`], for what is made where the domain's errors are.
///
/// # Errors
///
/// As [`picked`].
pub fn cut(answer: Value, caller: &Caller) -> Result<Json<Value>, Error> {
    let wanted = caller.query.get("fields").and_then(Value::as_str).unwrap_or_default();
    if wanted.is_empty() {
        return Ok(Json(answer));
    }
    if !fields::is_valid(wanted) {
        return Err(Error::invalid("Something went wrong while processing your request."));
    }
    Ok(Json(fields::pick(answer, wanted)))
}
