//! The tree of a filter. `&&` binds tighter than `||`, as it does in SQL and therefore in PocketBase.

use super::token::{Operator, Token, tokens};
use super::{MAX_CALLS, MAX_COMPARISONS, MAX_DEPTH, invalid};
use crate::error::{Error, Result};

/// A filter or a part of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    All(Vec<Self>),
    Any(Vec<Self>),
    Compare {
        left: Term,
        operator: Operator,
        right: Term,
    },
}

/// One side of a comparison, as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Term {
    Name(String),
    Number(String),
    Text(String),
    Call { function: String, arguments: Vec<Self> },
}

impl Term {
    /// The term as an error names it.
    pub(crate) fn literal(&self) -> &str {
        match self {
            Self::Name(literal) | Self::Number(literal) | Self::Text(literal) => literal,
            Self::Call { function, .. } => function,
        }
    }
}

/// Reads a filter.
///
/// # Errors
/// Text that is not a filter, an empty one, or one past the limits on comparisons and depth.
pub(crate) fn parse(source: &str) -> Result<Node> {
    let tokens = tokens(source)?;
    balanced(&tokens)?;
    let mut parser = Parser {
        tokens: &tokens,
        comparisons: 0,
    };
    let node = parser.group(0)?;
    match parser.tokens.first() {
        None => Ok(node),
        Some(token) => Err(misplaced(token, "expected && or ||")),
    }
}

/// Looks for brackets that are never closed.
fn balanced(tokens: &[Token]) -> Result<()> {
    let mut open = Vec::new();
    for token in tokens {
        match token {
            Token::Open => open.push(None),
            Token::Function(name) => open.push(Some(name)),
            Token::Close => {
                open.pop();
            }
            _ => {}
        }
    }
    match open.first() {
        None => Ok(()),
        Some(Some(function)) => Err(incomplete(function)),
        Some(None) => Err(invalid(format!(
            "invalid formatted group - missing {} closing bracket(s)",
            open.len()
        ))),
    }
}

struct Parser<'a> {
    /// What is left.
    tokens: &'a [Token],
    comparisons: usize,
}

impl<'a> Parser<'a> {
    fn take(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Comparisons and groups up to a closing bracket or the end.
    fn group(&mut self, depth: usize) -> Result<Node> {
        if depth > MAX_DEPTH {
            return Err(invalid("max filter depth reached"));
        }
        if matches!(self.tokens.first(), None | Some(Token::Close)) {
            return Err(invalid("empty filter expression"));
        }
        let mut alternatives = vec![Vec::new()];
        let mut join = &Token::And;
        loop {
            let node = self.one(depth)?;
            match alternatives.last_mut() {
                Some(all) if *join == Token::And => all.push(node),
                _ => alternatives.push(vec![node]),
            }
            match self.tokens.first() {
                Some(token @ (Token::And | Token::Or)) => {
                    self.take();
                    join = token;
                }
                // As in PocketBase a group may follow at once, joined like what came before it.
                Some(Token::Open) => {}
                _ => break,
            }
        }
        let alternatives = alternatives.into_iter().map(|all| single_or(all, Node::All)).collect();
        Ok(single_or(alternatives, Node::Any))
    }

    fn one(&mut self, depth: usize) -> Result<Node> {
        if self.tokens.first() == Some(&Token::Open) {
            self.take();
            let node = self.group(depth + 1)?;
            return match self.take() {
                Some(token) if *token != Token::Close => Err(misplaced(token, "expected && or ||")),
                _ => Ok(node),
            };
        }
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            return Err(invalid("max filter expressions limit reached"));
        }
        let left = self.term("expected left operand (identifier, function, text or number)")?;
        let operator = match self.take() {
            Some(Token::Operator(operator)) => *operator,
            Some(token) => return Err(misplaced(token, "expected a sign operator")),
            None => return Err(unfinished()),
        };
        let right = self.term("expected right operand (identifier, function text or number)")?;
        Ok(Node::Compare { left, operator, right })
    }

