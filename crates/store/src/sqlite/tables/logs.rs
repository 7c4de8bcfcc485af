//! `_logs` in `auxiliary.db`: what the server did, kept for some days.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::error::Result;
use crate::language::{FlatQuery, resolve_flat};
use crate::model::log::{ListLogs, LogEntry, LogLine, LogStat};
use crate::model::page::Page;
use crate::sqlite::render::{self, Sql};
use crate::sqlite::sql::{Attempting, one_row};
use crate::sqlite::store::{LONG_WRITE, optimize};
use crate::sqlite::wal::Wal;
use crate::sqlite::{Gate, Lane, Published, Readers, Writer};

/// About how many bytes a frame of the write-ahead log takes.
const FRAME: u64 = 4096 + 24;

const COLUMNS: &str = "`id`, `created`, `level`, `message`, `data`";

/// The log: a database of its own with its own writer, so that logging never waits for the application nor it for
/// logging.
pub struct Logs {
    path: PathBuf,
    writer: Writer,
    readers: Readers,
    /// How long a read may compute.
    patience: Duration,
}

/// Lines that are deleted in one transaction, so that the write-ahead log stays short.
const CHUNK: u32 = 500;
/// What the connection that writes caches, in KiB: lines are written one after the other.
const CACHE_KIB: u32 = 2_000;
/// The write-ahead log of the log is cut to so many bytes once it was folded in.
const WAL_KEPT: u32 = 2 << 20;

impl Logs {
    pub(crate) fn new(path: &Path, connection: Connection, patience: Duration) -> Result<Self> {
        connection
            .execute_batch(&format!(
                "PRAGMA journal_size_limit={WAL_KEPT}; PRAGMA cache_size=-{CACHE_KIB}"
            ))
            .attempting("opening the log")?;
        let no_collections = Published::default();
        Ok(Self {
            writer: Writer::start("auxiliary", connection, no_collections)?,
            readers: Readers::new(path, 2),
            patience,
            path: path.to_owned(),
        })
    }

    /// The write-ahead log of the database.
    pub(crate) fn wal(&self) -> &Arc<Wal> {
        self.writer.wal()
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
        self.insert_lines(entries.into_iter().map(LogLine::from).collect())
    }

    /// As [`Logs::insert_many`].
    ///
    /// # Errors
    /// As [`Logs::insert_many`].
    pub fn insert_lines(&self, lines: Vec<LogLine>) -> Result<()> {
        self.writer.run(move |session| {
            let mut statement = session
                .connection()
                .prepare_cached(&format!(
                    "INSERT OR ABORT INTO `_logs` ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)"
                ))
                .attempting("writing to the log")?;
            for line in &lines {
                statement
                    .execute((&line.id, &line.created, line.level, &line.message, &line.data))
                    .attempting("writing to the log")
                    .and_then(|stored| one_row(stored, "writing to the log"))?;
            }
            Ok(())
        })
    }

