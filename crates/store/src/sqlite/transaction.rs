//! What a caller may do within one transaction.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};
use crate::model::collection::Collection;
use crate::model::field::Field;
use crate::model::page::Most;
use crate::model::record::Record;
use crate::model::requester::Meter;
use crate::model::schema::Schema;
use crate::sqlite::Watch;
use crate::sqlite::sql::{Attempting as _, TooMuch};
use crate::sqlite::tables::{collections, params, records, stand_ins, views};
use crate::sqlite::totals::Totals;

/// How long the query of a new view may run.
const VIEW_PATIENCE: Duration = Duration::from_secs(10);

/// How far the data had come when a transaction began. A write whose revision equals that of a view runs on the data of
/// that view; where they differ, somebody may have written in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision(u64);

/// One consistent view of the data.
pub struct ReadTx<'a> {
    connection: &'a Connection,
    schema: Arc<Schema>,
    revision: Revision,
    meter: Option<&'a dyn Meter>,
    totals: Option<Totals<'a>>,
}

impl<'a> ReadTx<'a> {
    pub(crate) fn new(connection: &'a Connection, schema: Arc<Schema>, revision: u64) -> Self {
        Self {
            connection,
            schema,
            revision: Revision(revision),
            meter: None,
            totals: None,
        }
    }

    /// The same transaction, which may use and keep numbers of records.
    pub(crate) fn knowing(self, totals: Totals<'a>) -> Self {
        Self {
            totals: Some(totals),
            ..self
        }
    }

    /// How many records `table` has, where that is known without counting them.
    pub(crate) fn known_total(&self, table: &str) -> Option<u64> {
        self.totals?.of(table)
    }

    /// Counts the records of `table`, and lets others know.
    pub(crate) fn counted_total(&self, table: &str, count: impl FnOnce() -> Result<u64>) -> Result<u64> {
        match &self.totals {
            Some(totals) => totals.counted(table, count),
            None => count(),
        }
    }

    /// The same transaction, what it reads counted.
    pub(crate) fn metered(self, meter: &'a dyn Meter) -> Self {
        Self {
            meter: Some(meter),
            ..self
        }
    }

    /// What counts the records that are read.
    pub(crate) fn meter(&self) -> Option<&dyn Meter> {
        self.meter
    }

    /// The connection, inside the transaction.
    pub(crate) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Counts `bytes` more than were read: what is held several times.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) where the meter ends it.
    pub fn count(&self, bytes: usize) -> Result<()> {
        if self.meter.is_none_or(|meter| meter.add(bytes)) {
            return Ok(());
        }
        let detail = TooMuch.to_string();
        Err(Error::new(ErrorKind::TooLarge, "reading records", detail))
    }

    /// How far the data had come when the transaction began.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The collections as this transaction sees them.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The collection with this id as it is stored: [`ReadTx::schema`] does not know what another process changed.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn stored_collection(&self, id: &str) -> Result<Option<Arc<Collection>>> {
        collections::find(self.connection, id)
    }

    /// The record of `collection` with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn record(&self, collection: &Arc<Collection>, id: &str) -> Result<Option<Record>> {
        records::find(self.connection, collection, id)
    }

    /// Whether there is a record with this id. What is in it is not read.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn has_record(&self, collection: &Collection, id: &str) -> Result<bool> {
        records::has(self.connection, collection, id)
    }

    /// The records with these ids, in no particular order; ids without a record are left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn records_by_ids(&self, collection: &Arc<Collection>, ids: &[String]) -> Result<Vec<Record>> {
        records::find_many(self.connection, collection, ids, self.meter)
    }

    /// The first record whose `field` is `value`, for logins. Without regard to case only where a unique index on that
    /// one column has the collation NOCASE and `case_insensitive` is asked for, as PocketBase does.
    ///
    /// # Errors
    /// When the collection has no such field or the database can't be read.
    pub fn find_record(
        &self,
        collection: &Arc<Collection>,
        field: &str,
        value: &str,
        case_insensitive: bool,
    ) -> Result<Option<Record>> {
        records::find_by(self.connection, collection, field, value, case_insensitive)
    }

    /// How many records the collection has.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn count_records(&self, collection: &Collection) -> Result<u64> {
        records::count(self.connection, collection)
    }

    /// How many records of the collection were made after `moment` (as it is stored, `2026-11-23 06:17:03.216Z`), and
    /// how many of the others were changed after it; nothing where no `autodate` field keeps these times. Reads the
    /// whole table.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn touched_since(&self, collection: &Collection, moment: &str) -> Result<(Option<u64>, Option<u64>)> {
        records::touched_since(self.connection, collection, moment)
    }

    /// The length of the database in bytes, with what is still in its write-ahead log.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn database_len(&self) -> Result<u64> {
        let pragma = |name: &str| {
            self.connection
                .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, u32>(0))
        };
        let measured = pragma("page_count").and_then(|pages| Ok(u64::from(pages) * u64::from(pragma("page_size")?)));
        measured.attempting("measuring the database")
    }

    /// The different beginnings, of `length` characters, of the texts in a column. Reads the whole table.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn prefixes(&self, collection: &Collection, field: &str, length: usize) -> Result<Vec<String>> {
        records::prefixes(self.connection, collection, field, length)
    }

    /// The first records of `collection`, no more than `most`, whose `relation_field` names `id`.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn records_referencing(
        &self,
        collection: &Arc<Collection>,
        relation_field: &Field,
        id: &str,
        most: impl Into<Most>,
    ) -> Result<Vec<Record>> {
        records::referencing(self.connection, collection, relation_field, id, most.into(), self.meter)
    }

    /// Whether a table refers to another, or to itself, so that its rows change where what they name does
    /// (`ON UPDATE CASCADE`, `SET NULL`, `SET DEFAULT`). No collection does by itself.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn has_following_references(&self) -> Result<bool> {
        records::has_following_references(self.connection)
    }

    /// The value kept under `key` in `_params`, as stored.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn param(&self, key: &str) -> Result<Option<String>> {
        params::get(self.connection, key)
    }
}