    fn term(&mut self, expected: &str) -> Result<Term> {
        let token = self.take().ok_or_else(unfinished)?;
        self.term_from(token, 1)?.ok_or_else(|| misplaced(token, expected))
    }

    /// The term that a token begins, if it does.
    fn term_from(&mut self, token: &Token, depth: usize) -> Result<Option<Term>> {
        Ok(Some(match token {
            Token::Name(name) => Term::Name(name.clone()),
            Token::Number(number) => Term::Number(number.clone()),
            Token::Text(text) => Term::Text(text.clone()),
            Token::Function(function) => Term::Call {
                function: function.clone(),
                arguments: self.arguments(function, depth)?,
            },
            _ => return Ok(None),
        }))
    }

    /// What stands between a function's brackets.
    fn arguments(&mut self, function: &str, depth: usize) -> Result<Vec<Term>> {
        if depth > MAX_CALLS {
            return Err(invalid(format!(
                "max nested function arguments reached (max: {MAX_CALLS})"
            )));
        }
        let mut arguments = Vec::new();
        let mut separated = true;
        loop {
            let token = self.take().ok_or_else(|| incomplete(function))?;
            match token {
                Token::Close => return Ok(arguments),
                Token::Comma if separated => {
                    return Err(invalid(format!("unexpected comma in function {function:?}")));
                }
                Token::Comma => separated = true,
                _ if !separated => {
                    return Err(invalid(format!(
                        "expected comma after the last argument in function {function:?}"
                    )));
                }
                _ => {
                    let argument = self.term_from(token, depth + 1).map_err(|error| match token {
                        Token::Function(inner) => invalid(format!(
                            "invalid identifier argument {inner:?} in function {function:?}: {}",
                            error.detail()
                        )),
                        _ => error,
                    })?;
                    let argument = argument.ok_or_else(|| {
                        let what = token.described();
                        let first = what.chars().nth(1).unwrap_or_default();
                        invalid(format!(
                            "unsupported argument character {first:?} in function {function:?}"
                        ))
                    })?;
                    arguments.push(argument);
                    separated = false;
                }
            }
        }
    }
}

fn single_or(mut nodes: Vec<Node>, many: impl FnOnce(Vec<Node>) -> Node) -> Node {
    if nodes.len() == 1 { nodes.remove(0) } else { many(nodes) }
}

fn misplaced(token: &Token, expected: &str) -> Error {
    match token {
        Token::Close => invalid("unexpected character ')'"),
        Token::Comma => invalid("unexpected character ','"),
        _ => invalid(format!("{expected}, got {}", token.described())),
    }
}

fn unfinished() -> Error {
    invalid("invalid or incomplete filter expression")
}

fn incomplete(function: &str) -> Error {
    invalid(format!("invalid or incomplete function {function:?} (expected ')')"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn no_sequence_of_tokens_makes_the_parser_panic(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "a", "a.b:each", "'x'", "\"", "5", "-", "=", "?!~", "!", "&&", "||", "(", ")", ",", "f(", "//", "\n", "@now",
                ]),
                0..40,
            ),
        ) {
            let _ = parse(&words.join(" "));
        }
    }

    #[test]
    fn and_binds_tighter_than_or() {
        let Node::Any(nodes) = parse("a = 1 || b = 2 && c = 3 || d = 4").unwrap() else {
            panic!("not a choice");
        };
        assert!(matches!(
            nodes.as_slice(),
            [Node::Compare { .. }, Node::All(both), Node::Compare { .. }] if both.len() == 2
        ));
    }

    #[test]
    fn depth_and_length_are_limited() {
        let nested = |depth: usize| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert!(parse(&nested(MAX_DEPTH + 1)).is_err());
        assert!(parse(&nested(100_000)).is_err());
        assert!(parse(&vec!["a = 1"; MAX_COMPARISONS].join("&&")).is_ok());
        assert!(parse(&vec!["a = 1"; MAX_COMPARISONS + 1].join("&&")).is_err());
    }
}
