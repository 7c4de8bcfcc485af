//! Asking for records by rules and filters.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};

use crate::at_once::{self, Missed};
use crate::error::{Error, ErrorKind, Result};
use crate::language::predicate::{self, Predicate};
use crate::language::query::ListQuery;
use crate::language::{self, Base, MAX_CLIENT_FILTER, Needs, Scope};
use crate::model::collection::Collection;
use crate::model::context::RequestContext;
use crate::model::field::FieldKind;
use crate::model::page::Page;
use crate::model::record::Record;
use crate::sqlite::render::{self, Sql};
use crate::sqlite::row::RecordRow;
use crate::sqlite::sql::{Attempting, TooMuch, quote};
use crate::sqlite::tables::{columns, records};
use crate::sqlite::transaction::ReadTx;

/// So many records are counted in well under a millisecond.
const FEW: i64 = 100_000;
/// The name of a record that is given and not read from its table; no collection can be called so.
const GIVEN: &str = "given record";

impl ReadTx<'_> {
    /// The records that pass the rule and the filter, in the order asked for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`] if the rule, filter or order can't be compiled or may not be used by this client;
    /// [`ErrorKind::TimedOut`] if it took longer than a read may.
    pub fn list_records(&self, collection: &Arc<Collection>, query: &ListQuery) -> Result<Page<Record>> {
        let listing = self.page_listing(collection, query)?;
        let mut items = Vec::new();
        let mut left = query.most_bytes.unwrap_or(usize::MAX);
        ask_each(self.connection(), &listing.select, |row| {
            records::meter(self.meter(), row)?;
            items.push(records::decode(collection, row, 0)?);
            left = left.saturating_sub(records::size(row)?);
            Ok(left > 0)
        })?;
        let total = self.total(collection, query, listing)?;
        Ok(query.page.with(items, total))
    }

    /// As [`ReadTx::list_records`]; each record is handed to `each` as it is read, and none is on the page.
    /// `false` of it ends the reading.
    ///
    /// # Errors
    /// As [`ReadTx::list_records`]; [`ErrorKind::TooLarge`] where `each` ended it.
    pub fn each_record(
        &self,
        collection: &Arc<Collection>,
        query: &ListQuery,
        mut each: impl FnMut(&RecordRow<'_>) -> bool,
    ) -> Result<Page<()>> {
        let listing = self.page_listing(collection, query)?;
        ask_each(self.connection(), &listing.select, |row| {
            records::meter(self.meter(), row)?;
            going_on(each(&RecordRow::new(collection, row)))?;
            Ok(true)
        })?;
        let total = self.total(collection, query, listing)?;
        Ok(query.page.with(Vec::new(), total))
    }

    /// Hands every record that passes the rule and the filter to `each`, in the order asked for. The page that the
    /// query names does not count. `false` of `each` ends the reading. Nothing but the record at hand is held.
    ///
    /// # Errors
    /// As [`ReadTx::list_records`].
    pub fn all_records(
        &self,
        collection: &Arc<Collection>,
        query: &ListQuery,
        mut each: impl FnMut(Record) -> bool,
    ) -> Result<()> {
        let listing = self.listing(collection, query, u64::MAX, 0)?;
        ask_each(self.connection(), &listing.select, |row| {
            Ok(each(records::decode(collection, row, 0)?))
        })
    }

    /// Hands the record with this id to `show` if it is there and passes the rule (`None` and an empty one pass every
    /// record), and says whether it did.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`] if the rule can't be compiled: deny. [`ErrorKind::TooLarge`] where `show` is
    /// `false`.
    pub fn show_record(
        &self,
        collection: &Arc<Collection>,
        id: &str,
        rule: Option<&str>,
        context: &RequestContext,
        mut show: impl FnMut(&RecordRow<'_>) -> bool,
    ) -> Result<bool> {
        let mut scope = self.scope(Base::table(collection), context);
        let mut conditions = vec![has_id(id)];
        if let Some(rule) = rule.filter(|rule| !rule.is_empty()) {
            conditions.extend(self.rule_condition(&mut scope, rule)?);
        }
        let select = Sql::new(format!("SELECT {}", records::select_list(collection, "_r")))
            .with(from(&collection.name, &scope.finish()?, conditions))
            .then(" LIMIT 1");
        let mut found = false;
        ask_each(self.connection(), &select, |row| {
            found = true;
            records::meter(self.meter(), row)?;
            going_on(show(&RecordRow::new(collection, row)))?;
            Ok(true)
        })?;
        Ok(found)
    }

    /// What it takes to read a page, and to count the records that pass.
    fn page_listing(&self, collection: &Collection, query: &ListQuery) -> Result<Listing> {
        self.listing(collection, query, query.page.size(), query.page.skipped())
    }

    /// What it takes to read `most` records behind the first `skipped` ones, and to count those that pass.
    fn listing(&self, collection: &Collection, query: &ListQuery, most: u64, skipped: u64) -> Result<Listing> {
        let mut scope = self.scope(Base::table(collection), &query.context);
        let mut conditions = Vec::new();
        if let Some(rule) = query.rule.as_deref().filter(|rule| !rule.is_empty()) {
            conditions.extend(self.rule_condition(&mut scope, rule)?);
        }
        conditions.extend(rendered(&filter_conditions(&mut scope, query)?));
        let order = language::order(&query.sort, &mut scope)?;
        let needs = scope.finish()?;
        // A view's rows can be alike, and then count as one like those that joins repeat.
        let distinct = needs.repeats || (collection.is_view() && !needs.joins.is_empty());
        let asks_nothing = conditions.is_empty() && needs.conditions.is_empty() && needs.joins.is_empty();
        let counts_all = asks_nothing && !collection.is_view();
        let from = from(&collection.name, &needs, conditions);
        let mut select = Sql::new(format!(
            "SELECT {}{}",
            if distinct { "DISTINCT " } else { "" },
            records::select_list(collection, "_r")
        ))
        .with(from.clone());
        if let Some(order) = render::order(&order) {
            select = select.then(" ORDER BY ").with(order);
        }
        // Bound, so that the pages of one list are one statement.
        let number = |number: u64| Sql::value(Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
        let select = select
            .then(" LIMIT ")
            .with(number(most))
            .then(" OFFSET ")
            .with(number(skipped));
        Ok(Listing {
            select,
            from,
            distinct,
            counts_all,
        })
    }

    /// How many records pass in all; `None` where that was not asked for.
    fn total(&self, collection: &Collection, query: &ListQuery, listing: Listing) -> Result<Option<u64>> {
        if query.page.skip_total {
            return Ok(None);
        }
        if listing.counts_all {
            if let Some(total) = self.known_total(&collection.name) {
                return Ok(Some(total));
            }
            if at_once::is_wanted() && self.may_be_many(collection) {
                at_once::miss(Missed::TooMuch);
                return Err(Error::new(ErrorKind::TimedOut, "counting records", "it has to wait"));
            }
        }
        let count = match (listing.distinct, collection.is_view()) {
            (false, false) => "COUNT(*)",
            (true, false) => "COUNT(DISTINCT _r._rowid_)",
            (_, true) => "COUNT(DISTINCT _r.id)",
        };
        let count = Sql::new(format!("SELECT {count}")).with(listing.from);
        let count = || {
            let total = ask(self.connection(), &count, |row| row.get::<_, i64>(0))?;
            Ok(total.first().copied().unwrap_or(0).unsigned_abs())
        };
        match listing.counts_all {
            true => self.counted_total(&collection.name, count),
            false => count(),
        }
        .map(Some)
    }

    /// Whether a table may have more records than are counted in no time: one instruction of SQLite's counts them all,
    /// and nothing looks at the clock meanwhile.
    fn may_be_many(&self, collection: &Collection) -> bool {
        let last = Sql::new(format!("SELECT MAX(_rowid_) FROM {}", quote(&collection.name)));
        let last = ask(self.connection(), &last, |row| row.get::<_, Option<i64>>(0));
        // Of a table without row numbers nothing is known.
        last.map_or(true, |last| last.into_iter().flatten().any(|last| last > FEW))
    }

    /// The condition that a rule comes to; `None` where it passes every record. One that looks at the request alone is
    /// answered here, once and not for every record.
    fn rule_condition(&self, scope: &mut Scope<'_>, rule: &str) -> Result<Option<Sql>> {
        let condition = scope.filter(rule)?;
        let rendered = render::predicate(&condition);
        if condition.looks_at_rows() || scope.has_joins() {
            return Ok(Some(rendered));
        }
        let passes = exists(self.connection(), Sql::new("SELECT 1 WHERE ").with(rendered.enclosed()))?;
        Ok((!passes).then(|| Sql::new("0")))
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
        let mut asked = conditions(&mut scope, query)?;
        asked.insert(0, has_id(id));
        let from = from(&collection.name, &scope.finish()?, asked);
        exists(self.connection(), Sql::new("SELECT 1").with(from))
    }

    /// Whether a record that is not stored yet passes the rule, judged by what it would hold. Nothing is written, so
    /// that no unique index can tell what others hold. As in PocketBase an auth record counts as not verified, and one
    /// without an id gets a made-up one. An empty rule passes every record.
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

    /// Whether the rule may pass some record, as far as the head of the request tells: `false` is final, `true` is not.
    ///
    /// # Errors
    /// As [`ReadTx::candidate_matches`].
    pub fn may_pass(&self, collection: &Arc<Collection>, rule: &str, context: &RequestContext) -> Result<bool> {
        // A rule that can't be compiled as a whole denies, even where a part of it would admit.
        self.validate_rule(collection, rule)?;
        let mut scope = self.scope(Base::unstored(collection, GIVEN), context);
        let conditions = rendered(&[scope.beforehand(rule)?]);
        let needs = scope.finish()?;
        let with = Sql::new(format!("WITH {} AS (SELECT '' AS `id`) SELECT 1", quote(GIVEN)));
        exists(self.connection(), with.with(from(GIVEN, &needs, conditions)))
    }

    /// Whether a record, in the state given instead of the one stored, is one of those that `query` asks for: for
    /// telling of records that have changed again or are gone. Its order and page don't matter.
    ///
    /// # Errors
    /// As [`ReadTx::list_records`].
    pub fn state_matches(&self, state: &Record, query: &ListQuery) -> Result<bool> {
        self.given_matches(state, Base::given(&state.collection, GIVEN), query)
    }

    fn given_matches(&self, record: &Record, base: Base<'_>, query: &ListQuery) -> Result<bool> {
        let stored = base.stored;
        let values = record.collection.fields.iter().map(|field| {
            let value = match columns::encode(field, record.values.get(&field.name)) {
                // As in PocketBase a number is a fraction until a column stores it: the text of 1 is 1.0.
                Value::Integer(whole) if !stored && matches!(field.kind, FieldKind::Number { .. }) => {
                    Value::Real(whole as f64)
                }
                value => value,
            };
            Sql::value(value).then(&format!(" AS {}", quote(&field.name)))
        });
        let with = Sql::new(format!("WITH {} AS (SELECT ", quote(GIVEN)))
            .with(Sql::joined(values, ", "))
            .then(") SELECT 1");
        let mut scope = self.scope(base, &query.context);
        let conditions = conditions(&mut scope, query)?;
        let needs = scope.finish()?;
        exists(self.connection(), with.with(from(GIVEN, &needs, conditions)))
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

/// What a page is read and counted with.
struct Listing {
    select: Sql,
    from: Sql,
    distinct: bool,
    /// Whether every record of a table counts.
    counts_all: bool,
}

/// The conditions of a query's rule, which may use everything, and of its filter.
fn conditions(scope: &mut Scope<'_>, query: &ListQuery) -> Result<Vec<Sql>> {
    let mut conditions = Vec::new();
    if let Some(rule) = query.rule.as_deref().filter(|rule| !rule.is_empty()) {
        conditions.push(scope.filter(rule)?);
    }
    conditions.extend(filter_conditions(scope, query)?);
    Ok(rendered(&conditions))
}

/// The conditions of a query's filters: the one of the program, which may use everything, and the client's.
fn filter_conditions(scope: &mut Scope<'_>, query: &ListQuery) -> Result<Vec<Predicate>> {
    let mut conditions = Vec::new();
    if let Some(filter) = &query.also {
        conditions.push(scope.made(filter)?);
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

/// That the row is the record with this id.
fn has_id(id: &str) -> Sql {
    let column = Sql::column(&predicate::Row::BASE.column("id"));
    column.then(" = ").with(Sql::text_value(id))
}

fn rendered(conditions: &[Predicate]) -> Vec<Sql> {
    conditions.iter().map(render::predicate).collect()
}

/// ` FROM … WHERE …`: the rows of `table` and those that the query brings in, under the conditions given and those it
/// needs.
fn from(table: &str, needs: &Needs, mut conditions: Vec<Sql>) -> Sql {
    conditions.extend(rendered(&needs.conditions));
    let from = Sql::new(format!(" FROM {} _r", quote(table))).with(render::joins(&needs.joins));
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
fn ask<T>(connection: &Connection, sql: &Sql, mut row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
    let mut found = Vec::new();
    ask_each(connection, sql, |one| {
        found.push(row(one)?);
        Ok(true)
    })?;
    Ok(found)
}

/// Runs a query made of somebody's filter, row by row, as long as `each` says so.
fn ask_each(
    connection: &Connection,
    sql: &Sql,
    mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
) -> Result<()> {
    let mut run = || {
        let mut statement = connection.prepare_cached(&sql.text)?;
        let mut rows = statement.query(params_from_iter(sql.values()))?;
        while let Some(row) = rows.next()? {
            if !each(row)? {
                break;
            }
        }
        Ok(())
    };
    match run() {
        // SQLite's plain "error" is the query's fault: too many joined tables, a JSON path it can't read.
        Err(rusqlite::Error::SqlInputError { msg, .. }) => {
            Err(Error::new(ErrorKind::InvalidQuery, "querying records", msg))
        }
        Err(rusqlite::Error::SqliteFailure(failure, message)) if failure.code == ErrorCode::Unknown => Err(Error::new(
            ErrorKind::InvalidQuery,
            "querying records",
            message.unwrap_or_else(|| failure.to_string()),
        )),
        outcome => outcome.attempting("querying records"),
    }
}

/// Ends a statement whose rows come to too much.
fn going_on(goes_on: bool) -> rusqlite::Result<()> {
    match goes_on {
        true => Ok(()),
        false => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(TooMuch))),
    }
}
