//! Asking for records by rules and filters.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::Value as Bound;
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};

use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::filter::{self, Base, MAX_CLIENT_FILTER, Scope, Sql};
use crate::record::Record;
use crate::request::RequestContext;
use crate::sql::{Attempting, quote};
use crate::tables::{columns, records};
use crate::transaction::ReadTx;

/// Records on a page unless the client asks otherwise.
const PER_PAGE: u64 = 30;
/// The most records on a page.
const MAX_PER_PAGE: u64 = 1000;
/// The name of a record that is given and not read from its table; no collection can be called so.
const GIVEN: &str = "given record";

/// Which records of a collection are asked for.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// The client's filter; empty for none. At most 3,500 bytes and 200 comparisons.
    pub filter: String,
    /// The rule that every record must pass; `None` (or an empty one) lets all pass.
    pub rule: Option<String>,
    /// The client's order, such as `-created,title`; empty for none. At most eight fields.
    pub sort: String,
    /// The page, from 1 on; 0 means 1.
    pub page: u64,
    /// Records on a page, at most 1,000; 0 means 30.
    pub per_page: u64,
    /// Leaves the totals out.
    pub skip_total: bool,
    /// The request that rules and filters may ask about.
    pub context: RequestContext,
    /// Whether the client's filter and order may use hidden fields, hidden addresses and collections without a list rule:
    /// for superusers only.
    pub allow_hidden: bool,
}

/// A page of records.
#[derive(Debug, Clone)]
pub struct RecordPage {
    /// The page, from 1 on.
    pub page: u64,
    /// Records on a full page.
    pub per_page: u64,
    /// How many records there are in all; -1 if that was not asked for.
    pub total_items: i64,
    /// How many pages there are; -1 if that was not asked for.
    pub total_pages: i64,
    /// The records.
    pub items: Vec<Record>,
}

impl ReadTx<'_> {
    /// The records that pass the rule and the filter, in the order asked for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`] if the rule, filter or order can't be compiled or may not be used by this client;
    /// [`ErrorKind::TimedOut`] if it took longer than a read may.
    pub fn list_records(&self, collection: &Arc<Collection>, query: &ListQuery) -> Result<RecordPage> {
        let mut scope = self.scope(Base::table(collection), &query.context);
        let mut conditions = conditions(&mut scope, query)?;
        let rowid = Sql::column("_r", "_rowid_");
        let order = filter::order(&query.sort, &rowid, &mut scope)?;
        let joined = scope.finish()?;
        conditions.extend(joined.conditions);

        let page = query.page.max(1);
        let per_page = if query.per_page == 0 {
            PER_PAGE
        } else {
            query.per_page.min(MAX_PER_PAGE)
        };
        // A view's rows can be alike, and then count as one like those that joins repeat.
        let distinct = joined.repeats || (collection.is_view() && !joined.joins.text.is_empty());
        let from = from(&quote(&collection.name), joined.joins, conditions);

        let mut select = Sql::new(format!(
            "SELECT {}{}",
            if distinct { "DISTINCT " } else { "" },
            records::select_list(collection, "_r")
        ))
        .with(from.clone());
        if let Some(order) = order {
            select = select.then(" ORDER BY ").with(order);
        }
        let offset = per_page.saturating_mul(page - 1);
        let select = select.then(&format!(
            " LIMIT {per_page} OFFSET {}",
            i64::try_from(offset).unwrap_or(i64::MAX)
        ));
        let items = ask(self.connection(), &select, |row| records::decode(collection, row, 0))?;

        let (mut total_items, mut total_pages) = (-1, -1);
        if !query.skip_total {
            let count = match (distinct, collection.is_view()) {
                (false, false) => "COUNT(*)",
                (true, false) => "COUNT(DISTINCT _r._rowid_)",
                (_, true) => "COUNT(DISTINCT _r.id)",
            };
            let count = Sql::new(format!("SELECT {count}")).with(from);
            total_items = ask(self.connection(), &count, |row| row.get(0))?
                .first()
                .copied()
                .unwrap_or(0);
            let per_page = i64::try_from(per_page).unwrap_or(i64::MAX);
            total_pages = total_items / per_page + i64::from(total_items % per_page > 0);
        }
        Ok(RecordPage {
            page,
            per_page,
            total_items,
            total_pages,
            items,
        })
    }

    /// Whether the stored record passes the rule. An empty rule passes every record there is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`] if the rule can't be compiled: deny.
    pub fn record_matches(
        &self,
        collection: &Arc<Collection>,
        id: &str,
        rule: &str,
        context: &RequestContext,
    ) -> Result<bool> {
        let query = ListQuery {
            rule: Some(rule.to_owned()),
            context: context.clone(),
            ..ListQuery::default()
        };
        self.record_matches_query(collection, id, &query)
    }

    /// Whether the stored record is one of those that `query` asks for; its order and page don't matter.
    ///
    /// # Errors
    /// As [`ReadTx::list_records`].
    pub fn record_matches_query(&self, collection: &Arc<Collection>, id: &str, query: &ListQuery) -> Result<bool> {
        let mut scope = self.scope(Base::table(collection), &query.context);
        let mut conditions = conditions(&mut scope, query)?;
        let joined = scope.finish()?;
        conditions.extend(joined.conditions);
        let this = Sql::column("_r", "id")
            .then(" = ")
            .with(Sql::detail(Bound::Text(id.to_owned())));
        conditions.insert(0, this);
        let from = from(&quote(&collection.name), joined.joins, conditions);
        exists(self.connection(), Sql::new("SELECT 1").with(from))
    }

    /// Whether a record that is not stored yet passes the rule, judged by what it would hold. Nothing is written, so that no
    /// unique index can tell what others hold. As in PocketBase an auth record counts as not verified, and one without an id
    /// gets a made-up one. An empty rule passes every record.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`] if the rule can't be compiled: deny.
    pub fn candidate_matches(&self, candidate: &Record, rule: &str, context: &RequestContext) -> Result<bool> {
        let mut candidate = candidate.clone();
        if candidate.id().is_empty() {
            candidate.values.insert("id".into(), "__temp_id__".into());
        }
        if candidate.collection.is_auth() {
            candidate.values.insert("verified".into(), false.into());
        }
        let query = ListQuery {
            rule: Some(rule.to_owned()),
            context: context.clone(),
            ..ListQuery::default()
        };
        self.given_matches(&candidate, Base::unstored(&candidate.collection, GIVEN), &query)
    }

    /// Whether a record, in the state given instead of the one stored, is one of those that `query` asks for: for telling of
    /// records that have changed again or are gone. Its order and page don't matter.
    ///
    /// # Errors
    /// As [`ReadTx::list_records`].
    pub fn state_matches(&self, state: &Record, query: &ListQuery) -> Result<bool> {
        self.given_matches(state, Base::given(&state.collection, GIVEN), query)
    }

    fn given_matches(&self, record: &Record, base: Base<'_>, query: &ListQuery) -> Result<bool> {
        let values = record.collection.fields.iter().map(|field| {
            let value = columns::encode(field, record.values.get(&field.name));
            Sql::detail(value).then(&format!(" AS {}", quote(&field.name)))
        });
        let with = Sql::new(format!("WITH {} AS (SELECT ", quote(GIVEN)))
            .with(Sql::joined(values, ", "))
            .then(") SELECT 1");
        let mut scope = self.scope(base, &query.context);
        let mut conditions = conditions(&mut scope, query)?;
        let joined = scope.finish()?;
        conditions.extend(joined.conditions);
        exists(
            self.connection(),
            with.with(from(&quote(GIVEN), joined.joins, conditions)),
        )
    }

    /// Whether `rule` can be compiled for `collection`, whose definition need not be stored.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`] with the reason as detail.
    pub fn validate_rule(&self, collection: &Collection, rule: &str) -> Result<()> {
        let context = RequestContext::default();
        let mut scope = self.scope(Base::table(collection), &context);
        scope.filter(rule)?;
        scope.finish().map(drop)
    }

    fn scope<'a>(&'a self, base: Base<'a>, request: &'a RequestContext) -> Scope<'a> {
        Scope::new(self.schema(), base, request, Timestamp::now())
    }
}

