//! Views: the SQL behind a view collection and the fields it has.

use std::sync::{Arc, LazyLock};

use regex::Regex;
use rusqlite::{Connection, OptionalExtension, Row};

use super::view_query::{Selected, ViewQuery, trim};
use super::{collections, records};
use crate::error::{Error, ErrorKind, Result};
use crate::model::collection::Collection;
use crate::model::field::{Field, FieldKind};
use crate::model::identity::{field_id, random_text};
use crate::model::moment::now;
use crate::model::record::Record;
use crate::model::requester::Meter;
use crate::model::schema::Schema;
use crate::sqlite::sql::{Attempting, driver_message, quote, schema_fault};

/// The view that a query is tried with; in the connection's temporary database, where nobody else sees it.
const TRIAL: &str = "_bosbase_view_trial";

/// Makes the view `name`. Where the query's `id` is no text it is cast to it, for record ids are text.
pub(crate) fn save(connection: &Connection, name: &str, query: &str) -> Result<()> {
    let sql = statement(connection, name, query)?;
    // Unlike `execute_batch` this takes one statement only.
    connection.execute(&sql, []).map_err(refused).map(drop)
}

/// The statement that makes the view.
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] when the query can't be run.
pub(crate) fn statement(connection: &Connection, name: &str, query: &str) -> Result<String> {
    let query = with_text_id(connection, query)?;
    Ok(format!("CREATE VIEW {} AS SELECT * FROM ({query})", quote(name)))
}

/// Whether the query of the view collection yields the fields that it has.
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] when the query can't be run.
pub(crate) fn yields(connection: &Connection, view: &Collection) -> Result<bool> {
    let schema = collections::load(connection)?;
    Ok(same_but_ids(
        &fields(connection, &schema, view.view_query())?,
        &view.fields,
    ))
}

/// Drops the view `name` if there is one.
pub(crate) fn remove(connection: &Connection, name: &str) -> Result<()> {
    connection
        .execute_batch(&format!("DROP VIEW IF EXISTS {}", quote(name)))
        .attempting("dropping a view")
}

/// After the collection `changed` did: the view collections whose query now yields other fields are stored and made
/// anew. A view whose query can't be run any more, because a table was renamed, stays what it is: SQLite has rewritten
/// the view.
pub(crate) fn refresh(connection: &Connection, changed: &str) -> Result<()> {
    let mut schema = collections::load(connection)?;
    let views: Vec<Arc<Collection>> = schema.all().iter().filter(|view| view.is_view()).cloned().collect();
    for view in views {
        if view.id == changed {
            continue;
        }
        let fields = match fields(connection, &schema, view.view_query()) {
            Ok(fields) => fields,
            Err(error) if error.kind() == ErrorKind::InvalidSchema => continue,
            Err(error) => return Err(error),
        };
        if same_but_ids(&fields, &view.fields) {
            continue;
        }
        let renewed = Collection {
            fields,
            updated: now(),
            ..Collection::clone(&view)
        };
        remove(connection, &view.name)?;
        save(connection, &view.name, view.view_query())?;
        collections::update_row(connection, &renewed)?;
        // A view may stand on this one.
        schema = collections::load(connection)?;
    }
    Ok(())
}

/// The names of the view collections that can be read as things are.
pub(crate) fn readable(connection: &Connection) -> Result<Vec<String>> {
    let schema = collections::load(connection)?;
    let views = schema.all().iter().filter(|view| view.is_view());
    Ok(views
        .filter(|view| {
            connection
                .prepare(&format!("SELECT * FROM {}", quote(&view.name)))
                .is_ok()
        })
        .map(|view| view.name.clone())
        .collect())
}

/// The fields that a view with this `query` has: those it takes over from a collection, numbers, texts and bools where
/// it says so, JSON otherwise.
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] with PocketBase's message as detail when the query is not accepted or has no `id`
/// column.
pub(crate) fn fields(connection: &Connection, schema: &Schema, query: &str) -> Result<Vec<Field>> {
    one_statement(query)?;
    let parsed = ViewQuery::parse(query).map_err(invalid)?;
    let is_wildcard = |column: &Selected| column.original == "*" || column.original.ends_with(".*");
    if parsed.columns.iter().any(is_wildcard) {
        return Err(invalid(
            "wildcard columns (*) are not supported - manually type the collection field names you want the view query to have",
        ));
    }
    let columns = try_out(connection, query)?;
    if !columns.iter().any(|(name, _)| name == "id") {
        return Err(invalid(
            "missing required id column (you can use `(ROW_NUMBER() OVER()) as id` if you don't have one)",
        ));
    }
    Ok(columns
        .iter()
        .map(
            |(name, _)| match parsed.columns.iter().rfind(|column| column.alias == *name) {
                Some(column) => field(schema, &parsed.tables, column),
                None => json(name),
            },
        )
        .collect())
}

