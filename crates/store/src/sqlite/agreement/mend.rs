//! Makes good what the definitions alone decide: index texts, missing indexes, missing views.

use rusqlite::Connection;

use super::check::{self, Difference, Refused};
use super::objects::{self, Object};
use super::{Agreement, shown};
use crate::error::{Error, ErrorKind, Result};
use crate::model::collection::Collection;
use crate::model::index::{Index, IndexColumn};
use crate::model::moment::now;
use crate::sqlite::sql::{Attempting, quote};
use crate::sqlite::tables::{collections, record_tables, views};

/// The columns that each auth collection has a unique index on.
const IDENTITY: [&str; 2] = ["tokenKey", "email"];
/// Pairs of records that are named where a unique index can't be made.
const PAIRS: usize = 3;

/// Makes good what it can in the open transaction, and says what it did and what is left. Writes nothing where all
/// agrees.
///
/// # Errors
/// When the database can't be read or written.
pub(crate) fn mend(connection: &Connection) -> Result<Agreement> {
    let mut mended = Vec::new();
    let mut refused = Refused::new();
    let schema = collections::load(connection)?;
    let objects = objects::list(connection)?;
    for collection in schema.all() {
        if collection.is_view() {
            view(connection, &objects, collection, &mut mended)?;
        } else if objects::find(&objects, "table", &collection.name).is_some() {
            let collection = texts(connection, &objects, collection, &mut mended)?;
            indexes(connection, &collection, &mut mended, &mut refused)?;
        }
    }
    Ok(Agreement {
        mended,
        disagreements: check::check(connection, &refused)?,
    })
}

/// The collection with an index text for each index that it has or must have, each naming its table; stored so where
/// that is another list than before.
fn texts(
    connection: &Connection,
    objects: &[Object],
    collection: &Collection,
    mended: &mut Vec<String>,
) -> Result<Collection> {
    let mut changed = collection.clone();
    let name = shown(&collection.name);
    for sql in &mut changed.indexes {
        if let Some(text) = Index::on_table(sql, &collection.name) {
            *sql = text;
        }
    }
    if changed.indexes != collection.indexes {
        mended.push(format!("The texts of the indexes of {name} name its table now."));
    }
    for column in IDENTITY.into_iter().filter(|_| collection.is_auth()) {
        if changed.has_unique(column) || !collection.fields.iter().any(|field| field.name == column) {
            continue;
        }
        let of_table = |object: &&Object| object.kind == "index" && object.table.eq_ignore_ascii_case(&collection.name);
        let present = objects
            .iter()
            .filter(of_table)
            .filter_map(|object| Index::parse(&object.sql))
            .find(|index| index.makes_unique(column));
        let index = match present {
            Some(index) => Index {
                schema: String::new(),
                table: collection.name.clone(),
                ..index
            },
            None => Index::of_identity(column, &collection.name, &collection.id),
        };
        mended.push(format!("The unique index on {column} of {name} is listed now."));
        changed.indexes.push(index.statement());
    }
    if changed.indexes != collection.indexes {
        changed.updated = now();
        collections::update_row(connection, &changed)?;
    }
    Ok(changed)
}

/// Makes the indexes that are missing, as far as the records allow.
fn indexes(
    connection: &Connection,
    collection: &Collection,
    mended: &mut Vec<String>,
    refused: &mut Refused,
) -> Result<()> {
    for index in collection.indexes.iter().filter_map(|sql| Index::parse(sql)) {
        let differs = check::differs(connection, collection, &index).attempting("reading the indexes of a table")?;
        if !matches!(differs, Some(Difference::Missing)) {
            continue;
        }
        let made = attempt(connection, || {
            record_tables::create_index(connection, collection, index.clone())
        })?;
        match made {
            // With `IF NOT EXISTS` it is no error that another table has an index of this name.
            Ok(())
                if check::differs(connection, collection, &index)
                    .attempting("reading the indexes of a table")?
                    .is_some() => {}
            Ok(()) => {
                let (index, collection) = (shown(&index.name), shown(&collection.name));
                mended.push(format!(
                    "The index {index} of {collection} was missing and is there again."
                ));
            }
            Err(error) => {
                let mut why = error.detail().to_owned();
                if let Some(pairs) = alike(connection, collection, &index) {
                    why.push_str(&format!(" Records that are alike: {pairs}."));
                }
                refused.insert(index.name.to_ascii_lowercase(), why);
            }
        }
    }
    Ok(())
}

