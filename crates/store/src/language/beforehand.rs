//! What a rule says before it is known of which record, and of which body.

use super::syntax::{Node, Term, parse};
use super::token::{Comparator, Operator};
use crate::error::Result;

/// What of a request is known with its head.
const KNOWN: [&str; 5] = [
    "@request.auth.",
    "@request.headers.",
    "@request.query.",
    "@request.method",
    "@request.context",
];

/// `rule` with every comparison taken for true that asks for anything but the head of the request. The language has no
/// negation, so that what this denies, the rule denies.
///
/// # Errors
/// A rule that can't be parsed.
pub(crate) fn beforehand(rule: &str) -> Result<Node> {
    Ok(relaxed(parse(rule)?))
}

fn relaxed(node: Node) -> Node {
    match node {
        Node::All(nodes) => Node::All(nodes.into_iter().map(relaxed).collect()),
        Node::Any(nodes) => Node::Any(nodes.into_iter().map(relaxed).collect()),
        Node::Compare { left, operator, right } if is_known(&left) && is_known(&right) => {
            Node::Compare { left, operator, right }
        }
        Node::Compare { .. } => truth(),
    }
}

fn is_known(term: &Term) -> bool {
    match term {
        Term::Number(_) | Term::Text(_) => true,
        Term::Name(name) => KNOWN.iter().any(|known| name.starts_with(known)),
        // Some have to do with records, and none is in common use with the request alone.
        Term::Call { .. } => false,
    }
}

fn truth() -> Node {
    let one = || Term::Number("1".to_owned());
    Node::Compare {
        left: one(),
        operator: Operator {
            comparator: Comparator::Equal,
            any: false,
        },
        right: one(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(rule: &str, relaxed: &str) {
        assert_eq!(beforehand(rule).unwrap(), parse(relaxed).unwrap(), "{rule}");
    }

    #[test]
    fn only_what_the_head_of_a_request_tells_is_asked() {
        same("@request.auth.id != ''", "@request.auth.id != ''");
        same(
            "@request.auth.id != '' && owner = @request.auth.id",
            "@request.auth.id != '' && 1 = 1",
        );
        same(
            "@request.body.a = 1 || @request.auth.id = 'x'",
            "1 = 1 || @request.auth.id = 'x'",
        );
        same(
            "a = 1 && (b = 2 || @request.headers.x = 'y')",
            "1 = 1 && (1 = 1 || @request.headers.x = 'y')",
        );
        same("public = true", "1 = 1");
        same("@collection.a.b ?= @request.auth.id", "1 = 1");
    }
}
