//! Filters over one plain table that is no collection, such as the log.

use jiff::Timestamp;

use rusqlite::types::Value;

use super::condition::{Names, condition};
use super::operand::{NullFallback, Operand};
use super::sql::Sql;
use super::{MAX_CLIENT_FILTER, invalid, sort, syntax};
use crate::error::Result;
use crate::sql::quote;

/// What may be asked of a plain table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlatQuery<'a> {
    /// The filter; empty for none.
    pub(crate) filter: &'a str,
    /// The sort; empty for none.
    pub(crate) sort: &'a str,
    /// The columns that may be used.
    pub(crate) columns: &'a [&'a str],
    /// Those of them that hold JSON, into which a path may lead.
    pub(crate) json: &'a [&'a str],
}

/// The condition (`TRUE` for an empty filter) and the `ORDER BY` terms.
///
/// # Errors
/// [`crate::ErrorKind::InvalidQuery`]: not a filter or sort, or a field that may not be used.
pub(crate) fn compile_flat(query: FlatQuery<'_>, now: Timestamp) -> Result<(Sql, Option<Sql>)> {
    if query.filter.len() > MAX_CLIENT_FILTER {
        return Err(invalid("max filter length limit reached"));
    }
    let mut columns = Columns { query, now, aliases: 0 };
    let filter = if query.filter.is_empty() {
        Sql::new("TRUE")
    } else {
        condition(&syntax::parse(query.filter)?, &mut columns)?
    };
    let order = sort::order(query.sort, &Sql::new("_rowid_"), &mut columns)?;
    Ok((filter, order))
}

struct Columns<'a> {
    query: FlatQuery<'a>,
    now: Timestamp,
    aliases: usize,
}

impl Names for Columns<'_> {
    fn name(&mut self, name: &str) -> Result<Operand> {
        let unresolved = || invalid(format!("failed to resolve field {name:?}"));
        let mut keys = name.split('.');
        let column = keys.next().filter(|column| self.query.columns.contains(column));
        let column = quote(column.ok_or_else(unresolved)?);
        if !name.contains('.') {
            return Ok(Operand::new(Sql::new(column)));
        }
        if !self.query.json.iter().any(|json| quote(json) == column) {
            return Err(unresolved());
        }
        let mut path = String::from("$");
        for key in keys {
            let key: String = key.chars().filter(|&c| c != ':').collect();
            if key.is_empty() {
                return Err(unresolved());
            }
            let number = key.chars().all(|c| c.is_ascii_digit());
            path.push_str(&if number { format!("[{key}]") } else { format!(".{key}") });
        }
        let value = Sql::new(format!("json_extract({column}, "))
            .with(Sql::detail(Value::Text(path)))
            .then(")");
        Ok(Operand {
            fallback: NullFallback::Disabled,
            ..Operand::new(value)
        })
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("_j{}", self.aliases)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn logs<'a>(filter: &'a str, sort: &'a str) -> FlatQuery<'a> {
        FlatQuery {
            filter,
            sort,
            columns: &["id", "created", "level", "message", "data"],
            json: &["data"],
        }
    }

    #[test]
    fn a_plain_table_is_filtered_by_its_columns_only() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        database
            .execute_batch(
                "CREATE TABLE logs (id TEXT, created TEXT, level INTEGER, message TEXT, data JSON);
                 INSERT INTO logs VALUES ('a', '2024-01-01', 0, 'GET /', '{\"status\":200}'),
                                         ('b', '2024-01-02', 8, 'GET /x', '{\"status\":404,\"deep\":{\"list\":[7]}}');",
            )
            .unwrap();
        for (filter, expected) in [
            ("", "ba"),
            ("level > 0", "b"),
            ("data.status = 200", "a"),
            ("data.deep.list.0 = 7", "b"),
            ("message ~ '/x' || level = 0", "ba"),
        ] {
            let (condition, order) = compile_flat(logs(filter, "-created,@rowid"), Timestamp::UNIX_EPOCH).unwrap();
            let order = order.unwrap();
            let sql = format!("SELECT id FROM logs WHERE {} ORDER BY {}", condition.text, order.text);
            let mut statement = database.prepare(&sql).unwrap();
            let found: Vec<String> = statement
                .query_map(
                    rusqlite::params_from_iter(condition.values().chain(order.values())),
                    |row| row.get(0),
                )
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert_eq!(found.concat(), expected, "{filter}");
        }
        for filter in [
            "other = 1",
            "message.x = 1",
            "data..x = 1",
            "@collection.a.b = 1",
            "@request.method = 'GET'",
        ] {
            let error = compile_flat(logs(filter, ""), Timestamp::UNIX_EPOCH).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{filter}");
        }
        assert!(compile_flat(logs("", "secret"), Timestamp::UNIX_EPOCH).is_err());
    }
}