/// # Errors
/// [`ErrorKind::InvalidSchema`] when the query yields a record without an `id`, or an `id` twice.
pub(crate) fn check_ids(connection: &Connection, query: &str) -> Result<()> {
    let query = trim(query);
    let any = |sql: String| {
        connection
            .prepare(&sql)
            .and_then(|mut statement| statement.query_row([], |_| Ok(())).optional())
            .map_err(refused)
    };
    if any(format!(
        "SELECT 1 FROM ({query}) WHERE `id` IS NULL OR `id` IN ('', x'') LIMIT 1"
    ))?
    .is_some()
    {
        return Err(invalid("the query could return records with empty or invalid ids"));
    }
    if any(format!(
        "SELECT 1 FROM ({query}) GROUP BY `id` HAVING COUNT(*) > 1 LIMIT 1"
    ))?
    .is_some()
    {
        return Err(invalid("the query could return records with non-unique ids"));
    }
    Ok(())
}

/// The first records that a view with the fields and the query of `view` yields, no more than `most`.
///
/// # Errors
/// [`ErrorKind::InvalidSchema`] when the query can't be run; [`ErrorKind::TooLarge`] where `meter` ends it.
pub(crate) fn sample(
    connection: &Connection,
    view: &Arc<Collection>,
    most: usize,
    meter: &dyn Meter,
) -> Result<Vec<Record>> {
    let query = with_text_id(connection, view.view_query())?;
    let sql = format!(
        "SELECT {} FROM ({query}) _r LIMIT {most}",
        records::select_list(view, "_r")
    );
    let read = connection.prepare(&sql).and_then(|mut statement| {
        let record = |row: &Row<'_>| {
            records::meter(Some(meter), row)?;
            records::decode(view, row, 0)
        };
        statement.query_map([], record)?.collect()
    });
    read.map_err(refused)
}

/// Runs the query as a view for a moment and returns its columns' names and declared types.
fn try_out(connection: &Connection, query: &str) -> Result<Vec<(String, String)>> {
    one_statement(query)?;
    let query = trim(query);
    connection
        .execute(&format!("CREATE TEMP VIEW {TRIAL} AS SELECT * FROM ({query})"), [])
        .map_err(refused)?;
    let columns = connection
        .prepare(&format!("PRAGMA temp.table_info({TRIAL})"))
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((row.get(1)?, row.get(2)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(refused);
    connection
        .execute_batch(&format!("DROP VIEW temp.{TRIAL}"))
        .attempting("trying a view's query out")?;
    columns
}

/// # Errors
/// [`ErrorKind::InvalidSchema`] when a semicolon stands within the query.
fn one_statement(query: &str) -> Result<()> {
    if has_second_statement(trim(query)) {
        return Err(invalid("multiple statements are not supported"));
    }
    Ok(())
}

/// Whether a semicolon stands outside of quotes and parentheses.
fn has_second_statement(query: &str) -> bool {
    let mut depth = 0_i32;
    let mut quoted_by = None;
    for c in query.chars() {
        match (quoted_by, c) {
            (Some(quote), _) if quote == c => quoted_by = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quoted_by = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ';') if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

fn with_text_id(connection: &Connection, query: &str) -> Result<String> {
    let query = trim(query);
    let columns = try_out(connection, query)?;
    let is_text =
        |(name, kind): &(String, String)| name.eq_ignore_ascii_case("id") && kind.eq_ignore_ascii_case("text");
    if columns.iter().any(is_text) {
        return Ok(query.to_owned());
    }
    let columns: Vec<String> = ViewQuery::parse(query)
        .map_err(invalid)?
        .columns
        .iter()
        .map(|column| match column.alias.as_str() {
            "id" => "CAST(`id` as TEXT) `id`".to_owned(),
            alias => quote(alias),
        })
        .collect();
    Ok(format!("SELECT {} FROM ({query})", columns.join(",")))
}

static CAST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?is)^cast\s*\(.*\s+as\s+(\w+)\s*\)$").expect("the expression is constant and valid")
});

fn field(schema: &Schema, tables: &[Selected], column: &Selected) -> Field {
    let name = column.alias.as_str();
    if name == "id" {
        return id_field();
    }
    let original = column.original.to_lowercase();
    if original.starts_with("count(") {
        return number(name, true);
    }
    if original.starts_with("total(") {
        return number(name, false);
    }
    let cast = CAST.captures(&original);
    match cast.as_ref().and_then(|parts| parts.get(1)).map(|kind| kind.as_str()) {
        Some("integer" | "int") => return number(name, true),
        Some("real" | "decimal" | "numeric") => return number(name, false),
        Some("text") => return text(name),
        Some("boolean" | "bool") => {
            return plain(
                name,
                FieldKind::Bool {
                    help: String::new(),
                    required: false,
                },
            );
        }
        _ => {}
    }
    let parts: Vec<&str> = column.original.split('.').collect();
    let (table, source) = match parts.as_slice() {
        [table, source] => (Some(*table), *source),
        _ => (tables.first().map(|table| table.alias.as_str()), parts[0]),
    };
    let Some(collection) = table.and_then(|table| collection(schema, tables, table)) else {
        return json(name);
    };
    if source.eq_ignore_ascii_case("id") {
        return plain(
            name,
            FieldKind::Relation {
                help: String::new(),
                collection_id: collection.id.clone(),
                cascade_delete: false,
                min_select: 0,
                max_select: 1,
                required: false,
            },
        );
    }
    let source = collection
        .fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(source));
    match source {
        // The same field may be selected twice under two names: each gets an id of its own.
        Some(source) => Field {
            id: format!("_clone_{}", random_text(4, CLONE)),
            name: name.to_owned(),
            ..source.clone()
        },
        None => json(name),
    }
}

