//! Rows that a query brings together, as `LEFT JOIN`s.

use super::sql::{Sql, alias};
use crate::language::predicate::{Column, Join, On, Row, Source};
use crate::sqlite::sql::quote;

/// ` LEFT JOIN …` for each, in their order.
pub(crate) fn joins(joins: &[Join]) -> Sql {
    Sql::joined(joins.iter().map(join), "")
}

fn join(join: &Join) -> Sql {
    let name = alias(join.row);
    match &join.source {
        Source::Records { collection, on } => {
            let joined = Sql::new(format!(" LEFT JOIN {} {name}", quote(collection)));
            match condition(join.row, on) {
                Some(condition) => joined.then(" ON ").with(condition),
                None => joined,
            }
        }
        Source::Elements(column) => Sql::new(format!(" LEFT JOIN {} {name}", each_element(column))),
        Source::Sent(list) => Sql::new(" LEFT JOIN json_each(")
            .with(Sql::text_value(list))
            .then(&format!(") {name}")),
    }
}

fn condition(row: Row, on: &On) -> Option<Sql> {
    let id = || Sql::column(&row.column("id"));
    Some(match on {
        On::All => return None,
        On::Same { column, anchor } => Sql::column(&row.column(column)).then(" = ").with(Sql::column(anchor)),
        On::Holding { list, anchor } => {
            let elements = each_element(&row.column(list));
            Sql::column(anchor).then(&format!(" IN (SELECT \"value\" FROM {elements})"))
        }
        On::Id(wanted) => id().then(" = ").with(Sql::text_value(wanted)),
        On::Ids(wanted) => id()
            .then(" IN (")
            .with(Sql::joined(wanted.iter().map(Sql::text_value), ", "))
            .then(")"),
    })
}

/// The elements of a column; a value that is no list is its own only element.
fn each_element(column: &Column) -> String {
    let column = Sql::column(column).text;
    format!(
        "json_each(CASE WHEN iif(json_valid({column}), json_type({column}) = 'array', FALSE) \
         THEN {column} ELSE json_array({column}) END)"
    )
}
