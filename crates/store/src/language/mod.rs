//! The filter language: from `title ~ 'x' && author.team ?= @request.auth.team` to a typed tree.
//!
//! The stages, one file each: [`token`] cuts the text into tokens, [`syntax`] makes a tree of them, [`scope`] keeps the
//! rows a query has joined, [`path`] and [`request`] turn names into operands (a column, a JSON path, a value of the
//! request), [`functions`] and [`macros`] do the same for calls and for `@now` and its kin, [`condition`] walks the
//! tree, [`sort`] orders, [`flat`] does all that for a plain table such as the log. What comes out is a [`predicate`],
//! which an engine renders.
//!
//! What a client writes reaches a predicate only as a literal, or as the name of a table or column looked up in the
//! schema. What can't be resolved is an [`ErrorKind::InvalidQuery`](crate::ErrorKind::InvalidQuery), and callers deny.
//!
//! The semantics are those of PocketBase 0.40; `tests/filters/` holds its recorded answers.

mod beforehand;
mod condition;
mod filter;
mod flat;
mod functions;
mod macros;
mod path;
pub(crate) mod predicate;
pub(crate) mod query;
mod request;
mod scope;
mod sort;
mod syntax;
pub(crate) mod token;

pub(crate) use beforehand::beforehand;
pub use filter::Filter;
pub(crate) use flat::{FlatQuery, resolve_flat};
pub(crate) use scope::{Base, Needs, Scope};
pub(crate) use sort::order;

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
/// The most steps along relations that lead to several records which a client's filters may take. PocketBase has no
/// such limit; rules have none here, and superusers.
const MAX_STEPS: usize = 100;
/// The most relations that one path may follow (PocketBase's `maxNestedRels`).
const MAX_RELATIONS: usize = 6;

/// A filter that can't be compiled; `detail` is fit for the person who wrote it.
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