/// The conditions of a query's rule, which may use everything, and of its filter.
fn conditions(scope: &mut Scope<'_>, query: &ListQuery) -> Result<Vec<Sql>> {
    let mut conditions = Vec::new();
    if let Some(rule) = query.rule.as_deref().filter(|rule| !rule.is_empty()) {
        conditions.push(scope.filter(rule)?);
    }
    scope.allow_hidden(query.allow_hidden);
    if query.filter.len() > MAX_CLIENT_FILTER {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            "compiling a filter",
            "max filter length limit reached",
        ));
    }
    if !query.filter.is_empty() {
        conditions.push(scope.filter(&query.filter)?);
    }
    Ok(conditions)
}

/// ` FROM … WHERE …`.
fn from(source: &str, joins: Sql, conditions: Vec<Sql>) -> Sql {
    let from = Sql::new(format!(" FROM {source} _r")).with(joins);
    if conditions.is_empty() {
        return from;
    }
    from.then(" WHERE ")
        .with(Sql::joined(conditions.into_iter().map(Sql::enclosed), " AND "))
}

fn exists(connection: &Connection, select: Sql) -> Result<bool> {
    let found = ask(connection, &select.then(" LIMIT 1"), |_| Ok(()))?;
    Ok(!found.is_empty())
}

/// Runs a query made of somebody's filter.
fn ask<T>(connection: &Connection, sql: &Sql, row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
    let rows = connection
        .prepare_cached(&sql.text)
        .and_then(|mut statement| statement.query_map(params_from_iter(sql.values()), row)?.collect());
    match rows {
        // SQLite's plain "error" is the query's fault: too many joined tables, a JSON path it can't read.
        Err(rusqlite::Error::SqlInputError { msg, .. }) => {
            Err(Error::new(ErrorKind::InvalidQuery, "querying records", msg))
        }
        Err(rusqlite::Error::SqliteFailure(failure, message)) if failure.code == ErrorCode::Unknown => Err(Error::new(
            ErrorKind::InvalidQuery,
            "querying records",
            message.unwrap_or_else(|| failure.to_string()),
        )),
        rows => rows.attempting("querying records"),
    }
}
