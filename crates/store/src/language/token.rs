//! The tokens of a filter.

use super::invalid;
use crate::error::Result;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparator {
    Equal,
    NotEqual,
    Like,
    NotLike,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A comparator, and whether one of several values is enough (`?=`) or all must match (`=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) comparator: Comparator,
    pub(crate) any: bool,
}

impl Operator {
    fn parse(literal: &str) -> Option<Self> {
        let (any, rest) = literal.strip_prefix('?').map_or((false, literal), |rest| (true, rest));
        let comparator = match rest {
            "=" => Comparator::Equal,
            "!=" => Comparator::NotEqual,
            "~" => Comparator::Like,
            "!~" => Comparator::NotLike,
            "<" => Comparator::Less,
            "<=" => Comparator::LessOrEqual,
            ">" => Comparator::Greater,
            ">=" => Comparator::GreaterOrEqual,
            _ => return None,
        };
        Some(Self { comparator, any })
    }

    fn literal(self) -> &'static str {
        match (self.comparator, self.any) {
            (Comparator::Equal, false) => "=",
            (Comparator::NotEqual, false) => "!=",
            (Comparator::Like, false) => "~",
            (Comparator::NotLike, false) => "!~",
            (Comparator::Less, false) => "<",
            (Comparator::LessOrEqual, false) => "<=",
            (Comparator::Greater, false) => ">",
            (Comparator::GreaterOrEqual, false) => ">=",
            (Comparator::Equal, true) => "?=",
            (Comparator::NotEqual, true) => "?!=",
            (Comparator::Like, true) => "?~",
            (Comparator::NotLike, true) => "?!~",
            (Comparator::Less, true) => "?<",
            (Comparator::LessOrEqual, true) => "?<=",
            (Comparator::Greater, true) => "?>",
            (Comparator::GreaterOrEqual, true) => "?>=",
        }
    }
}

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A field, a macro, `true`, `false` or `null`.
    Name(String),
    /// A number as written.
    Number(String),
    /// Quoted text, unquoted.
    Text(String),
    /// A name directly followed by `(`, which is not a token of its own then.
    Function(String),
    Operator(Operator),
    And,
    Or,
    Open,
    Close,
    Comma,
}

impl Token {
    /// The token as an error shows it: what is written there and what that is.
    pub(crate) fn described(&self) -> String {
        let (literal, kind) = match self {
            Self::Name(literal) => (literal.as_str(), "identifier"),
            Self::Number(literal) => (literal.as_str(), "number"),
            Self::Text(literal) => (literal.as_str(), "text"),
            Self::Function(literal) => (literal.as_str(), "function"),
            Self::Operator(operator) => (operator.literal(), "sign"),
            Self::And => ("&&", "join"),
            Self::Or => ("||", "join"),
            Self::Open => ("(", "group"),
            Self::Close => (")", "group"),
            Self::Comma => (",", "comma"),
        };
        format!("{literal:?} ({kind})")
    }
}

/// Cuts `source` into tokens, without white space and comments (`//` to the end of the line).
///
/// # Errors
/// A character, number, name, operator or text that is not one.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>> {
    if source.contains('\0') {
        return Err(invalid("unexpected character '\\0'"));
    }
    let mut lexer = Lexer { rest: source };
    let mut found = Vec::new();
    while let Some(token) = lexer.next()? {
        found.push(token);
    }
    Ok(found)
}

struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    /// Takes the longest prefix of the rest made of characters that `belongs` accepts.
    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn take_one(&mut self, token: Token) -> Token {
        self.rest = &self.rest[1..];
        token
    }

    fn next(&mut self) -> Result<Option<Token>> {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n'));
            if !self.rest.starts_with("//") {
                break;
            }
            self.take_while(|c| c != '\n');
        }
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let token = match first {
            '(' => self.take_one(Token::Open),
            ')' => self.take_one(Token::Close),
            ',' => self.take_one(Token::Comma),
            '\'' | '"' => self.text(first)?,
            'a'..='z' | 'A'..='Z' | '_' | '@' | '#' => self.name()?,
            '-' | '0'..='9' => self.number()?,
            '=' | '?' | '!' | '>' | '<' | '~' => {
                let literal = self.take_while(|c| matches!(c, '=' | '?' | '!' | '>' | '<' | '~'));
                let operator =
                    Operator::parse(literal).ok_or_else(|| invalid(format!("invalid sign operator {literal:?}")))?;
                Token::Operator(operator)
            }
            '&' | '|' => match self.take_while(|c| matches!(c, '&' | '|')) {
                "&&" => Token::And,
                "||" => Token::Or,
                other => return Err(invalid(format!("invalid join operator {other:?}"))),
            },
            other => return Err(invalid(format!("unexpected character {other:?}"))),
        };
        Ok(Some(token))
    }

    fn name(&mut self) -> Result<Token> {
        let literal = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '#' | '.' | ':'));
        let body = literal.strip_prefix(['@', '#']).unwrap_or(literal);
        let proper = body
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'))
            && body.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if !proper {
            return Err(invalid(format!("invalid identifier {literal:?}")));
        }
        if self.rest.starts_with('(') {
            return Ok(self.take_one(Token::Function(literal.to_owned())));
        }
        Ok(Token::Name(literal.to_owned()))
    }

    fn number(&mut self) -> Result<Token> {
        let sign = self.rest.starts_with('-');
        let literal = {
            let whole = self.rest;
            if sign {
                self.rest = &self.rest[1..];
            }
            let digits = self.take_while(|c| c.is_ascii_digit() || c == '.');
            &whole[..digits.len() + usize::from(sign)]
        };
        if literal.ends_with('.') || literal.parse::<f64>().is_err() {
            return Err(invalid(format!("invalid number {literal:?}")));
        }
        Ok(Token::Number(literal.to_owned()))
    }

    /// Quoted text. `\'`, `\"`, `\\`, `\n`, `\r` and `\t` are what they are elsewhere; any other backslash is itself.
    fn text(&mut self, quote: char) -> Result<Token> {
        let body = &self.rest[1..];
        let mut text = String::new();
        let mut escaping = false;
        for (index, c) in body.char_indices() {
            if escaping {
                match c {
                    '\'' | '"' | '\\' => text.push(c),
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    _ => text.extend(['\\', c]),
                }
                escaping = false;
            } else if c == quote {
                self.rest = &body[index + 1..];
                return Ok(Token::Text(text));
            } else if c == '\\' {
                escaping = true;
            } else {
                text.push(c);
            }
        }
        Err(invalid(format!("invalid quoted text {:?}", self.rest)))
    }
}
