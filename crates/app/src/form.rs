//! What requests send that are about no record.

use serde_json::{Map, Value};

use crate::error::{Error, FieldErrors, Result};
use crate::formats::is_email;

pub(crate) const LOADING: &str = "An error occurred while loading the submitted data.";
pub(crate) const VALIDATING: &str = "An error occurred while validating the submitted data.";
/// The longest address, in bytes, as in PocketBase.
const LONGEST: usize = 255;

/// A text of a request; empty where it is not there.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where it is no text.
pub(crate) fn text<'a>(request: &'a Map<String, Value>, name: &str) -> Result<&'a str> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(value) => value.as_str().ok_or_else(|| Error::invalid(LOADING)),
    }
}

/// Says what is wrong with an address; whether nothing is.
pub(crate) fn check_email(errors: &mut FieldErrors, field: &str, email: &str) -> bool {
    if email.is_empty() {
        errors.add_required(field);
    } else if email.len() > LONGEST {
        errors.add_length(field, 1, LONGEST);
    } else if !is_email(email) {
        errors.add(field, "validation_is_email", "Must be a valid email address.");
    } else {
        return true;
    }
    false
}