/// One request's part of a write transaction; all of it happens or none. What it reads includes what it wrote.
pub struct WriteTx<'a> {
    read: ReadTx<'a>,
    watch: &'a Watch,
}

impl<'a> Deref for WriteTx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &ReadTx<'a> {
        &self.read
    }
}

impl<'a> WriteTx<'a> {
    pub(crate) fn new(connection: &'a Connection, schema: Arc<Schema>, revision: u64, watch: &'a Watch) -> Self {
        Self {
            read: ReadTx::new(connection, schema, revision),
            watch,
        }
    }

    /// What this transaction sees, what is read of it counted by `meter`.
    #[must_use]
    pub fn view<'m>(&'m self, meter: &'m dyn Meter) -> ReadTx<'m> {
        let Revision(revision) = self.read.revision;
        ReadTx::new(self.read.connection, Arc::clone(&self.read.schema), revision).metered(meter)
    }

    /// The schema with this transaction's changes.
    pub(crate) fn into_schema(self) -> Arc<Schema> {
        self.read.schema
    }

    /// Stores a new record, every column of it; absent values are the zero values of their fields.
    ///
    /// # Errors
    /// [`ErrorKind::Unique`](crate::ErrorKind::Unique) with the columns when an index refuses it.
    pub fn insert_record(&mut self, record: &Record) -> Result<()> {
        records::insert(self.read.connection, record)
    }

    /// Makes every column of the record with the same id what `record` says. Columns that are so already are not
    /// written.
    ///
    /// # Errors
    /// [`ErrorKind::Unique`](crate::ErrorKind::Unique) with the columns when an index refuses it,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is no such record.
    pub fn update_record(&mut self, record: &Record) -> Result<()> {
        records::update(self.read.connection, record)
    }

    /// Deletes one record and says whether it was there. Records that refer to it are the caller's to look after.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn delete_record(&mut self, collection: &Collection, id: &str) -> Result<bool> {
        records::delete(self.read.connection, collection, id)
    }

    /// Lets the stored ones of `records` give up what unique indexes keep of them, for others that are to hold it. What
    /// they hold then may stand in for a moment alone: store each of `records` in the same transaction, or undo it.
    /// Returns those that could not give up all: their tables take nothing in its place.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn give_way<'r>(&mut self, records: impl IntoIterator<Item = &'r Record>) -> Result<Vec<&'r Record>> {
        stand_ins::give_way(self.read.connection, records)
    }

    /// Deletes every record of the collection.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSchema`](crate::ErrorKind::InvalidSchema) for a view; otherwise when the database can't be
    /// written.
    pub fn truncate(&mut self, collection: &Collection) -> Result<()> {
        records::truncate(self.read.connection, collection)
    }

    /// Keeps `value` under `key` in `_params`.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_param(&mut self, key: &str, value: &str) -> Result<()> {
        params::set(self.read.connection, key, value)
    }

    /// Looks at the collections again after one changed.
    fn reload(&mut self) -> Result<()> {
        self.read.schema = Arc::new(collections::load(self.read.connection)?);
        Ok(())
    }

    /// Makes a collection: its row, and its table with indexes or its view; stored as given, ids and times included.
    /// Views whose fields change by it are brought up to date.
    ///
    /// # Errors
    /// [`ErrorKind::Unique`](crate::ErrorKind::Unique) when the id or name is taken,
    /// [`ErrorKind::InvalidSchema`](crate::ErrorKind::InvalidSchema) when an index (then the
    /// [`Error::subject`](crate::Error::subject)) or the view's query is not accepted. The transaction must then be
    /// given up.
    pub fn create_collection(&mut self, collection: &Collection) -> Result<()> {
        collections::create(self.read.connection, collection)?;
        self.reload()
    }

    /// Replaces the definition `old` by `new` (of the same id and kind) and brings the table with its values, its
    /// indexes and all views along. Fields are told apart by their ids.
    ///
    /// # Errors
    /// As [`WriteTx::create_collection`]; also when a view needs a field that is gone, and
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is no such collection.
    pub fn update_collection(&mut self, old: &Collection, new: &Collection) -> Result<()> {
        collections::update(self.read.connection, old, new)?;
        self.reload()
    }

    /// Deletes a collection with all its records. Relations to it are the caller's to look after.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSchema`](crate::ErrorKind::InvalidSchema) when a view needs it,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is no such collection.
    pub fn delete_collection(&mut self, collection: &Collection) -> Result<()> {
        collections::delete(self.read.connection, collection)?;
        self.reload()
    }

    /// The fields that a view collection with this query has.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSchema`](crate::ErrorKind::InvalidSchema) when the query can't be run or has no `id`; the
    /// detail is PocketBase's message (after its "Invalid query - ", without the full stop).
    pub fn view_fields(&self, query: &str) -> Result<Vec<Field>> {
        views::fields(self.read.connection, &self.read.schema, query)
    }

    /// Checks that each record of a view collection with this query, which has fields, has an `id` of its own. Runs it
    /// once, for ten seconds at most.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) when it takes longer;
    /// [`ErrorKind::InvalidSchema`](crate::ErrorKind::InvalidSchema) as for [`WriteTx::view_fields`].
    pub fn check_view_ids(&self, query: &str) -> Result<()> {
        // Nobody can write while it runs.
        let before = self.watch.deadline();
        self.watch.limit(VIEW_PATIENCE);
        let checked = views::check_ids(self.read.connection, query);
        self.watch.put_back(before);
        checked
    }
}
