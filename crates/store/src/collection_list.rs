//! Asking for collections by a filter over their own columns.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::params_from_iter;

use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::filter::{FlatQuery, compile_flat};
use crate::sql::Attempting;
use crate::transaction::ReadTx;

/// Collections on a page unless the client asks otherwise.
const PER_PAGE: u64 = 30;
/// The most collections on a page.
const MAX_PER_PAGE: u64 = 1_000;
/// What a filter or an order may ask about.
const COLUMNS: [&str; 6] = ["id", "created", "updated", "name", "system", "type"];

/// Which collections are asked for.
#[derive(Debug, Clone, Default)]
pub struct CollectionQuery {
    /// The filter; empty for none. It may use `id`, `created`, `updated`, `name`, `system` and `type`.
    pub filter: String,
    /// The order, of the same columns; empty for that of creation.
    pub sort: String,
    /// The page, from 1 on; 0 means 1.
    pub page: u64,
    /// Collections on a page, at most 1,000; 0 means 30.
    pub per_page: u64,
    /// Leaves the totals out.
    pub skip_total: bool,
}

/// A page of collections.
#[derive(Debug, Clone)]
pub struct CollectionPage {
    /// The page, from 1 on.
    pub page: u64,
    /// Collections on a full page.
    pub per_page: u64,
    /// How many collections there are in all; -1 if that was not asked for.
    pub total_items: i64,
    /// How many pages there are; -1 if that was not asked for.
    pub total_pages: i64,
    /// The collections.
    pub items: Vec<Arc<Collection>>,
}

impl ReadTx<'_> {
    /// The collections that pass the filter, in the order asked for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`] if the filter or order can't be compiled.
    pub fn list_collections(&self, query: &CollectionQuery) -> Result<CollectionPage> {
        const ATTEMPTED: &str = "listing the collections";
        let flat = FlatQuery {
            filter: &query.filter,
            sort: &query.sort,
            columns: &COLUMNS,
            json: &[],
        };
        let (condition, order) = compile_flat(flat, Timestamp::now())?;
        let mut sql = format!("SELECT `id` FROM `_collections` WHERE {}", condition.text);
        let mut values: Vec<_> = condition.values().cloned().collect();
        match order {
            Some(order) => {
                sql.push_str(&format!(" ORDER BY {}", order.text));
                values.extend(order.values().cloned());
            }
            None => sql.push_str(" ORDER BY _rowid_"),
        }
        let matching: Vec<String> = self
            .connection()
            .prepare(&sql)
            .and_then(|mut statement| {
                statement
                    .query_map(params_from_iter(&values), |row| row.get(0))?
                    .collect()
            })
            .map_err(|error: rusqlite::Error| match error {
                rusqlite::Error::SqlInputError { msg, .. } => Error::new(ErrorKind::InvalidQuery, ATTEMPTED, msg),
                other => Err::<(), _>(other).attempting(ATTEMPTED).expect_err("it is an error"),
            })?;
        // There are tens of collections, seldom hundreds, all in memory already: paging in SQL would gain nothing.
        let page = query.page.max(1);
        let per_page = match query.per_page {
            0 => PER_PAGE,
            asked => asked.min(MAX_PER_PAGE),
        };
        let skipped = usize::try_from(per_page.saturating_mul(page - 1)).unwrap_or(usize::MAX);
        let taken = usize::try_from(per_page).unwrap_or(usize::MAX);
        let items = matching
            .iter()
            .skip(skipped)
            .take(taken)
            .filter_map(|id| self.schema().find(id).cloned())
            .collect();
        let total = u64::try_from(matching.len()).unwrap_or(u64::MAX);
        let shown = |total: u64| i64::try_from(total).unwrap_or(i64::MAX);
        let (total_items, total_pages) = if query.skip_total {
            (-1, -1)
        } else {
            (shown(total), shown(total.div_ceil(per_page)))
        };
        Ok(CollectionPage {
            page,
            per_page,
            total_items,
            total_pages,
            items,
        })
    }
}
