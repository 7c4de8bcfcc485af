//! The `fields` query parameter: an answer cut down to what was asked for.

use axum::Json;
use bosbase_app::Caller;
use serde_json::Value;

/// `answer` with no more than the fields that the request's `fields` parameter names, all of it without one.
pub fn picked(answer: Value, caller: &Caller) -> Json<Value> {
    let fields = caller.query.get("fields").and_then(Value::as_str).unwrap_or_default();
    if fields.is_empty() {
        return Json(answer);
    }
    Json(bosbase_app::fields::pick(answer, fields))
}
