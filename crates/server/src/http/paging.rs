//! The query parameters of a list.

use bosbase_app::Caller;
use bosbase_app::paging::{self, PageRequest};
use serde_json::Value;

use super::error::ApiError;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// `page`, `perPage` and `skipTotal`.
    pub page: PageRequest,
    /// `filter`.
    pub filter: String,
    /// `sort`.
    pub sort: String,
}

impl Paging {
    /// What the request's query says.
    ///
    /// # Errors
    ///
    /// 400 for a number that is none and a flag that is none; a number below 1 counts as not said.
    pub fn of(caller: &Caller) -> Result<Self, ApiError> {
        let text = |name: &str| caller.query.get(name).and_then(Value::as_str).unwrap_or_default();
        Ok(Self {
            page: paging::asked(&caller.query)?,
            filter: text("filter").to_owned(),
            sort: text("sort").to_owned(),
        })
    }
}
