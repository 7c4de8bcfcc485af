//! From what the filter language asks for to SQL with bound parameters; nothing else turns a filter into SQL.
//!
//! What a client wrote is a [`Literal`](crate::language::predicate::Literal) and becomes a bound parameter. Names of
//! tables and columns come out of the schema, and are quoted.

mod compare;
mod expression;
mod join;
mod like;
mod order;
mod sql;

pub(crate) use compare::predicate;
pub(crate) use join::joins;
pub(crate) use order::order;
pub(crate) use sql::Sql;

use crate::language::predicate::Predicate;

/// What a condition demands of the rows; of none, nothing.
pub(crate) fn condition(of: Option<&Predicate>) -> Sql {
    of.map_or_else(|| Sql::new("TRUE"), predicate)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::error::{ErrorKind, Result};
    use crate::language::{FlatQuery, resolve_flat};

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
            let (asked, sorted) = resolve_flat(logs(filter, "-created,@rowid"), Timestamp::UNIX_EPOCH).unwrap();
            let (condition, order) = (condition(asked.as_ref()), order(&sorted).unwrap());
            let sql = format!(
                "SELECT id FROM logs _r WHERE {} ORDER BY {}",
                condition.text, order.text
            );
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
            let error = resolve_flat(logs(filter, ""), Timestamp::UNIX_EPOCH).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{filter}");
        }
        assert!(resolve_flat(logs("", "secret"), Timestamp::UNIX_EPOCH).is_err());
    }
}
