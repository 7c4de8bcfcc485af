//! Two operands and an operator as one SQL condition.

use rusqlite::types::Value;

use super::like;
use super::operand::{NullFallback, Operand};
use super::sql::Sql;
use super::token::{Comparator, Operator};

/// The condition that `left` `operator` `right` holds.
///
/// An operand with several values matches when each of them does, and there is one, unless the operator is an "any" one.
/// `aliases` hands out names for subqueries.
pub(crate) fn compare(left: &Operand, operator: Operator, right: &Operand, mut aliases: impl FnMut() -> String) -> Sql {
    let mut condition = direct(left, operator.comparator, right);
    if !operator.any {
        let counterexample = match (&left.many, &right.many) {
            (Some(left_many), Some(right_many)) => {
                let (left_alias, right_alias) = (aliases(), aliases());
                let differs = direct(
                    &element(left, &left_alias),
                    operator.comparator,
                    &element(right, &right_alias),
                );
                Some(
                    Sql::new("SELECT 1 FROM (")
                        .with(left_many.select())
                        .then(&format!(") {left_alias} LEFT JOIN ("))
                        .with(right_many.select())
                        .then(&format!(") {right_alias} WHERE NOT ("))
                        .with(differs)
                        .then(")"),
                )
            }
            (Some(many), None) => {
                let alias = aliases();
                let differs = direct(&element(left, &alias), operator.comparator, &plain(right));
                Some(counterexample(many.select(), &alias, differs))
            }
            (None, Some(many)) => {
                let alias = aliases();
                let differs = direct(&plain(left), operator.comparator, &element(right, &alias));
                Some(counterexample(many.select(), &alias, differs))
            }
            (None, None) => None,
        };
        if let Some(counterexample) = counterexample {
            condition = condition
                .then(" AND NOT EXISTS (")
                .with(counterexample)
                .then(")")
                .enclosed();
        }
    }
    for guard in [&left.guard, &right.guard].into_iter().flatten() {
        condition = condition.then(" AND ").with(guard.clone()).enclosed();
    }
    condition
}

fn counterexample(select: Sql, alias: &str, matches: Sql) -> Sql {
    Sql::new("SELECT 1 FROM (")
        .with(select)
        .then(&format!(") {alias} WHERE NOT ("))
        .with(matches)
        .then(")")
}

/// One of the values of an operand that has several.
fn element(operand: &Operand, alias: &str) -> Operand {
    Operand {
        fallback: operand.fallback,
        ..Operand::new(Sql::new(format!("{alias}.\"value\"")))
    }
}

/// The single operand that several values are compared with; what it is, not how it prefers to be compared, counts there.
fn plain(operand: &Operand) -> Operand {
    Operand {
        known: operand.known,
        ..Operand::new(operand.sql.clone())
    }
}

fn direct(left: &Operand, comparator: Comparator, right: &Operand) -> Sql {
    match comparator {
        Comparator::Equal => equality(left, right, true),
        Comparator::NotEqual => equality(left, right, false),
        Comparator::Like => likeness(left, " LIKE ", right),
        Comparator::NotLike => likeness(left, " NOT LIKE ", right),
        Comparator::Less => infix(&left.sql, " < ", &right.sql),
        Comparator::LessOrEqual => infix(&left.sql, " <= ", &right.sql),
        Comparator::Greater => infix(&left.sql, " > ", &right.sql),
        Comparator::GreaterOrEqual => infix(&left.sql, " >= ", &right.sql),
    }
}

fn infix(left: &Sql, operator: &str, right: &Sql) -> Sql {
    left.clone().then(operator).with(right.clone())
}

/// `=` and `!=`, for which an absent and an empty value are the same (outside of JSON).
///
/// The inequality is always `IS NOT`: `!=` of an absent value is neither true nor false. `a = '' OR a IS NULL` can use an
/// index where `COALESCE(a, '') = ''` can't.
fn equality(left: &Operand, right: &Operand, equal: bool) -> Sql {
    let operator = if equal { " = " } else { " IS NOT " };
    if left.fallback == NullFallback::Disabled || right.fallback == NullFallback::Disabled {
        return infix(&left.sql, if equal { " IS " } else { " IS NOT " }, &right.sql);
    }
    let empty = Sql::new("''");
    let (left_sql, right_sql) = (
        if left.is_empty() { &empty } else { &left.sql },
        if right.is_empty() { &empty } else { &right.sql },
    );
    if (left.is_empty() && right.is_empty()) || left.is_known() || right.is_known() {
        return infix(left_sql, operator, right_sql);
    }
    let uncertain = match (left.is_empty(), right.is_empty()) {
        (true, _) => right_sql,
        (_, true) => left_sql,
        _ => {
            let coalesced = |sql: &Sql| Sql::new("COALESCE(").with(sql.clone()).then(", '')");
            return infix(&coalesced(left_sql), operator, &coalesced(right_sql));
        }
    };
    let (join, null) = if equal {
        (" OR ", " IS NULL")
    } else {
        (" AND ", " IS NOT NULL")
    };
    infix(left_sql, operator, right_sql)
        .then(join)
        .with(uncertain.clone())
        .then(null)
        .enclosed()
}

fn likeness(left: &Operand, operator: &str, right: &Operand) -> Sql {
    let mut pattern = right.sql.clone();
    if pattern.operands().next().is_none() {
        pattern = Sql::new("('%' || ").with(pattern).then(" || '%')");
    } else {
        for bound in pattern.bound.iter_mut().filter(|bound| bound.operand) {
            bound.value = Value::Text(like::pattern(&as_text(&bound.value)));
        }
    }
    left.sql.clone().then(operator).with(pattern).then(" ESCAPE '\\'")
}

/// A bound value as the text that is searched for.
fn as_text(value: &Value) -> String {
    match value {
        Value::Null | Value::Blob(_) => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text.clone(),
    }
}
