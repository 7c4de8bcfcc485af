//! A filter's tree as a predicate, given somebody who knows the fields.

use jiff::Timestamp;

use super::predicate::{Comparison, Literal, Operand, Predicate, Row};
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

    /// A row that no other join or subquery has.
    fn row(&mut self) -> Row;

    /// When the query is asked.
    fn now(&self) -> Timestamp;
}

/// The predicate that a tree asks for.
///
/// # Errors
/// An operand that can't be resolved.
pub(crate) fn condition(node: &Node, names: &mut impl Names) -> Result<Predicate> {
    let mut all =
        |nodes: &[Node]| -> Result<Vec<Predicate>> { nodes.iter().map(|node| condition(node, names)).collect() };
    match node {
        Node::All(nodes) => all(nodes).map(Predicate::All),
        Node::Any(nodes) => all(nodes).map(Predicate::Any),
        Node::Compare { left, operator, right } => Ok(Predicate::Compare(Box::new(Comparison {
            left: side("left", left, names)?,
            operator: *operator,
            right: side("right", right, names)?,
        }))),
    }
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
        Term::Text(text) => Ok(Operand::literal(Literal::Text(text.clone()))),
        Term::Number(number) => number
            .parse()
            .map(|number| Operand::literal(Literal::Real(number)))
            .map_err(|_| invalid(format!("invalid number {number:?}"))),
        Term::Call { function, arguments } => functions::call(function, arguments, |argument| operand(argument, names)),
        Term::Name(name) => {
            if let Some(value) = macros::value(name, names.now()) {
                return Ok(Operand::literal(value));
            }
            // A field may be called like a constant, and comes first.
            names
                .name(name)
                .or_else(|error| match name.to_ascii_lowercase().as_str() {
                    "null" => Ok(Operand::absent()),
                    "true" => Ok(Operand::truth(true)),
                    "false" => Ok(Operand::truth(false)),
                    _ => Err(error),
                })
        }
    }
}
