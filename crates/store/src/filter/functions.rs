//! `geoDistance()` and `strftime()`.

use super::invalid;
use super::operand::{NullFallback, Operand};
use super::sql::Sql;
use super::syntax::Term;
use crate::error::Result;

/// The most arguments of `strftime`.
const MAX_STRFTIME_ARGUMENTS: usize = 10;

/// The result of a function; `resolve` turns an argument into an operand.
///
/// # Errors
/// An unknown function, or arguments that it does not take.
pub(crate) fn call(
    function: &str,
    arguments: &[Term],
    resolve: impl FnMut(&Term) -> Result<Operand>,
) -> Result<Operand> {
    match function {
        "geoDistance" => geo_distance(arguments, resolve),
        "strftime" => strftime(arguments, resolve),
        _ => Err(invalid(format!("unknown function {function:?}"))),
    }
}

/// The distance in kilometres along the sphere between (lonA, latA) and (lonB, latB). It is not multi-valued: of several
/// related points one is enough.
fn geo_distance(arguments: &[Term], mut resolve: impl FnMut(&Term) -> Result<Operand>) -> Result<Operand> {
    if arguments.len() != 4 {
        let count = arguments.len();
        return Err(invalid(format!("[geoDistance] expected 4 arguments, got {count}")));
    }
    let mut parts = Vec::with_capacity(4);
    for (index, argument) in arguments.iter().enumerate() {
        if !matches!(argument, Term::Name(_) | Term::Number(_)) {
            return Err(invalid(format!(
                "[geoDistance] argument {index} must be an identifier or number"
            )));
        }
        let operand = resolve(argument).map_err(|error| {
            invalid(format!(
                "[geoDistance] failed to resolve argument {index}: {}",
                error.detail()
            ))
        })?;
        parts.push(Sql::new("radians(").with(operand.sql).then(")"));
    }
    let [lon_a, lat_a, lon_b, lat_b] = [0, 1, 2, 3].map(|index: usize| parts[index].clone());
    let sql = Sql::new("(6371 * acos(cos(")
        .with(lat_a.clone())
        .then(") * cos(")
        .with(lat_b.clone())
        .then(") * cos(")
        .with(lon_b)
        .then(" - ")
        .with(lon_a)
        .then(") + sin(")
        .with(lat_a)
        .then(") * sin(")
        .with(lat_b)
        .then(")))");
    Ok(Operand {
        fallback: NullFallback::Disabled,
        ..Operand::new(sql)
    })
}

/// SQLite's `strftime(format, [time, modifier, …])`, with an absent result equal to an empty one.
fn strftime(arguments: &[Term], mut resolve: impl FnMut(&Term) -> Result<Operand>) -> Result<Operand> {
    if arguments.is_empty() {
        return Err(invalid("[strftime] expected at least 1 arguments, got 0"));
    }
    if arguments.len() > MAX_STRFTIME_ARGUMENTS {
        return Err(invalid(format!(
            "[strftime] too many arguments (max allowed {MAX_STRFTIME_ARGUMENTS}, got {})",
            arguments.len()
        )));
    }
    if !matches!(arguments[0], Term::Text(_)) {
        return Err(invalid("[strftime] expects the first argument to be a format string"));
    }
    let mut parts = Vec::with_capacity(arguments.len());
    let mut many = None;
    for (index, argument) in arguments.iter().enumerate() {
        if index > 1 && !matches!(argument, Term::Text(_)) {
            return Err(invalid(format!(
                "[strftime] invalid modifier argument {} - can be only string",
                index - 2
            )));
        }
        if matches!(argument, Term::Call { .. }) {
            return Err(invalid(
                "[strftime] expects the second argument to be of a valid time-value type",
            ));
        }
        let operand = resolve(argument).map_err(|error| {
            let what = if index == 1 { "time-value" } else { "text" };
            invalid(format!(
                "[strftime] failed to resolve {what} argument: {}",
                error.detail()
            ))
        })?;
        if index == 1 {
            many = operand.many;
        }
        parts.push(operand.sql);
    }
    let formatted = |parts: &[Sql]| {
        Sql::new("strftime(")
            .with(Sql::joined(parts.iter().cloned(), ", "))
            .then(")")
    };
    let sql = formatted(&parts);
    if let Some(many) = &mut many {
        parts[1] = many.value.clone();
        many.value = formatted(&parts);
    }
    Ok(Operand {
        fallback: NullFallback::Enforced,
        many,
        ..Operand::new(sql)
    })
}
