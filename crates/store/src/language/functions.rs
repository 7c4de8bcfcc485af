//! `geoDistance()` and `strftime()`.

use super::invalid;
use super::predicate::{Expression, NullFallback, Operand};
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

/// The distance in kilometres along the sphere between (lonA, latA) and (lonB, latB). It is not multi-valued: of
/// several related points one is enough.
fn geo_distance(arguments: &[Term], mut resolve: impl FnMut(&Term) -> Result<Operand>) -> Result<Operand> {
    let mut parts = Vec::with_capacity(4);
    if arguments.len() == 4 {
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
            parts.push(operand.shielded());
        }
    }
    let points = <[Expression; 4]>::try_from(parts).map_err(|_| {
        let count = arguments.len();
        invalid(format!("[geoDistance] expected 4 arguments, got {count}"))
    })?;
    Ok(Operand {
        fallback: NullFallback::Disabled,
        ..Operand::new(Expression::Distance(Box::new(points)))
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
        parts.push(operand.shielded());
        if index == 1 {
            many = operand.many;
        }
    }
    let value = Expression::FormattedTime(parts.clone());
    if let Some(many) = &mut many {
        parts[1] = many.value.clone();
        many.value = Expression::FormattedTime(parts);
    }
    Ok(Operand {
        fallback: NullFallback::Enforced,
        many,
        ..Operand::new(value)
    })
}
