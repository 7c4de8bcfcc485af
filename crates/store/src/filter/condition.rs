//! A filter's tree as SQL, given somebody who knows the fields.

use jiff::Timestamp;
use rusqlite::types::Value;

use super::compare::compare;
use super::operand::Operand;
use super::sql::Sql;
use super::syntax::{Node, Term};
use super::{functions, invalid, macros};
use crate::error::Result;

/// Knows what names mean.
pub(crate) trait Names {
    /// The operand that a field's name stands for.
    ///
    /// # Errors
    /// No such field, or one that may not be used here.
    fn name(&mut self, name: &str) -> Result<Operand>;

    /// A name for a subquery that no other has.
    fn alias(&mut self) -> String;

    /// When the query is asked.
    fn now(&self) -> Timestamp;
}

/// The SQL of a tree, in parentheses where it needs them.
///
/// # Errors
/// An operand that can't be resolved.
pub(crate) fn condition(node: &Node, names: &mut impl Names) -> Result<Sql> {
    match node {
        Node::All(nodes) => group(nodes, " AND ", names),
        Node::Any(nodes) => group(nodes, " OR ", names),
        Node::Compare { left, operator, right } => {
            let left_operand = side("left", left, names)?;
            let right_operand = side("right", right, names)?;
            Ok(compare(&left_operand, *operator, &right_operand, || names.alias()))
        }
    }
}

fn group(nodes: &[Node], separator: &str, names: &mut impl Names) -> Result<Sql> {
    let pieces: Vec<Sql> = nodes.iter().map(|node| condition(node, names)).collect::<Result<_>>()?;
    Ok(Sql::joined(pieces, separator).enclosed())
}

fn side(side: &str, term: &Term, names: &mut impl Names) -> Result<Operand> {
    operand(term, names).map_err(|error| {
        invalid(format!(
            "invalid {side} operand {:?} - {}",
            term.literal(),
            error.detail()
        ))
    })
}

fn operand(term: &Term, names: &mut impl Names) -> Result<Operand> {
    match term {
        Term::Text(text) => Ok(Operand::value(Value::Text(text.clone()))),
        Term::Number(number) => number
            .parse()
            .map(|number| Operand::value(Value::Real(number)))
            .map_err(|_| invalid(format!("invalid number {number:?}"))),
        Term::Call { function, arguments } => functions::call(function, arguments, |argument| operand(argument, names)),
        Term::Name(name) => {
            if let Some(value) = macros::value(name, names.now()) {
                return Ok(Operand::value(value));
            }
            // A field may be called like a constant, and comes first.
            names
                .name(name)
                .or_else(|error| match name.to_ascii_lowercase().as_str() {
                    "null" => Ok(Operand::null()),
                    "true" => Ok(Operand::truth(true)),
                    "false" => Ok(Operand::truth(false)),
                    _ => Err(error),
                })
        }
    }
}
