//! SQL that somebody wrote, run within bounds.
//!
//! What only reads runs on a reader; what does more runs as one request of the writer. Either way all statements are
//! one transaction. [`permission`] says what they may do. What defines something is held against the collections
//! ([`agreement`](super::agreement)) before and after: where they agree less than before, nothing is kept.

mod permission;
mod text;

use std::sync::Arc;

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::hooks::{AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Batch, Connection, ErrorCode, Row, Statement};

use self::permission::{Permission, Seen};
use super::Watch;
use super::agreement::{self, Agreement};
use crate::error::{Error, ErrorKind, Result};
use crate::model::collection::Collection;
use crate::model::console::{ConsoleAnswer, ConsoleColumn, MOST_ROWS};
use crate::model::record::Record;
use crate::model::requester::Meter;
use crate::model::schema::Schema;
use crate::sqlite::sql::{Attempting, driver_message};
use crate::sqlite::tables::{records, views};

const ATTEMPTED: &str = "running SQL";

/// The longest value, in bytes.
const VALUE: i32 = 16 << 20;
/// The same for statements with functions whose time may grow with the product of two lengths.
const COSTLY_VALUE: i32 = 256 << 10;
/// About how many bytes all values of a statement may have that SQLite holds at a time.
const HELD: i32 = 128 << 20;
/// The longest pattern of `LIKE` and `GLOB`, in bytes.
const PATTERN: i32 = 5_000;
/// Instructions between two looks at the clock: each may take as long as a function does.
const BETWEEN: i32 = 100;
/// What a value takes beside its text, in bytes.
const CELL: usize = 64;
/// What statements that change something may answer with, in bytes: nobody can write meanwhile, so they wait for no
/// share of the memory.
const MOST_OF_WRITE: usize = 1 << 20;

/// What came of statements on a connection that only reads.
#[derive(Debug)]
pub(crate) enum Reading {
    /// They only read.
    Done(ConsoleAnswer),
    /// One of them does more: all are for the writer.
    Writes,
}

/// Runs statements that only read, in the read transaction that is open on `connection`.
///
/// # Errors
/// [`ErrorKind::InvalidQuery`] with SQLite's message, or with what is refused or took too much, as the detail;
/// [`ErrorKind::TooLarge`] where `meter` ends it.
pub(crate) fn read(connection: &mut Connection, watch: &Arc<Watch>, sql: &str, meter: &dyn Meter) -> Result<Reading> {
    let bounded = Bounded::begin(connection, watch, false)?;
    bounded.run(sql, meter).map(|answer| match answer {
        Some(answer) => Reading::Done(answer),
        None => Reading::Writes,
    })
}

/// Runs statements in the transaction that is open on the writer's `connection`. The caller undoes what an error
/// leaves.
///
/// # Errors
/// As [`read`]; also where what they leave agrees less with the collections than what was there before.
pub(crate) fn write(connection: &mut Connection, watch: &Arc<Watch>, sql: &str) -> Result<ConsoleAnswer> {
    let bounded = Bounded::begin(connection, watch, true)?;
    let left = Left::default();
    let answer = bounded.run(sql, &left)?;
    answer.ok_or_else(|| Error::new(ErrorKind::Database, ATTEMPTED, "the writer can't write"))
}

/// The fields that a view with the query of `view` has, and its first records, no more than `most`, in the read
/// transaction that is open on `connection`.
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] with PocketBase's words as detail where the query can't be that of a view or took too
/// much, [`ErrorKind::TooLarge`] where `meter` ends it.
pub(crate) fn try_view(
    connection: &mut Connection,
    watch: &Arc<Watch>,
    schema: &Schema,
    view: &Collection,
    most: usize,
    meter: &dyn Meter,
) -> Result<(Arc<Collection>, Vec<Record>)> {
    let bounded = Bounded::begin(connection, watch, false)?;
    let longest = longest_value(view.view_query());
    bounded.limit(Limit::SQLITE_LIMIT_LENGTH, longest)?;
    // A view is what it selects: nothing that changes anything can stand there.
    let tried = bounded.permission.paused(|| {
        let trial = Trial::begin(bounded.connection)?;
        let view = Arc::new(Collection {
            fields: views::fields(trial.0, schema, view.view_query())?,
            ..view.clone()
        });
        if bounded.permission.seen().is_costly {
            bounded.limit(Limit::SQLITE_LIMIT_LENGTH, longest.min(COSTLY_VALUE))?;
        }
        views::check_ids(trial.0, view.view_query())?;
        let records = views::sample(trial.0, &view, most, meter)?;
        Ok::<_, Error>((view, records))
    });
    tried.map_err(|error| match error.kind() {
        ErrorKind::TimedOut => {
            let detail = "interrupted: it took longer than a query may";
            Error::new(ErrorKind::InvalidSchema, ATTEMPTED, detail).caused_by(error)
        }
        _ => error,
    })
}

