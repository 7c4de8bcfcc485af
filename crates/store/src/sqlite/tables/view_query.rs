//! What a view's query selects, read far enough to tell which columns come straight from which collection.
//!
//! This is no SQL parser: what it does not understand it refuses or takes for an expression, in the same cases and with
//! the same words as PocketBase. Whether the query is valid is for SQLite to say.

use std::sync::LazyLock;

use regex::Regex;

/// A table or column with the name it goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selected {
    /// What is selected: `posts`, `p.title`, `count(*)`; unquoted.
    pub(crate) original: String,
    /// The name it has outside: `posts`, `title`, `total`; unquoted.
    pub(crate) alias: String,
}

/// The columns and tables of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ViewQuery {
    pub(crate) columns: Vec<Selected>,
    /// Those of `FROM`, then those joined.
    pub(crate) tables: Vec<Selected>,
}

static COMMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)(/\*(?s:.*?)\*/)|(--.+$)").expect("the expression is constant and valid"));

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Comma,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Before,
    Select,
    From,
    Join,
    Ignored,
}

impl ViewQuery {
    /// Reads `query`.
    ///
    /// # Errors
    /// A message for the person who wrote it.
    pub(crate) fn parse(query: &str) -> Result<Self, String> {
        let query = COMMENT.replace_all(trim(query), " ");
        let (mut selects, mut froms, mut joins) = (Vec::new(), Vec::new(), Vec::new());
        let mut part = Part::Before;
        for token in tokens(&query)? {
            if let Token::Word(word) = &token {
                match word.to_lowercase().as_str() {
                    "select" => {
                        part = Part::Select;
                        continue;
                    }
                    "distinct" => continue,
                    "from" => {
                        part = Part::From;
                        continue;
                    }
                    "join" => {
                        let before = if joins.is_empty() { &mut froms } else { &mut joins };
                        drop_join_words(before);
                        if !joins.is_empty() {
                            joins.push(Token::Comma);
                        }
                        part = Part::Join;
                        continue;
                    }
                    "where" | "group" | "having" | "order" | "limit" | "with" if part != Part::Before => {
                        part = Part::Ignored;
                    }
                    "on" if part == Part::Join => part = Part::Ignored,
                    _ => {}
                }
            }
            match part {
                Part::Select => selects.push(token),
                Part::From => froms.push(token),
                Part::Join => joins.push(token),
                Part::Before | Part::Ignored => {}
            }
        }
        let mut tables = identifiers(&froms)?;
        tables.extend(identifiers(&joins)?);
        Ok(Self {
            columns: identifiers(&selects)?,
            tables,
        })
    }
}

/// The query without what may surround it.
pub(crate) fn trim(query: &str) -> &str {
    query.trim().trim_matches(';').trim()
}

/// `LEFT`, `OUTER` and so on stand before `JOIN`, at the end of what came before it.
fn drop_join_words(tokens: &mut Vec<Token>) {
    while let Some(Token::Word(word)) = tokens.last() {
        if !["full", "left", "right", "cross", "inner", "outer"].contains(&word.to_lowercase().as_str()) {
            break;
        }
        tokens.pop();
    }
}

/// Words and commas; what is in quotes or parentheses belongs to the word around it.
fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut depth = 0_u32;
    let mut quoted_by = None;
    for c in text.chars() {
        match (quoted_by, c) {
            (Some(quote), _) if quote == c => quoted_by = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quoted_by = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.checked_sub(1).ok_or("unbalanced parenthesis")?,
            (None, _) if depth == 0 && (c == ',' || c.is_whitespace()) => {
                if !word.is_empty() {
                    tokens.push(Token::Word(std::mem::take(&mut word)));
                }
                if c == ',' {
                    tokens.push(Token::Comma);
                }
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    if depth != 0 || quoted_by.is_some() {
        return Err("unbalanced parenthesis or quoted expression".to_owned());
    }
    if !word.is_empty() {
        tokens.push(Token::Word(word));
    }
    Ok(tokens)
}

fn identifiers(tokens: &[Token]) -> Result<Vec<Selected>, String> {
    tokens
        .split(|token| *token == Token::Comma)
        .map(|words| {
            words
                .iter()
                .filter_map(|token| match token {
                    Token::Word(word) => Some(word.as_str()),
                    Token::Comma => None,
                })
                .collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
        .map(|words| identifier(&words))
        .collect()
}

fn identifier(words: &[&str]) -> Result<Selected, String> {
    let (original, alias) = match words {
        [original, word, alias] if word.eq_ignore_ascii_case("as") => (*original, *alias),
        [_, word, _] => return Err(format!("invalid identifier part - expected \"as\", got {word}")),
        [original, alias] => (*original, *alias),
        [original] => (*original, original.rsplit('.').next().unwrap_or(original)),
        other => return Err(format!("invalid identifier parts [{}]", other.join(" "))),
    };
    Ok(Selected {
        original: unquote(original, "`\"[];"),
        alias: unquote(alias, "`\"[];'"),
    })
}

fn unquote(name: &str, quotes: &str) -> String {
    let parts: Vec<&str> = name
        .split('.')
        .map(|part| part.trim_matches(|c| quotes.contains(c)))
        .collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(selected: &[Selected]) -> Vec<(&str, &str)> {
        selected
            .iter()
            .map(|one| (one.original.as_str(), one.alias.as_str()))
            .collect()
    }

    #[test]
    fn columns_and_tables_are_read_with_their_names() {
        let query = ViewQuery::parse(
            "SELECT p.id, `p`.[title] AS \"Name\", count(*) c, (a, b) as x /* , no */ -- , nor\n\
             FROM posts p LEFT OUTER JOIN users AS u ON u.id = p.author, x join tags on 1 WHERE p.n > 1 ORDER BY c;",
        )
        .unwrap();
        assert_eq!(
            pairs(&query.columns),
            [("p.id", "id"), ("p.title", "Name"), ("count(*)", "c"), ("(a, b)", "x")]
        );
        assert_eq!(pairs(&query.tables), [("posts", "p"), ("users", "u"), ("tags", "tags")]);
    }

    #[test]
    fn what_pocketbase_refuses_is_refused_in_its_words() {
        for (query, message) in [
            (
                "select id, t || 'a' as conc from x",
                "invalid identifier parts [t || 'a' as conc]",
            ),
            (
                "select id, t from every union select id, name from users",
                "invalid identifier part - expected \"as\", got union",
            ),
        ] {
            assert_eq!(ViewQuery::parse(query).unwrap_err(), message);
        }
    }
}
