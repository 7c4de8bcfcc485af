//! Asking for collections by a filter over their own columns.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::params_from_iter;

use crate::error::{Error, ErrorKind, Result};
use crate::language::query::CollectionQuery;
use crate::language::{FlatQuery, resolve_flat};
use crate::model::collection::Collection;
use crate::model::page::Page;
use crate::sqlite::render;
use crate::sqlite::sql::Attempting;
use crate::sqlite::transaction::ReadTx;

/// What a filter or an order may ask about.
const COLUMNS: [&str; 6] = ["id", "created", "updated", "name", "system", "type"];

impl ReadTx<'_> {
    /// The collections that pass the filter, in the order asked for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`] if the filter or order can't be compiled.
    pub fn list_collections(&self, query: &CollectionQuery) -> Result<Page<Arc<Collection>>> {
        const ATTEMPTED: &str = "listing the collections";
        let flat = FlatQuery {
            filter: &query.filter,
            sort: &query.sort,
            columns: &COLUMNS,
            json: &[],
        };
        let (condition, order) = resolve_flat(flat, Timestamp::now())?;
        let order = render::order(&order).unwrap_or_else(|| render::Sql::new("_rowid_"));
        let sql = render::Sql::new("SELECT `id` FROM `_collections` _r WHERE ")
            .with(render::condition(condition.as_ref()))
            .then(" ORDER BY ")
            .with(order);
        let matching: Vec<String> = self
            .connection()
            .prepare(&sql.text)
            .and_then(|mut statement| {
                statement
                    .query_map(params_from_iter(sql.values()), |row| row.get(0))?
                    .collect()
            })
            .map_err(|error: rusqlite::Error| match error {
                rusqlite::Error::SqlInputError { msg, .. } => Error::new(ErrorKind::InvalidQuery, ATTEMPTED, msg),
                other => Err::<(), _>(other).attempting(ATTEMPTED).expect_err("it is an error"),
            })?;
        // There are tens of collections, seldom hundreds, all in memory already: paging in SQL would gain nothing.
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let items = matching
            .iter()
            .skip(count(query.page.skipped()))
            .take(count(query.page.size()))
            .filter_map(|id| self.schema().find(id).cloned())
            .collect();
        let total = (!query.page.skip_total).then_some(matching.len() as u64);
        Ok(query.page.with(items, total))
    }
}
