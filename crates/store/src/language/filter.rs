//! Filters that a program makes, without writing them as text first.

use super::syntax::{Node, Term};
use super::token::{Comparator, Operator};

/// A filter in the form that the language's parser makes of a text. What it compares with is a value, with any
/// characters it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

impl Filter {
    /// `field = value`.
    #[must_use]
    pub fn is(field: &str, value: &str) -> Self {
        Self::compare(field, Comparator::Equal, value)
    }

    /// `field < value`.
    #[must_use]
    pub fn is_before(field: &str, value: &str) -> Self {
        Self::compare(field, Comparator::Less, value)
    }

    /// `field = a || field = b || …`; nothing passes where there are no values.
    #[must_use]
    pub fn is_one_of<'a>(field: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        Self(Node::Any(
            values.into_iter().map(|value| Self::is(field, value).0).collect(),
        ))
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(Node::All(vec![self.0, other.0]))
    }

    fn compare(field: &str, comparator: Comparator, value: &str) -> Self {
        Self(Node::Compare {
            left: Term::Name(field.to_owned()),
            operator: Operator { comparator, any: false },
            right: Term::Text(value.to_owned()),
        })
    }

    /// The tree.
    pub(super) fn node(&self) -> &Node {
        &self.0
    }

    /// The tree.
    pub(super) fn into_node(self) -> Node {
        self.0
    }
}