/// The ids of records that a unique index does not admit beside each other. Their values are nobody's to read in a log.
fn alike(connection: &Connection, collection: &Collection, index: &Index) -> Option<String> {
    let condition = if index.condition.is_empty() {
        "TRUE"
    } else {
        &index.condition
    };
    let columns: Vec<String> = index.columns.iter().map(IndexColumn::value).collect();
    let sql = format!(
        "SELECT MIN(`id`), MAX(`id`) FROM {} WHERE {condition} GROUP BY {} HAVING COUNT(*) > 1 LIMIT {PAIRS}",
        quote(&collection.name),
        columns.join(", ")
    );
    let pairs: Vec<String> = connection
        .prepare(&sql)
        .and_then(|mut statement| {
            let pair = |row: &rusqlite::Row<'_>| {
                let (one, other): (String, String) = (row.get(0)?, row.get(1)?);
                Ok(format!("{} and {}", shown(&one), shown(&other)))
            };
            statement.query_map([], pair)?.collect()
        })
        .ok()?;
    (index.unique && !pairs.is_empty()).then(|| pairs.join(", "))
}

/// Makes a view anew that is missing, or that is another than its collection's query says while the query yields the
/// collection's fields. One that can be read and differs in names alone stays: SQLite has rewritten it when a table was
/// renamed, and the table that bears the old name now may hold what nobody should see.
fn view(connection: &Connection, objects: &[Object], collection: &Collection, mended: &mut Vec<String>) -> Result<()> {
    if objects::find(objects, "table", &collection.name).is_some() {
        return Ok(());
    }
    let present = objects::find(objects, "view", &collection.name);
    let done = attempt(connection, || {
        let wanted = views::statement(connection, &collection.name, collection.view_query())?;
        let stays =
            |view: &Object| view.sql == wanted || differs_in_names(&view.sql, &wanted) && reads(connection, collection);
        if present.is_some_and(stays) || !views::yields(connection, collection)? {
            return Ok(false);
        }
        views::remove(connection, &collection.name)?;
        views::save(connection, &collection.name, collection.view_query())?;
        Ok(true)
    })?;
    if matches!(done, Ok(true)) {
        let what = if present.is_some() {
            "was another than its query says"
        } else {
            "was missing"
        };
        let name = shown(&collection.name);
        mended.push(format!("The view {name} {what} and is made anew."));
    }
    Ok(())
}

/// Whether two statements are the same but for the names in them.
fn differs_in_names(one: &str, other: &str) -> bool {
    let (one, other) = (tokens(one), tokens(other));
    one.len() == other.len()
        && one
            .iter()
            .zip(&other)
            .all(|(one, other)| one == other || matches!((one, other), (Token::Name(_), Token::Name(_))))
}

/// A word of SQL, as far as comparing statements needs it.
#[derive(PartialEq)]
enum Token {
    /// A keyword or an identifier without its quotation marks, in lower case.
    Name(String),
    /// Anything else: a text with its quotation marks, or one character.
    Other(String),
}

fn tokens(sql: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        let end = match c {
            '"' | '`' | '\'' => c,
            '[' => ']',
            c if c.is_whitespace() => continue,
            c if c.is_alphanumeric() || c == '_' => {
                let mut word = String::from(c);
                while let Some(more) = rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(more);
                }
                found.push(Token::Name(word.to_lowercase()));
                continue;
            }
            c => {
                found.push(Token::Other(c.to_string()));
                continue;
            }
        };
        let inner: String = rest.by_ref().take_while(|c| *c != end).collect();
        found.push(if c == '\'' {
            Token::Other(format!("'{inner}'"))
        } else {
            Token::Name(inner.to_lowercase())
        });
    }
    found
}

/// Whether the view of `collection` has a column for each of its fields, and what it selects from is there.
fn reads(connection: &Connection, collection: &Collection) -> bool {
    let columns: Vec<String> = collection.fields.iter().map(|field| quote(&field.name)).collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), quote(&collection.name));
    !columns.is_empty() && connection.prepare(&sql).is_ok()
}

/// Runs `work` in a savepoint. What the definition is to blame for is the inner result, and undone; the outer one is
/// the disk's.
fn attempt<T>(connection: &Connection, work: impl FnOnce() -> Result<T>) -> Result<Result<T, Error>> {
    const ATTEMPTED: &str = "mending the database";
    connection.execute_batch("SAVEPOINT mend").attempting(ATTEMPTED)?;
    match work() {
        Ok(done) => {
            connection.execute_batch("RELEASE mend").attempting(ATTEMPTED)?;
            Ok(Ok(done))
        }
        Err(error) if error.kind() == ErrorKind::InvalidSchema => {
            connection
                .execute_batch("ROLLBACK TO mend; RELEASE mend")
                .attempting(ATTEMPTED)?;
            Ok(Err(error))
        }
        Err(error) => Err(error),
    }
}
