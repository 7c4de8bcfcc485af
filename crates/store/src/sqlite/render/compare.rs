//! A predicate as an SQL condition: two operands and an operator, and what joins them.

use super::expression::{expression, holds};
use super::join::joins;
use super::like;
use super::sql::{Sql, alias};
use crate::language::predicate::{Comparison, Expression, Literal, Many, NullFallback, Operand, Predicate, Presence};
use crate::language::token::Comparator;
use crate::sqlite::sql::quote;

/// The aliases of the values that are looked through for one that does not match. Nothing else is called so, and the
/// subqueries that they belong to never stand in each other's way: each speaks of its own values only.
const LEFT: &str = "_left";
const RIGHT: &str = "_right";

/// The condition, in parentheses where it needs them.
pub(crate) fn predicate(of: &Predicate) -> Sql {
    let group = |parts: &[Predicate], separator, none| match parts {
        [] => Sql::new(none),
        parts => Sql::joined(parts.iter().map(predicate), separator).enclosed(),
    };
    match of {
        Predicate::All(parts) => group(parts, " AND ", "TRUE"),
        Predicate::Any(parts) => group(parts, " OR ", "FALSE"),
        Predicate::Compare(of) => comparison(of),
    }
}

/// The condition that a comparison holds.
///
/// An operand with several values matches when each of them does, and there is one, unless the operator is an "any"
/// one.
pub(super) fn comparison(of: &Comparison) -> Sql {
    let Comparison { left, operator, right } = of;
    let sides = (Side::whole(left), Side::whole(right));
    let mut condition = direct(&sides.0, operator.comparator, &sides.1);
    let counterexample = match (&left.many, &right.many) {
        _ if operator.any => None,
        (Some(left_many), Some(right_many)) => {
            let differs = direct(
                &Side::element(left, LEFT),
                operator.comparator,
                &Side::element(right, RIGHT),
            );
            Some(
                values(left_many, LEFT)
                    .then(" LEFT JOIN (")
                    .with(select(right_many))
                    .then(&format!(") {RIGHT} WHERE NOT ("))
                    .with(differs)
                    .then(")"),
            )
        }
        (Some(many), None) => {
            let differs = direct(&Side::element(left, LEFT), operator.comparator, &Side::plain(right));
            Some(values(many, LEFT).then(" WHERE NOT (").with(differs).then(")"))
        }
        (None, Some(many)) => {
            let differs = direct(&Side::plain(left), operator.comparator, &Side::element(right, RIGHT));
            Some(values(many, RIGHT).then(" WHERE NOT (").with(differs).then(")"))
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
    for guard in [&left.guard, &right.guard].into_iter().flatten() {
        condition = condition.then(" AND ").with(holds(guard)).enclosed();
    }
    condition
}

/// `SELECT 1` from all the values, called `name`.
fn values(many: &Many, name: &str) -> Sql {
    Sql::new("SELECT 1 FROM (")
        .with(select(many))
        .then(&format!(") {name}"))
}

/// `SELECT` of all the values, as the column `value`.
fn select(many: &Many) -> Sql {
    let (start, outer) = (alias(many.start), alias(many.outer));
    Sql::new("SELECT ")
        .with(expression(&many.value))
        .then(&format!(" AS \"value\" FROM {} {start}", quote(&many.table)))
        .with(joins(&many.joins))
        .then(&format!(" WHERE {start}.\"id\" = {outer}.\"id\""))
}

/// One side of a comparison as SQL sees it.
struct Side<'a> {
    sql: Sql,
    /// What the SQL was made of; none for one of several values.
    value: Option<&'a Expression>,
    fallback: NullFallback,
    presence: Presence,
}

impl<'a> Side<'a> {
    fn whole(operand: &'a Operand) -> Self {
        Self {
            sql: expression(&operand.value),
            value: Some(&operand.value),
            fallback: operand.fallback,
            presence: operand.presence(),
        }
    }

    /// The single operand that several values are compared with; what it is, not how it prefers to be compared, counts
    /// there.
    fn plain(operand: &'a Operand) -> Self {
        let plain = Operand {
            known: operand.known,
            ..Operand::new(operand.value.clone())
        };
        Self {
            presence: plain.presence(),
            fallback: plain.fallback,
            ..Self::whole(operand)
        }
    }

    /// One of the values of an operand that has several.
    fn element(operand: &Operand, of: &str) -> Self {
        Self {
            sql: Sql::new(format!("{of}.\"value\"")),
            value: None,
            fallback: operand.fallback,
            presence: Presence::Unknown,
        }
    }
}

fn direct(left: &Side<'_>, comparator: Comparator, right: &Side<'_>) -> Sql {
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
/// The inequality is always `IS NOT`: `!=` of an absent value is neither true nor false. `a = '' OR a IS NULL` can use
/// an index where `COALESCE(a, '') = ''` can't.
fn equality(left: &Side<'_>, right: &Side<'_>, equal: bool) -> Sql {
    let operator = if equal { " = " } else { " IS NOT " };
    if left.fallback == NullFallback::Disabled || right.fallback == NullFallback::Disabled {
        return infix(&left.sql, if equal { " IS " } else { " IS NOT " }, &right.sql);
    }
    let empty = Sql::new("''");
    let uncertain = match (left.presence, right.presence) {
        (Presence::Empty, Presence::Empty) => return infix(&empty, operator, &empty),
        (Presence::Empty, Presence::Present) => return infix(&empty, operator, &right.sql),
        (Presence::Present, Presence::Empty) => return infix(&left.sql, operator, &empty),
        (Presence::Present, _) | (_, Presence::Present) => return infix(&left.sql, operator, &right.sql),
        (Presence::Empty, Presence::Unknown) => &right.sql,
        (Presence::Unknown, Presence::Empty) => &left.sql,
        (Presence::Unknown, Presence::Unknown) => {
            let coalesced = |sql: &Sql| Sql::new("COALESCE(").with(sql.clone()).then(", '')");
            return infix(&coalesced(&left.sql), operator, &coalesced(&right.sql));
        }
    };
    let sides = if left.presence == Presence::Empty {
        (&empty, uncertain)
    } else {
        (uncertain, &empty)
    };
    let (join, null) = if equal {
        (" OR ", " IS NULL")
    } else {
        (" AND ", " IS NOT NULL")
    };
    infix(sides.0, operator, sides.1)
        .then(join)
        .with(uncertain.clone())
        .then(null)
        .enclosed()
}

fn likeness(left: &Side<'_>, operator: &str, right: &Side<'_>) -> Sql {
    let written = right.value.filter(|value| !value.literals().is_empty());
    let pattern = match written {
        // What somebody wrote may hold wildcards of its own.
        Some(value) => {
            let as_pattern = |literal: &Literal| Literal::Text(like::pattern(&literal.to_text()));
            expression(&value.map_literals(&as_pattern))
        }
        None => Sql::new("('%' || ").with(right.sql.clone()).then(" || '%')"),
    };
    left.sql.clone().then(operator).with(pattern).then(" ESCAPE '\\'")
}
