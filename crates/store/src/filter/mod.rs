//! The filter language: from `title ~ 'x' && author.team ?= @request.auth.team` to parameterised SQL.
//!
//! The stages, one file each: [`token`] cuts the text into tokens, [`syntax`] makes a tree of them, [`scope`] keeps the tables a
//! query has joined, [`path`] and [`request`] turn names into [`operand`]s (a column, a JSON path, a value of the request),
//! [`functions`] and [`macros`] do the same for calls and for `@now` and its kin, [`condition`] walks the tree, [`compare`] joins
//! two operands with an operator, [`sort`] orders, [`flat`] does all that for a plain table such as the log.
//!
//! What a client writes reaches SQL only as a bound parameter, or as the name of a table or column looked up in the schema.
//! What can't be resolved is an [`ErrorKind::InvalidQuery`](crate::ErrorKind::InvalidQuery), and callers deny.
//!
//! The semantics are those of PocketBase 0.40; `tests/filters/` holds its recorded answers.

mod compare;
mod condition;
mod flat;
mod functions;
mod like;
mod macros;
mod operand;
mod path;
mod request;
mod scope;
mod sort;
mod sql;
mod syntax;
mod token;

pub(crate) use flat::{FlatQuery, compile_flat};
pub(crate) use scope::{Base, Scope};
pub(crate) use sort::order;
pub(crate) use sql::Sql;

use crate::error::{Error, ErrorKind};

/// The longest filter that a client may send, in bytes (PocketBase's `MaxFilterLength`).
pub(crate) const MAX_CLIENT_FILTER: usize = 3500;
/// The most comparisons in one filter or rule (PocketBase's `DefaultFilterExprLimit`).
const MAX_COMPARISONS: usize = 200;
/// The most fields to sort by (PocketBase's `DefaultSortExprLimit`).
const MAX_SORT_FIELDS: usize = 8;
/// The longest field to sort by, in bytes (PocketBase's `MaxSortFieldLength`).
const MAX_SORT_FIELD: usize = 255;
/// The deepest nesting of groups; SQLite's own limit on the depth of an expression is well above it.
const MAX_DEPTH: usize = 60;
/// The deepest nesting of function calls.
const MAX_CALLS: usize = 3;
/// The most relations that one path may follow (PocketBase's `maxNestedRels`).
const MAX_RELATIONS: usize = 6;

/// A filter that can't be compiled; `detail` is fit for whoever wrote it.
fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidQuery, "compiling a filter", detail)
}

/// The part of a client's filter or sort that only superusers may use, if it holds one: `@collection.` or `@request.`.
///
/// The check is as loose as PocketBase's: it also finds them inside of quoted text.
#[must_use]
pub fn superuser_only_part(text: &str) -> Option<&'static str> {
    ["@collection.", "@request."]
        .into_iter()
        .find(|part| text.contains(part))
}
