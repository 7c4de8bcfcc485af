//! Pieces of SQL with the values bound in them, in the order of their placeholders.

use rusqlite::types::Value;

use crate::language::predicate::{Column, Literal, Row};
use crate::sqlite::sql::quote;

/// A piece of SQL; joining pieces joins their values in the same order, so that placeholders can stay anonymous.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sql {
    pub(crate) text: String,
    bound: Vec<Value>,
}

impl Sql {
    /// SQL without values.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            bound: Vec::new(),
        }
    }

    /// A placeholder.
    pub(crate) fn value(value: Value) -> Self {
        Self {
            text: "?".into(),
            bound: vec![value],
        }
    }

    /// A placeholder for a text.
    pub(crate) fn text_value(text: impl Into<String>) -> Self {
        Self::value(Value::Text(text.into()))
    }

    /// A placeholder for what somebody wrote or sent.
    pub(super) fn literal(literal: &Literal) -> Self {
        Self::value(match literal {
            Literal::Null => Value::Null,
            Literal::Bool(truth) => Value::Integer((*truth).into()),
            Literal::Integer(number) => Value::Integer(*number),
            Literal::Real(number) => Value::Real(*number),
            Literal::Text(text) => Value::Text(text.clone()),
        })
    }

    /// A column of a row.
    pub(crate) fn column(column: &Column) -> Self {
        Self::new(format!("{}.{}", alias(column.row), quote(&column.name)))
    }

    /// The same piece with SQL after it.
    pub(crate) fn then(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// The same piece with another after it.
    pub(crate) fn with(mut self, other: Self) -> Self {
        self.text.push_str(&other.text);
        self.bound.extend(other.bound);
        self
    }

    /// The pieces with `separator` between them.
    pub(crate) fn joined(pieces: impl IntoIterator<Item = Self>, separator: &str) -> Self {
        let mut all = Self::default();
        for (index, piece) in pieces.into_iter().enumerate() {
            if index > 0 {
                all.text.push_str(separator);
            }
            all = all.with(piece);
        }
        all
    }

    /// The piece in parentheses.
    pub(crate) fn enclosed(self) -> Self {
        Self::new("(").with(self).then(")")
    }

    /// The values, in the order of their placeholders.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.bound.iter()
    }
}

/// The alias of a row; that of the row which a query is about is `_r`.
pub(crate) fn alias(row: Row) -> String {
    match row {
        Row::BASE => "_r".to_owned(),
        Row(number) => format!("_j{number}"),
    }
}
