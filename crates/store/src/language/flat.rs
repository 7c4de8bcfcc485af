//! Filters over one plain table that is no collection, such as the log.

use jiff::Timestamp;

use super::condition::{Names, condition};
use super::predicate::{Expression, JsonStep, NullFallback, Operand, Predicate, Row, SortTerm};
use super::{MAX_CLIENT_FILTER, invalid, sort, syntax};
use crate::error::Result;

/// What may be asked of a plain table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlatQuery<'a> {
    /// The filter; empty for none.
    pub(crate) filter: &'a str,
    /// The sort; empty for none.
    pub(crate) sort: &'a str,
    /// The columns that may be used.
    pub(crate) columns: &'a [&'a str],
    /// Those of them that hold JSON, into which a path may lead.
    pub(crate) json: &'a [&'a str],
}

/// The condition, none for an empty filter, and the order.
///
/// # Errors
/// [`crate::ErrorKind::InvalidQuery`]: not a filter or sort, or a field that may not be used.
pub(crate) fn resolve_flat(query: FlatQuery<'_>, now: Timestamp) -> Result<(Option<Predicate>, Vec<SortTerm>)> {
    if query.filter.len() > MAX_CLIENT_FILTER {
        return Err(invalid("max filter length limit reached"));
    }
    let mut columns = Columns { query, now, rows: 0 };
    let filter = if query.filter.is_empty() {
        None
    } else {
        Some(condition(&syntax::parse(query.filter)?, &mut columns)?)
    };
    let order = sort::order(query.sort, &mut columns)?;
    Ok((filter, order))
}

struct Columns<'a> {
    query: FlatQuery<'a>,
    now: Timestamp,
    rows: u32,
}

impl Names for Columns<'_> {
    fn name(&mut self, name: &str) -> Result<Operand> {
        let unresolved = || invalid(format!("failed to resolve field {name:?}"));
        let mut keys = name.split('.');
        let column = keys.next().filter(|column| self.query.columns.contains(column));
        let column = column.ok_or_else(unresolved)?;
        if !name.contains('.') {
            return Ok(Operand::new(Expression::Column(Row::BASE.column(column))));
        }
        if !self.query.json.contains(&column) {
            return Err(unresolved());
        }
        let path: Option<Vec<JsonStep>> = keys.map(JsonStep::parse).collect();
        let value = Expression::Json {
            column: Row::BASE.column(column),
            path: path.ok_or_else(unresolved)?,
            lenient: false,
        };
        Ok(Operand {
            fallback: NullFallback::Disabled,
            ..Operand::new(value)
        })
    }

    fn row(&mut self) -> Row {
        self.rows += 1;
        Row(self.rows)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
