//! `-created,title`: the order of a list.

use super::condition::Names;
use super::sql::Sql;
use super::{MAX_SORT_FIELD, MAX_SORT_FIELDS, invalid};
use crate::error::Result;

/// The `ORDER BY` terms of a sort, none for an empty one. `rowid` is what `@rowid` stands for.
///
/// # Errors
/// Too many or too long fields, unknown ones, ones that may not be used here.
pub(crate) fn order(text: &str, rowid: &Sql, names: &mut impl Names) -> Result<Option<Sql>> {
    if text.is_empty() {
        return Ok(None);
    }
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    if fields.len() > MAX_SORT_FIELDS {
        return Err(invalid("max sort expressions limit reached"));
    }
    let mut terms = Vec::with_capacity(fields.len());
    for field in fields {
        let (name, direction) = match field.strip_prefix('-') {
            Some(name) => (name, " DESC"),
            None => (field.strip_prefix('+').unwrap_or(field), " ASC"),
        };
        if name.len() > MAX_SORT_FIELD {
            return Err(invalid("max sort field length limit reached"));
        }
        terms.push(match name {
            "@random" => Sql::new("RANDOM()"),
            "@rowid" => rowid.clone().then(direction),
            _ => {
                let unsortable = || invalid(format!("invalid sort field {name:?}"));
                if !well_formed(name) {
                    return Err(unsortable());
                }
                let operand = names.name(name).map_err(|_| unsortable())?;
                if operand.is_null() || operand.sql.operands().next().is_some() {
                    return Err(unsortable());
                }
                operand.sql.then(direction)
            }
        });
    }
    Ok(Some(Sql::joined(terms, ", ")))
}

/// Whether a name could have come out of the lexer; a sort does not pass through it.
fn well_formed(name: &str) -> bool {
    let body = name.strip_prefix('@').unwrap_or(name);
    !body.is_empty()
        && body
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'))
}