/// Lets a connection that only reads make the view of a trial, which nobody else sees.
struct Trial<'a>(&'a Connection);

impl<'a> Trial<'a> {
    fn begin(connection: &'a Connection) -> Result<Self> {
        connection
            .execute_batch("PRAGMA query_only=OFF")
            .attempting(ATTEMPTED)?;
        Ok(Self(connection))
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.execute_batch("PRAGMA query_only=ON") {
            tracing::error!(%error, "a connection for reading may write");
        }
    }
}

/// What PocketBase takes for a change by its first word: it answers no rows of it, also where it would return some.
const CHANGES: [&str; 7] = ["INSERT", "CREATE", "UPDATE", "DELETE", "DROP", "REPLACE", "ALTER"];

/// Whether rows are answered.
fn shows_rows(sql: &str) -> bool {
    let begins = |word: &str| {
        sql.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    !CHANGES.iter().any(|word| begins(word))
}

/// How long a value may be, so that all that a statement can hold at a time stays within [`HELD`]: each value takes a
/// name, a comma or a bracket of its text.
fn longest_value(sql: &str) -> i32 {
    let values = 1 + sql.bytes().filter(|byte| matches!(byte, b',' | b'(' | b'|')).count();
    let each = HELD / i32::try_from(values).unwrap_or(i32::MAX);
    each.clamp(COSTLY_VALUE / 4, VALUE)
}

/// Counts what a write answers with.
#[derive(Default)]
struct Left(std::cell::Cell<usize>);

impl Meter for Left {
    fn add(&self, bytes: usize) -> bool {
        let all = self.0.get().saturating_add(bytes);
        self.0.set(all);
        all <= MOST_OF_WRITE
    }
}

/// A connection with narrow bounds, which are wide again when this is dropped.
struct Bounded<'a> {
    connection: &'a mut Connection,
    watch: &'a Arc<Watch>,
    permission: Permission,
    /// The limits of before.
    limits: [(Limit, i32); 2],
}

