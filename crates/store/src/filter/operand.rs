//! What stands on either side of an operator, once its name is resolved.

use rusqlite::types::Value;

use super::sql::Sql;

/// How an absent value compares with an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum NullFallback {
    /// As equal, with the cheapest SQL that is known to be right.
    #[default]
    Auto,
    /// As different: JSON knows both.
    Disabled,
    /// As equal, although the SQL looks like a value (a function's result may be absent).
    Enforced,
}

/// All values that a path can lead to, for operators that ask whether every one of them matches.
#[derive(Debug, Clone)]
pub(crate) struct Many {
    /// The table that the path starts in, and the alias that it has inside of the subquery.
    pub(crate) source: String,
    pub(crate) alias: String,
    /// The alias outside of it whose row is meant.
    pub(crate) outer: String,
    /// ` LEFT JOIN …` for each step of the path.
    pub(crate) joins: Sql,
    /// The value at the path's end.
    pub(crate) value: Sql,
}

impl Many {
    /// `SELECT` of all the values, as the column `value`.
    pub(crate) fn select(&self) -> Sql {
        Sql::new("SELECT ")
            .with(self.value.clone())
            .then(&format!(" AS \"value\" FROM {} {}", self.source, self.alias))
            .with(self.joins.clone())
            .then(&format!(" WHERE {}.\"id\" = {}.\"id\"", self.alias, self.outer))
    }
}

/// One side of a comparison.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    pub(crate) sql: Sql,
    pub(crate) fallback: NullFallback,
    /// Whether it counts as neither absent nor empty although its SQL does not show it.
    pub(crate) known: bool,
    /// Present where the path leads to several values.
    pub(crate) many: Option<Many>,
    /// A condition without which the comparison must not hold (an address that its owner hides).
    pub(crate) guard: Option<Sql>,
}

impl Operand {
    /// An operand that is one value.
    pub(crate) fn new(sql: Sql) -> Self {
        Self {
            sql,
            fallback: NullFallback::Auto,
            known: false,
            many: None,
            guard: None,
        }
    }

    /// The absent value.
    pub(crate) fn null() -> Self {
        Self::new(Sql::new("NULL"))
    }

    /// True or false.
    pub(crate) fn truth(value: bool) -> Self {
        Self::new(Sql::new(if value { "1" } else { "0" }))
    }

    /// A bound value.
    pub(crate) fn value(value: Value) -> Self {
        Self::new(Sql::operand(value))
    }

    /// Whether it is `NULL` itself.
    pub(crate) fn is_null(&self) -> bool {
        self.sql.text == "NULL"
    }

    /// Whether it is known to be absent or empty.
    pub(crate) fn is_empty(&self) -> bool {
        let mut operands = self.sql.operands();
        let only = operands.next().filter(|_| operands.next().is_none());
        self.is_null() || (self.fallback == NullFallback::Auto && only.is_some_and(is_empty_value))
    }

    /// Whether it is known to be neither absent nor empty.
    pub(crate) fn is_known(&self) -> bool {
        if self.fallback == NullFallback::Enforced || self.is_null() {
            return false;
        }
        if self.known || matches!(self.sql.text.as_str(), "0" | "1") {
            return true;
        }
        let mut operands = self.sql.operands().peekable();
        operands.peek().is_some() && !operands.any(is_empty_value)
    }
}

fn is_empty_value(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        _ => false,
    }
}