    /// How many bytes the log takes on disk, what SQLite keeps beside it included.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        ["", "-wal", "-shm"].iter().map(|suffix| self.file_bytes(suffix)).sum()
    }

    /// How many of them are not folded in yet.
    #[must_use]
    pub fn unfolded_bytes(&self) -> u64 {
        u64::from(self.writer.wal().unmoved()) * FRAME
    }

    /// Folds in what can be folded in now, although nothing is written. A reader may have kept the last commit from it.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn fold_in(&self) -> Result<()> {
        // The writer moves its log after each turn: the second is answered when the move after the first is done.
        for _ in 0..2 {
            self.writer.run(|_| Result::<()>::Ok(()))?;
        }
        Ok(())
    }

    fn file_bytes(&self, suffix: &str) -> u64 {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        // What can't be found out is not there.
        PathBuf::from(path).metadata().map_or(0, |facts| facts.len())
    }

    /// Deletes the oldest lines until the others take no more than `bytes`, if they do; says how many. Their room is
    /// used again.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn keep_within(&self, bytes: u64) -> Result<u64> {
        let mut deleted = 0;
        if self.used_bytes()? <= bytes {
            return Ok(deleted);
        }
        // Some more, so that this is not to be done for each line.
        while self.used_bytes()? > bytes / 4 * 3 {
            let gone = self.delete_oldest()?;
            if gone == 0 {
                break;
            }
            deleted += gone;
        }
        Ok(deleted)
    }

    fn used_bytes(&self) -> Result<u64> {
        let number = |name: &str| {
            let connection = self.readers.take(self.patience, Lane::Short)?;
            connection
                .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
                .attempting("measuring the log")
        };
        let pages = number("page_count")?.saturating_sub(number("freelist_count")?);
        Ok(pages.saturating_mul(number("page_size")?))
    }

    fn delete_oldest(&self) -> Result<u64> {
        self.writer.run(|session| {
            session
                .connection()
                .execute(
                    "DELETE FROM `_logs` WHERE `_rowid_` IN (SELECT `_rowid_` FROM `_logs` ORDER BY `_rowid_` LIMIT ?1)",
                    [CHUNK],
                )
                .attempting("deleting the oldest lines of the log")
                .map(|deleted| deleted as u64)
        })
    }

    /// The line with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn get(&self, id: &str) -> Result<Option<LogEntry>> {
        self.readers
            .take(self.patience, Lane::Short)?
            .prepare_cached(&format!("SELECT {COLUMNS} FROM `_logs` WHERE `id` = ?1"))
            .and_then(|mut statement| statement.query_row([id], decode).optional())
            .attempting("reading a line of the log")
    }

    /// The lines that pass the filter, in the order asked for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`](crate::ErrorKind::InvalidQuery) when the filter or order is not understood.
    pub fn list(&self, query: &ListLogs) -> Result<Page<LogEntry>> {
        const ATTEMPTED: &str = "listing the log";
        let (condition, order) = compile(&query.filter, &query.sort)?;
        let connection = self.readers.take(self.patience, Lane::Short)?;
        let mut total = None;
        if !query.page.skip_total {
            let counted: i64 = connection
                .prepare(&format!("SELECT COUNT(*) FROM `_logs` _r WHERE {}", condition.text))
                .and_then(|mut statement| statement.query_row(params_from_iter(condition.values()), |row| row.get(0)))
                .attempting(ATTEMPTED)?;
            total = Some(counted.unsigned_abs());
        }
        let order_by = order
            .as_ref()
            .map(|order| format!(" ORDER BY {}", order.text))
            .unwrap_or_default();
        let sql = format!(
            "SELECT {COLUMNS} FROM `_logs` _r WHERE {}{order_by} LIMIT {} OFFSET {}",
            condition.text,
            query.page.size(),
            i64::try_from(query.page.skipped()).unwrap_or(i64::MAX)
        );
        let values = condition.values().chain(order.iter().flat_map(Sql::values));
        let items = connection
            .prepare(&sql)
            .and_then(|mut statement| statement.query_map(params_from_iter(values), decode)?.collect())
            .attempting(ATTEMPTED)?;
        Ok(query.page.with(items, total))
    }

    /// How many lines that pass the filter each hour has; hours without any are left out.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`](crate::ErrorKind::InvalidQuery) when the filter is not understood.
    pub fn stats(&self, filter: &str) -> Result<Vec<LogStat>> {
        let (condition, _) = compile(filter, "")?;
        let sql = format!(
            "SELECT strftime('%Y-%m-%d %H:00:00', `created`) AS hour, COUNT(*) FROM `_logs` _r WHERE {} GROUP BY hour",
            condition.text
        );
        self.readers
            .take(self.patience, Lane::Short)?
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

    /// Deletes all lines.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn delete_all(&self) -> Result<()> {
        self.writer.run_within(LONG_WRITE, |session| {
            session
                .connection()
                .execute("DELETE FROM `_logs`", [])
                .attempting("deleting the lines of the log")
                .map(drop)
        })
    }

    /// Deletes the lines from before `moment` (a stored date) and says how many.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn delete_before(&self, moment: &str) -> Result<u64> {
        let moment = moment.to_owned();
        self.writer.run_within(LONG_WRITE, move |session| {
            session
                .connection()
                .execute("DELETE FROM `_logs` WHERE `created` <= ?1", [&moment])
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
    let (condition, order) = resolve_flat(query, Timestamp::now())?;
    Ok((render::condition(condition.as_ref()), render::order(&order)))
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
