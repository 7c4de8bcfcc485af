//! `_logs` in `auxiliary.db`: what the server did, kept for some days.

use std::path::Path;
use std::sync::{Arc, RwLock};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use serde_json::{Map, Value};

use crate::engine::{Gate, Lane, PATIENCE, Readers, Writer};
use crate::error::Result;
use crate::filter::{FlatQuery, Sql, compile_flat};
use crate::schema::Schema;
use crate::sql::Attempting;
use crate::store::optimize;

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Its id, 15 characters.
    pub id: String,
    /// When, as stored: `2026-11-23 06:17:03.216Z`.
    pub created: String,
    /// How grave: -4 debug, 0 info, 4 warning, 8 error.
    pub level: i64,
    /// What happened.
    pub message: String,
    /// The circumstances.
    pub data: Map<String, Value>,
}

/// Which lines to list.
#[derive(Debug, Clone, Default)]
pub struct ListLogs {
    /// The page, from 1 on; 0 means 1.
    pub page: u64,
    /// Lines on a page, at most 1,000; 0 means 30.
    pub per_page: u64,
    /// A filter over `id`, `created`, `level`, `message` and `data.*`; empty for all.
    pub filter: String,
    /// A sort over the same; empty for the order of writing.
    pub sort: String,
    /// Whether to spare the counting.
    pub skip_total: bool,
}

/// A page of lines.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPage {
    /// The page, from 1 on.
    pub page: u64,
    /// Lines on a full page.
    pub per_page: u64,
    /// How many lines there are; -1 when not counted.
    pub total_items: i64,
    /// How many pages that makes; -1 when not counted.
    pub total_pages: i64,
    /// The lines.
    pub items: Vec<LogEntry>,
}

/// How many lines one hour has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStat {
    /// The hour's begin, as stored: `2026-11-23 06:00:00.000Z`.
    pub date: String,
    /// The lines in it.
    pub total: i64,
}

/// Lines on a page unless asked otherwise, and at most.
const PER_PAGE: u64 = 30;
const MAX_PER_PAGE: u64 = 1000;

const COLUMNS: &str = "`id`, `created`, `level`, `message`, `data`";

/// The log: a database of its own with its own writer, so that logging never waits for the application nor it for logging.
pub struct Logs {
    writer: Writer,
    readers: Readers,
}

impl Logs {
    pub(crate) fn new(path: &Path, connection: Connection) -> Result<Self> {
        let no_collections = Arc::new(RwLock::new(Arc::new(Schema::default())));
        Ok(Self {
            writer: Writer::start("auxiliary", connection, no_collections)?,
            readers: Readers::new(path, 2),
        })
    }

    /// Held while a commit happens.
    pub(crate) fn gate(&self) -> &Gate {
        self.writer.gate()
    }

    pub(crate) fn close(&self) -> Result<()> {
        self.readers.close();
        self.writer.close()
    }

    /// See [`crate::Store::optimize`].
    pub(crate) fn optimize(&self) -> Result<()> {
        self.writer.run(optimize)
    }

