//! Pieces of SQL with the values bound in them, in the order of their placeholders.

use rusqlite::types::Value;

use crate::sql::quote;

/// A value bound to one `?`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    pub(crate) value: Value,
    /// Whether it is the operand of a comparison that somebody wrote (a literal, a macro, a value of the request) and not
    /// a detail of how a column is read (a JSON path); the former decide how empty values compare.
    pub(crate) operand: bool,
}

/// A piece of SQL; joining pieces joins their values in the same order, so that placeholders can stay anonymous.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) bound: Vec<Bound>,
}

impl Sql {
    /// SQL without values.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            bound: Vec::new(),
        }
    }

    /// A placeholder for an operand of a comparison.
    pub(crate) fn operand(value: Value) -> Self {
        Self {
            text: "?".into(),
            bound: vec![Bound { value, operand: true }],
        }
    }

    /// A placeholder for anything else.
    pub(crate) fn detail(value: Value) -> Self {
        Self {
            text: "?".into(),
            bound: vec![Bound { value, operand: false }],
        }
    }

    /// A column of a table alias.
    pub(crate) fn column(alias: &str, name: &str) -> Self {
        Self::new(format!("{alias}.{}", quote(name)))
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
        self.bound.iter().map(|bound| &bound.value)
    }

    /// The values that are operands of comparisons.
    pub(crate) fn operands(&self) -> impl Iterator<Item = &Value> {
        self.bound
            .iter()
            .filter(|bound| bound.operand)
            .map(|bound| &bound.value)
    }
}
