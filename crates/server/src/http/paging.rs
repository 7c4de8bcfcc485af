//! The query parameters of a list.

use bosbase_app::Caller;
use serde_json::Value;

/// Which part of a list is asked for; what makes no sense counts as not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// `page`, from 1 on; 0 where it is not said.
    pub page: u64,
    /// `perPage`; 0 where it is not said.
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
    pub fn of(caller: &Caller) -> Self {
        let text = |name: &str| caller.query.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| text(name).parse().unwrap_or_default();
        Self {
            page: number("page"),
            per_page: number("perPage"),
            filter: text("filter").to_owned(),
            sort: text("sort").to_owned(),
            skip_total: matches!(text("skipTotal"), "1" | "t" | "T" | "true" | "TRUE" | "True"),
        }
    }
}