    /// Writes the lines, all or none, durably.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn insert_many(&self, entries: Vec<LogEntry>) -> Result<()> {
        self.writer.run(move |session| {
            let mut statement = session
                .connection()
                .prepare_cached(&format!("INSERT INTO `_logs` ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)"))
                .attempting("writing to the log")?;
            for entry in entries {
                let data = Value::Object(entry.data).to_string();
                statement
                    .execute((entry.id, entry.created, entry.level, entry.message, data))
                    .attempting("writing to the log")?;
            }
            Ok(())
        })
    }

    /// The line with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn get(&self, id: &str) -> Result<Option<LogEntry>> {
        self.readers
            .take(PATIENCE, Lane::Short)?
            .prepare_cached(&format!("SELECT {COLUMNS} FROM `_logs` WHERE `id` = ?1"))
            .and_then(|mut statement| statement.query_row([id], decode).optional())
            .attempting("reading a line of the log")
    }

    /// The lines that pass the filter, in the order asked for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`](crate::ErrorKind::InvalidQuery) when the filter or order is not understood.
    pub fn list(&self, query: &ListLogs) -> Result<LogPage> {
        const ATTEMPTED: &str = "listing the log";
        let (condition, order) = compile(&query.filter, &query.sort)?;
        let page = query.page.max(1);
        let per_page = match query.per_page {
            0 => PER_PAGE,
            asked => asked.min(MAX_PER_PAGE),
        };
        let offset = i64::try_from((page - 1).saturating_mul(per_page)).unwrap_or(i64::MAX);
        let connection = self.readers.take(PATIENCE, Lane::Short)?;
        let (mut total_items, mut total_pages) = (-1_i64, -1_i64);
        if !query.skip_total {
            total_items = connection
                .prepare(&format!("SELECT COUNT(*) FROM `_logs` WHERE {}", condition.text))
                .and_then(|mut statement| statement.query_row(params_from_iter(condition.values()), |row| row.get(0)))
                .attempting(ATTEMPTED)?;
            total_pages = total_items.unsigned_abs().div_ceil(per_page).cast_signed();
        }
        let order_by = order
            .as_ref()
            .map(|order| format!(" ORDER BY {}", order.text))
            .unwrap_or_default();
        let sql = format!(
            "SELECT {COLUMNS} FROM `_logs` WHERE {}{order_by} LIMIT {per_page} OFFSET {offset}",
            condition.text
        );
        let values = condition.values().chain(order.iter().flat_map(Sql::values));
        let items = connection
            .prepare(&sql)
            .and_then(|mut statement| statement.query_map(params_from_iter(values), decode)?.collect())
            .attempting(ATTEMPTED)?;
        Ok(LogPage {
            page,
            per_page,
            total_items,
            total_pages,
            items,
        })
    }

    /// How many lines that pass the filter each hour has; hours without any are left out.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`](crate::ErrorKind::InvalidQuery) when the filter is not understood.
    pub fn stats(&self, filter: &str) -> Result<Vec<LogStat>> {
        let (condition, _) = compile(filter, "")?;
        let sql = format!(
            "SELECT strftime('%Y-%m-%d %H:00:00', `created`) AS hour, COUNT(*) FROM `_logs` WHERE {} GROUP BY hour",
            condition.text
        );
        self.readers
            .take(PATIENCE, Lane::Short)?
            .prepare(&sql)
            .and_then(|mut statement| {
                statement
                    .query_map(params_from_iter(condition.values()), |row| {
                        Ok(LogStat {
                            date: format!("{}.000Z", row.get::<_, String>(0)?),
                            total: row.get(1)?,
                        })
                    })?
                    .collect()
            })
            .attempting("counting the lines of the log")
    }

    /// Deletes the lines from before `moment` (a stored date) and says how many.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn delete_before(&self, moment: &str) -> Result<u64> {
        let moment = moment.to_owned();
        self.writer.run(move |session| {
            session
                .connection()
                .execute("DELETE FROM `_logs` WHERE `created` <= ?1", [moment])
                .attempting("deleting old lines of the log")
                .map(|deleted| deleted as u64)
        })
    }
}

fn compile(filter: &str, sort: &str) -> Result<(Sql, Option<Sql>)> {
    let query = FlatQuery {
        filter,
        sort,
        columns: &["id", "created", "level", "message", "data"],
        json: &["data"],
    };
    compile_flat(query, Timestamp::now())
}

fn decode(row: &Row<'_>) -> rusqlite::Result<LogEntry> {
    let data: String = row.get(4)?;
    Ok(LogEntry {
        id: row.get(0)?,
        created: row.get(1)?,
        level: row.get(2)?,
        message: row.get(3)?,
        data: serde_json::from_str(&data).unwrap_or_default(),
    })
}