impl<'a> Bounded<'a> {
    fn begin(connection: &'a mut Connection, watch: &'a Arc<Watch>, may_write: bool) -> Result<Self> {
        let permission = Permission::new(may_write);
        let before = |limit| connection.limit(limit).map(|value| (limit, value));
        let limits = [
            before(Limit::SQLITE_LIMIT_LENGTH).attempting(ATTEMPTED)?,
            before(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH).attempting(ATTEMPTED)?,
        ];
        let bounded = Self {
            connection,
            watch,
            permission: permission.clone(),
            limits,
        };
        bounded.limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN)?;
        bounded.watch.look_each(bounded.connection, BETWEEN)?;
        bounded
            .connection
            .authorizer(Some(move |asked: AuthContext<'_>| permission.answer(&asked)))
            .attempting(ATTEMPTED)?;
        Ok(bounded)
    }

    fn limit(&self, limit: Limit, most: i32) -> Result<()> {
        self.connection.set_limit(limit, most).attempting(ATTEMPTED).map(drop)
    }

    /// Runs all statements; `None` where one of them wants to write and may not.
    fn run(&self, sql: &str, meter: &dyn Meter) -> Result<Option<ConsoleAnswer>> {
        if sql.contains('\0') {
            // SQLite would take it for the end.
            return Err(refused("a NUL character is not allowed"));
        }
        let (shows_rows, longest) = (shows_rows(sql), longest_value(sql));
        let mut statements = Batch::new(self.connection, sql);
        let mut answer = ConsoleAnswer::default();
        let before = if self.permission.may_write() && self.defines(sql) {
            Some(self.agreement()?)
        } else {
            None
        };
        loop {
            self.permission.begin();
            let prepared = statements.next();
            let seen = self.permission.seen();
            let statement = match prepared {
                Ok(Some(statement)) => statement,
                Ok(None) => break,
                Err(error) => match seen {
                    Seen { refused: Some(why), .. } => return Err(refused(why)),
                    Seen {
                        wants_to_write: true, ..
                    } => return Ok(None),
                    _ => return Err(self.failure(error)),
                },
            };
            if !statement.readonly() && !self.permission.may_write() {
                return Ok(None);
            }
            if seen.defines && before.is_none() {
                return Err(refused("it is not known what it was before"));
            }
            if (seen.keeps_expressions && seen.is_costly && !seen.alters)
                || (seen.alters && self.names_costly_function(&statement)?)
            {
                return Err(refused(
                    "a table or an index may not call a function that is slow on long values",
                ));
            }
            let longest = if seen.is_costly {
                longest.min(COSTLY_VALUE)
            } else {
                longest
            };
            self.limit(Limit::SQLITE_LIMIT_LENGTH, longest)?;
            self.run_one(statement, seen, shows_rows, meter, &mut answer)?;
        }
        if let Some(before) = before {
            still_agrees(&before, &self.agreement()?)?;
        }
        Ok(Some(answer))
    }

    /// Whether one of the statements makes, changes or drops a table or the like. Nothing is run: what is prepared for
    /// a drop, while somebody reads the schema, leaves SQLite with what it knew of views before.
    fn defines(&self, sql: &str) -> bool {
        let mut statements = Batch::new(self.connection, sql);
        loop {
            self.permission.begin();
            match statements.next() {
                Ok(Some(_)) if self.permission.seen().defines => return true,
                Ok(Some(_)) => {}
                // What can't be prepared yet stands behind what makes it, or can't be run at all.
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// Runs one statement, whose columns and rows take the place of those in `answer`.
    fn run_one(
        &self,
        mut statement: Statement<'_>,
        seen: Seen,
        shows_rows: bool,
        meter: &dyn Meter,
        answer: &mut ConsoleAnswer,
    ) -> Result<()> {
        if statement.parameter_count() > 0 {
            return Err(unbound(&statement));
        }
        let is_change = !statement.readonly() && !seen.defines;
        answer.columns = if shows_rows { columns(&statement) } else { Vec::new() };
        answer.rows.clear();
        let width = answer.columns.len();
        let failure = |error| self.failure(error);
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(failure)? {
            if !shows_rows || answer.rows.len() == MOST_ROWS {
                if is_change {
                    // What it changes has to be changed to the end.
                    continue;
                }
                break;
            }
            // Asked before a copy is made.
            let size = records::size(row).map_err(failure)?;
            if !meter.add(size + width * CELL) {
                let detail = "the rows come to more bytes than may be answered at once";
                return Err(Error::new(ErrorKind::TooLarge, ATTEMPTED, detail));
            }
            answer.rows.push(cells(row, width).map_err(failure)?);
        }
        drop(rows);
        drop(statement);
        if is_change {
            answer.affected = self.connection.changes();
        }
        Ok(())
    }

    /// Whether the text of a statement has the name of a function that may be slow on long values.
    fn names_costly_function(&self, statement: &Statement<'_>) -> Result<bool> {
        let text = statement.expanded_sql().unwrap_or_default().to_ascii_lowercase();
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let words: Vec<&str> = text.split(|letter| !is_of_name(letter)).collect();
        let functions: Vec<String> = self.permission.paused(|| {
            self.connection
                .prepare("SELECT DISTINCT name FROM pragma_function_list")
                .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
                .attempting(ATTEMPTED)
        })?;
        Ok(functions
            .iter()
            .any(|name| permission::is_costly(name) && words.contains(&name.as_str())))
    }

    /// What the collections and the database say of each other, and the collections whose tables would take an id
    /// twice.
    fn agreement(&self) -> Result<(Agreement, Vec<String>)> {
        const WITHOUT_KEY: &str = "SELECT name FROM _collections WHERE type <> 'view' AND NOT EXISTS \
            (SELECT 1 FROM pragma_table_info(_collections.name) WHERE lower(name) = 'id' AND pk = 1)";
        self.permission.paused(|| {
            let agreement = agreement::look(self.connection, None)?;
            let without_key = self
                .connection
                .prepare(WITHOUT_KEY)
                .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
                .attempting(ATTEMPTED)?;
            Ok((agreement, without_key))
        })
    }

    fn failure(&self, error: rusqlite::Error) -> Error {
        let detail = match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) if self.watch.is_over() => {
                "interrupted: it took longer than a query may".to_owned()
            }
            Some(ErrorCode::TooBig) => format!(
                "{}: a value may have {VALUE} bytes, fewer where a statement has many of them, and {COSTLY_VALUE} where \
                 it calls a function that may be slow on long ones",
                driver_message(&error),
            ),
            _ => driver_message(&error),
        };
        let error = Err::<(), _>(error).attempting(ATTEMPTED).expect_err("it is an error");
        match error.kind() {
            ErrorKind::NoSpace | ErrorKind::Corrupt | ErrorKind::Closed => error,
            _ => Error::new(ErrorKind::InvalidQuery, ATTEMPTED, detail).caused_by(error),
        }
    }
}

impl Drop for Bounded<'_> {
    fn drop(&mut self) {
        let none = None::<fn(AuthContext<'_>) -> Authorization>;
        let mut done = self.connection.authorizer(none);
        for (limit, before) in self.limits {
            done = done.and(self.connection.set_limit(limit, before).map(drop));
        }
        let done = done.attempting(ATTEMPTED).and(self.watch.look(self.connection));
        if let Err(error) = done {
            tracing::error!(%error, "the bounds of SQL that somebody wrote are still in force");
        }
    }
}

fn columns(statement: &Statement<'_>) -> Vec<ConsoleColumn> {
    let column = |column: rusqlite::Column<'_>| ConsoleColumn {
        name: column.name().to_owned(),
        kind: column.decl_type().unwrap_or_default().to_uppercase(),
    };
    statement.columns().map(column).collect()
}

fn cells(row: &Row<'_>, width: usize) -> rusqlite::Result<Vec<Option<String>>> {
    (0..width).map(|column| row.get_ref(column).map(text::of)).collect()
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::InvalidQuery, ATTEMPTED, format!("not authorized: {why}"))
}