const CLONE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The collection that goes by `alias` in the query.
fn collection<'a>(schema: &'a Schema, tables: &[Selected], alias: &str) -> Option<&'a Arc<Collection>> {
    let table = tables
        .iter()
        .rfind(|table| table.alias.eq_ignore_ascii_case(alias) && !table.alias.contains('('))?;
    let named = |collection: &&Arc<Collection>| collection.name.eq_ignore_ascii_case(&table.original);
    schema.all().iter().find(named)
}

fn plain(name: &str, kind: FieldKind) -> Field {
    Field {
        id: field_id(&kind, name),
        name: name.to_owned(),
        system: false,
        hidden: false,
        presentable: false,
        kind,
    }
}

fn id_field() -> Field {
    let kind = FieldKind::Text {
        help: String::new(),
        min: 0,
        max: 0,
        pattern: "^[a-z0-9]+$".to_owned(),
        autogenerate_pattern: String::new(),
        primary_key: true,
        required: true,
    };
    Field {
        system: true,
        ..plain("id", kind)
    }
}

fn text(name: &str) -> Field {
    plain(
        name,
        FieldKind::Text {
            help: String::new(),
            min: 0,
            max: 0,
            pattern: String::new(),
            autogenerate_pattern: String::new(),
            primary_key: false,
            required: false,
        },
    )
}

fn number(name: &str, only_int: bool) -> Field {
    plain(
        name,
        FieldKind::Number {
            help: String::new(),
            min: None,
            max: None,
            only_int,
            required: false,
        },
    )
}

fn json(name: &str) -> Field {
    plain(
        name,
        FieldKind::Json {
            help: String::new(),
            // What PocketBase writes there; a view takes no values whose size it could limit.
            max_size: 1,
            required: false,
        },
    )
}

fn same_but_ids(a: &[Field], b: &[Field]) -> bool {
    let same = |a: &Field, b: &Field| {
        let id = String::new();
        Field {
            id: id.clone(),
            ..a.clone()
        } == Field { id, ..b.clone() }
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSchema, "reading a view's query", detail)
}

/// A query is tried in the temporary database; as a view it would look for its tables in the main one, and SQLite says
/// so.
fn in_main(message: &str) -> String {
    match message.split_once("no such table: ") {
        Some((before, table)) if !table.contains('.') => format!("{before}no such table: main.{table}"),
        _ => message.to_owned(),
    }
}

fn refused(error: rusqlite::Error) -> Error {
    schema_fault(error, "running a view's query", |error| in_main(&driver_message(error)))
}
