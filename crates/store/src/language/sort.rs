//! `-created,title`: the order of a list.

use super::condition::Names;
use super::predicate::{Expression, SortKey, SortTerm};
use super::{MAX_SORT_FIELD, MAX_SORT_FIELDS, invalid};
use crate::error::Result;

/// The steps of an order, none for an empty one.
///
/// # Errors
/// Too many or too long fields, unknown ones, ones that may not be used here.
pub(crate) fn order(text: &str, names: &mut impl Names) -> Result<Vec<SortTerm>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    if fields.len() > MAX_SORT_FIELDS {
        return Err(invalid("max sort expressions limit reached"));
    }
    fields.into_iter().map(|field| term(field, names)).collect()
}

fn term(field: &str, names: &mut impl Names) -> Result<SortTerm> {
    let (name, descending) = match field.strip_prefix('-') {
        Some(name) => (name, true),
        None => (field.strip_prefix('+').unwrap_or(field), false),
    };
    if name.len() > MAX_SORT_FIELD {
        return Err(invalid("max sort field length limit reached"));
    }
    let key = match name {
        "@random" => SortKey::Random,
        "@rowid" => SortKey::Stored,
        _ => {
            let unsortable = || invalid(format!("invalid sort field {name:?}"));
            if !well_formed(name) {
                return Err(unsortable());
            }
            let operand = names.name(name).map_err(|_| unsortable())?;
            // What is the same for every record orders none.
            if operand.value == Expression::Absent || !operand.value.literals().is_empty() {
                return Err(unsortable());
            }
            SortKey::Value(operand.shielded())
        }
    };
    Ok(SortTerm { key, descending })
}

/// Whether a name could have come out of the lexer; a sort does not pass through it.
fn well_formed(name: &str) -> bool {
    let body = name.strip_prefix('@').unwrap_or(name);
    !body.is_empty()
        && body
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'))
}
