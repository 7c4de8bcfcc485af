//! An order as the terms of `ORDER BY`.

use super::expression::expression;
use super::sql::{Sql, alias};
use crate::language::predicate::{Row, SortKey, SortTerm};

/// The terms, none for no order.
pub(crate) fn order(terms: &[SortTerm]) -> Option<Sql> {
    let terms = terms.iter().map(|term| {
        let direction = if term.descending { " DESC" } else { " ASC" };
        match &term.key {
            SortKey::Random => Sql::new("RANDOM()"),
            SortKey::Stored => Sql::new(format!("{}._rowid_{direction}", alias(Row::BASE))),
            SortKey::Value(value) => expression(value).then(direction),
        }
    });
    (terms.len() > 0).then(|| Sql::joined(terms, ", "))
}
