//! The query parameters of a list.

use bosbase_app::{Caller, Error};
use serde_json::Value;

use super::error::ApiError;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// `page`, from 1 on; 0 where it is not said or makes no sense.
    pub page: u64,
    /// `perPage`; 0 where it is not said or makes no sense.
    pub per_page: u64,
    /// `filter`.
    pub filter: String,
    /// `sort`.
    pub sort: String,
    /// `skipTotal`.
    pub skip_total: bool,
}

impl Paging {
    /// What the request's query says.
    ///
    /// # Errors
    ///
    /// 400 for a number that is none and a flag that is none; a number below 1 counts as not said.
    pub fn of(caller: &Caller) -> Result<Self, ApiError> {
        let text = |name: &str| caller.query.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| match text(name) {
            "" => Ok(0),
            given => given
                .parse::<i64>()
                .map(|number| u64::try_from(number).unwrap_or_default())
                .map_err(|_| unreadable()),
        };
        Ok(Self {
            page: number("page")?,
            per_page: number("perPage")?,
            filter: text("filter").to_owned(),
            sort: text("sort").to_owned(),
            skip_total: match text("skipTotal") {
                "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
                "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
                _ => return Err(unreadable()),
            },
        })
    }
}

fn unreadable() -> ApiError {
    Error::invalid("Something went wrong while processing your request.").into()
}
