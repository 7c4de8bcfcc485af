//! Pages of lists as the API asks for them and shows them.

pub use bosbase_store::{Page, PageRequest};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// The page that `page`, `perPage` and `skipTotal` of a URL ask for; a number below 1 counts as not said.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where a number or flag is none.
pub fn asked(query: &Map<String, Value>) -> Result<PageRequest> {
    let text = |name: &str| query.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| match text(name) {
        "" => Ok(0),
        given => given
            .parse::<i64>()
            .map(|number| u64::try_from(number).unwrap_or_default())
            .map_err(|_| unreadable()),
    };
    Ok(PageRequest {
        page: number("page")?,
        per_page: number("perPage")?,
        skip_total: flag(query, "skipTotal")?,
    })
}

/// Whether the URL sets a flag.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where it is none.
pub fn flag(query: &Map<String, Value>, name: &str) -> Result<bool> {
    match query.get(name).and_then(Value::as_str).unwrap_or_default() {
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        _ => Err(unreadable()),
    }
}

pub(crate) fn unreadable() -> Error {
    Error::invalid("Something went wrong while processing your request.")
}

/// A page as it is sent.
#[must_use]
pub fn shown<T: Serialize>(page: &Page<T>) -> Value {
    json!({
        "page": page.page,
        "perPage": page.per_page,
        "totalItems": page.total_items,
        "totalPages": page.total_pages,
        "items": page.items,
    })
}
