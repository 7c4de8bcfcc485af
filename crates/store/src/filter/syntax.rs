//! The tree of a filter. `&&` binds tighter than `||`, as it does in SQL and therefore in PocketBase.

use super::token::{Operator, Token, tokens};
use super::{MAX_COMPARISONS, MAX_DEPTH, invalid};
use crate::error::Result;

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
    let mut parser = Parser {
        tokens: tokens(source)?,
        position: 0,
        comparisons: 0,
    };
    if parser.tokens.is_empty() {
        return Err(invalid("empty filter expression"));
    }
    let node = parser.any(0)?;
    match parser.peek() {
        None => Ok(node),
        Some(token) => Err(invalid(format!("expected && or ||, got {token:?}"))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
    comparisons: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.position).cloned();
        self.position += 1;
        token
    }

    fn takes(&mut self, expected: &Token) -> bool {
        let found = self.peek() == Some(expected);
        self.position += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Result<Node> {
        let mut nodes = vec![self.all(depth)?];
        while self.takes(&Token::Or) {
            nodes.push(self.all(depth)?);
        }
        Ok(single_or(nodes, Node::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Node> {
        let mut nodes = vec![self.one(depth)?];
        while self.takes(&Token::And) {
            nodes.push(self.one(depth)?);
        }
        Ok(single_or(nodes, Node::All))
    }

    fn one(&mut self, depth: usize) -> Result<Node> {
        if self.takes(&Token::Open) {
            if depth >= MAX_DEPTH {
                return Err(invalid("max filter depth reached"));
            }
            let node = self.any(depth + 1)?;
            if !self.takes(&Token::Close) {
                return Err(invalid("invalid formatted group - missing 1 closing bracket(s)"));
            }
            return Ok(node);
        }
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            return Err(invalid("max filter expressions limit reached"));
        }
        let left = self.term("left")?;
        let operator = match self.take() {
            Some(Token::Operator(operator)) => operator,
            other => {
                return Err(invalid(format!(
                    "expected a sign operator, got {}",
                    described(other.as_ref())
                )));
            }
        };
        let right = self.term("right")?;
        Ok(Node::Compare { left, operator, right })
    }

    fn term(&mut self, side: &str) -> Result<Term> {
        match self.take() {
            Some(Token::Name(name)) => Ok(Term::Name(name)),
            Some(Token::Number(number)) => Ok(Term::Number(number)),
            Some(Token::Text(text)) => Ok(Term::Text(text)),
            Some(Token::Function(function)) => {
                let arguments = self.arguments(&function)?;
                Ok(Term::Call { function, arguments })
            }
            other => Err(invalid(format!(
                "expected {side} operand (identifier, function, text or number), got {}",
                described(other.as_ref())
            ))),
        }
    }

    /// What stands between a function's parentheses: names, numbers and texts. No function takes another's result.
    fn arguments(&mut self, function: &str) -> Result<Vec<Term>> {
        let mut arguments = Vec::new();
        if self.takes(&Token::Close) {
            return Ok(arguments);
        }
        loop {
            match self.take() {
                Some(Token::Name(name)) => arguments.push(Term::Name(name)),
                Some(Token::Number(number)) => arguments.push(Term::Number(number)),
                Some(Token::Text(text)) => arguments.push(Term::Text(text)),
                other => {
                    let got = described(other.as_ref());
                    return Err(invalid(format!("invalid argument of {function:?}: {got}")));
                }
            }
            if self.takes(&Token::Close) {
                return Ok(arguments);
            }
            if !self.takes(&Token::Comma) {
                return Err(invalid(format!("invalid or incomplete function call {function:?}")));
            }
            if self.takes(&Token::Close) {
                return Ok(arguments);
            }
        }
    }
}

fn single_or(mut nodes: Vec<Node>, many: impl FnOnce(Vec<Node>) -> Node) -> Node {
    if nodes.len() == 1 { nodes.remove(0) } else { many(nodes) }
}

fn described(token: Option<&Token>) -> String {
    token.map_or_else(|| "the end".into(), |token| format!("{token:?}"))
}
