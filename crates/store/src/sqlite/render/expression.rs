//! A value that each row has, as an SQL expression.

use super::compare::comparison;
use super::sql::Sql;
use crate::language::predicate::{Column, Expression, JsonStep};

/// The SQL of a value.
pub(super) fn expression(value: &Expression) -> Sql {
    match value {
        Expression::Absent => Sql::new("NULL"),
        Expression::Truth(truth) => Sql::new(if *truth { "1" } else { "0" }),
        Expression::IsSent(sent) => Sql::new(if *sent { "TRUE" } else { "FALSE" }),
        Expression::Count(count) => Sql::new(count.to_string()),
        Expression::Literal(literal) => Sql::literal(literal),
        Expression::Column(column) => Sql::column(column),
        Expression::Json { column, path, lenient } => json(column, path, *lenient),
        Expression::Length(column) => length(column),
        Expression::Lower(value) => Sql::new("LOWER(").with(expression(value)).then(")"),
        Expression::Guarded { guard, value } => Sql::new("(CASE WHEN ")
            .with(holds(guard))
            .then(" THEN ")
            .with(expression(value))
            .then(" END)"),
        Expression::Distance(points) => distance(points),
        Expression::FormattedTime(parts) => Sql::new("strftime(")
            .with(Sql::joined(parts.iter().map(expression), ", "))
            .then(")"),
        Expression::Holds(of) => comparison(of).enclosed(),
    }
}

/// That a column is true.
pub(super) fn holds(column: &Column) -> Sql {
    Sql::column(column).then(" = TRUE")
}

/// How many elements a column has; an empty value has none.
fn length(column: &Column) -> Sql {
    let column = Sql::column(column).text;
    Sql::new(format!(
        "json_array_length(CASE WHEN iif(json_valid({column}), json_type({column}) = 'array', FALSE) THEN {column} \
         WHEN {column} = '' OR {column} IS NULL THEN json_array() ELSE json_array({column}) END)"
    ))
}

fn json(column: &Column, path: &[JsonStep], lenient: bool) -> Sql {
    let column = Sql::column(column).text;
    let path: String = path
        .iter()
        .map(|step| match step {
            JsonStep::Key(key) => format!(".{key}"),
            JsonStep::Index(index) => format!("[{index}]"),
        })
        .collect();
    let extracted = Sql::new(format!("json_extract({column}, "))
        .with(Sql::text_value(format!("${path}")))
        .then(")");
    if !lenient {
        return extracted;
    }
    Sql::new(format!("(CASE WHEN json_valid({column}) THEN "))
        .with(extracted)
        .then(&format!(" ELSE json_extract(json_object('pb', {column}), "))
        .with(Sql::text_value(format!("$.pb{path}")))
        .then(") END)")
}

fn distance(points: &[Expression; 4]) -> Sql {
    let [lon_a, lat_a, lon_b, lat_b] = points
        .each_ref()
        .map(|part| Sql::new("radians(").with(expression(part)).then(")"));
    Sql::new("(6371 * acos(cos(")
        .with(lat_a.clone())
        .then(") * cos(")
        .with(lat_b.clone())
        .then(") * cos(")
        .with(lon_b)
        .then(" - ")
        .with(lon_a)
        .then(") + sin(")
        .with(lat_a)
        .then(") * sin(")
        .with(lat_b)
        .then(")))")
}