/// Nothing is bound to parameters.
fn unbound(statement: &Statement<'_>) -> Error {
    let detail = match statement.parameter_name(1) {
        Some(name) => format!(
            "missing named argument {:?}",
            name.trim_start_matches(['?', ':', '@', '$'])
        ),
        None => "missing argument with index 1".to_owned(),
    };
    Error::new(ErrorKind::InvalidQuery, ATTEMPTED, detail)
}

/// That the collections and the database agree in all that they did before.
fn still_agrees(
    (before, had_no_key): &(Agreement, Vec<String>),
    (after, has_no_key): &(Agreement, Vec<String>),
) -> Result<()> {
    let known = &before.disagreements;
    if let Some(one) = after.disagreements.iter().find(|one| !known.contains(one)) {
        return Err(refused(&format!(
            "the collections would not agree with the database any more. {one}"
        )));
    }
    match has_no_key.iter().find(|name| !had_no_key.contains(name)) {
        None => Ok(()),
        Some(name) => Err(refused(&format!(
            "the id of {name} would not be its primary key any more"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sqlite::store::{Store, StoreOptions};
    use crate::sqlite::{Access, Role, open};

    struct Unlimited;

    impl Meter for Unlimited {
        fn add(&self, _: usize) -> bool {
            true
        }
    }

    fn connection(dir: &tempfile::TempDir, role: Role) -> (Connection, Arc<Watch>) {
        let path = dir.path().join("data.db");
        if !path.exists() {
            Store::open(&StoreOptions::new(dir.path())).unwrap().close().unwrap();
        }
        let mut connection = open(&path, role, Access::Existing).unwrap();
        let watch = Watch::over(&mut connection).unwrap();
        (connection, watch)
    }

    fn limits(connection: &Connection) -> [i32; 2] {
        [Limit::SQLITE_LIMIT_LENGTH, Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH]
            .map(|limit| connection.limit(limit).unwrap())
    }

    #[test]
    fn a_connection_is_afterwards_what_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let (mut connection, watch) = connection(&dir, Role::Reader);
        let before = limits(&connection);
        for sql in [
            "SELECT 1",
            "SELECT nope",
            "ATTACH 'x' AS x",
            "SELECT instr('a', 'b')",
            "DELETE FROM _collections",
        ] {
            let _ = read(&mut connection, &watch, sql, &Unlimited);
            assert_eq!(limits(&connection), before, "{sql}");
        }
        // Nothing asks any more who may do what, and the clock is looked at as before.
        connection
            .execute_batch("ATTACH ':memory:' AS other; DETACH other")
            .unwrap();
        watch.limit(Duration::from_millis(20));
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
        assert!(connection.query_row(endless, [], |_| Ok(())).is_err());
    }

    #[test]
    fn what_writes_is_found_out_before_anything_happens() {
        let dir = tempfile::tempdir().unwrap();
        let (mut reader, watch) = connection(&dir, Role::Reader);
        for sql in [
            "CREATE TABLE t (a)",
            "SELECT 1; CREATE TABLE t (a)",
            "WITH x AS (SELECT 1) INSERT INTO _params SELECT * FROM x; SELECT 1",
            "VACUUM",
            "ANALYZE",
        ] {
            let came = read(&mut reader, &watch, sql, &Unlimited);
            let refused_or_writes = matches!(came, Ok(Reading::Writes) | Err(_));
            assert!(refused_or_writes, "{sql}");
        }
        let came = read(&mut reader, &watch, "CREATE TABLE t (a)", &Unlimited).unwrap();
        assert!(matches!(came, Reading::Writes));
        let (mut writer, of_writer) = connection(&dir, Role::Writer);
        let wrote = write(
            &mut writer,
            &of_writer,
            "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)",
        )
        .unwrap();
        assert_eq!(wrote.affected, 2);
        let read = read(&mut reader, &watch, "SELECT a, NULL FROM t", &Unlimited).unwrap();
        let Reading::Done(answer) = read else {
            panic!("it only reads")
        };
        assert_eq!(
            answer.rows,
            [[Some("1".to_owned()), None], [Some("2".to_owned()), None]]
        );
        assert_eq!(answer.columns[0].kind, "");
    }
}
