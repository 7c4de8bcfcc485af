//! What is asked for: records and collections.

use super::Filter;
use crate::model::context::RequestContext;
use crate::model::page::PageRequest;

/// Which records of a collection are asked for.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// The client's filter; empty for none. At most 3,500 bytes and 200 comparisons.
    pub filter: String,
    /// What else every record must pass: a filter that the program makes. It may use everything.
    pub also: Option<Filter>,
    /// The rule that every record must pass; `None` (or an empty one) lets all pass.
    pub rule: Option<String>,
    /// The client's order, such as `-created,title`; empty for none. At most eight fields.
    pub sort: String,
    /// The page.
    pub page: PageRequest,
    /// The request that rules and filters may ask about.
    pub context: RequestContext,
    /// Whether the client's filter and order may use hidden fields, hidden addresses and collections without a list
    /// rule: for superusers only.
    pub allow_hidden: bool,
    /// How many bytes of records are read at the most, but one record in any case; `None` for no limit.
    pub most_bytes: Option<usize>,
}

/// Which collections are asked for.
#[derive(Debug, Clone, Default)]
pub struct CollectionQuery {
    /// The filter; empty for none. It may use `id`, `created`, `updated`, `name`, `system` and `type`.
    pub filter: String,
    /// The order, of the same columns; empty for that of creation.
    pub sort: String,
    /// The page.
    pub page: PageRequest,
}
