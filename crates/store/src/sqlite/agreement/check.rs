//! Names what the collections and the database do not agree on.

use std::collections::{BTreeMap, HashSet};

use rusqlite::Connection;

use super::DisagreementKind as Kind;
use super::objects::{self, Object};
use super::{Disagreement, MOST, shown};
use crate::error::Result;
use crate::model::collection::Collection;
use crate::model::index::Index;
use crate::sqlite::sql::{Attempting, driver_message};
use crate::sqlite::tables::collections;

/// Why indexes could not be made, by their names in lower case.
pub(super) type Refused = BTreeMap<String, String>;

/// Everything on which the collections and `data.db` do not agree. Reads the definitions, no records. `refused` tells
/// of indexes that could not be made.
///
/// # Errors
/// When the database can't be read.
pub(crate) fn check(connection: &Connection, refused: &Refused) -> Result<Vec<Disagreement>> {
    let schema = collections::load(connection)?;
    let objects = objects::list(connection)?;
    let mut found = Vec::new();
    let mut tables = HashSet::new();
    for collection in schema.all() {
        if !tables.insert(collection.name.to_ascii_lowercase()) {
            let text = format!(
                "The collection {} shares its table with another.",
                shown(&collection.name)
            );
            found.push(Disagreement::new(Kind::Table, text));
            continue;
        }
        if collection.is_view() {
            view(connection, &objects, collection, &mut found)?;
        } else {
            table(connection, &objects, collection, refused, &mut found)?;
        }
    }
    for object in &objects {
        let text = match object.kind.as_str() {
            "trigger" => {
                let (name, table) = (shown(&object.name), shown(&object.table));
                let text = format!("The trigger {name} on {table} does not run here.");
                found.push(Disagreement::new(Kind::Trigger, text));
                continue;
            }
            "view" => format!(
                "The view {} belongs to no collection; nothing asks it.",
                shown(&object.name)
            ),
            _ => continue,
        };
        if !schema
            .all()
            .iter()
            .any(|own| own.is_view() && own.name.eq_ignore_ascii_case(&object.name))
        {
            found.push(Disagreement::new(Kind::ForeignView, text));
        }
    }
    if found.len() > MOST {
        let text = format!("{} more were found.", found.len() - MOST);
        found.truncate(MOST);
        found.push(Disagreement::new(Kind::More, text));
    }
    Ok(found)
}

fn table(
    connection: &Connection,
    objects: &[Object],
    collection: &Collection,
    refused: &Refused,
    found: &mut Vec<Disagreement>,
) -> Result<()> {
    let name = shown(&collection.name);
    if objects::find(objects, "table", &collection.name).is_none() {
        let text = format!("The collection {name} has no table.");
        found.push(Disagreement::new(Kind::Table, text));
        return Ok(());
    }
    let columns = objects::columns(connection, &collection.name).attempting("reading the columns of a table")?;
    let mut fields = HashSet::new();
    if !collection.fields.iter().any(|field| field.name == "id") {
        let text = format!("The collection {name} has no field id.");
        found.push(Disagreement::new(Kind::Column, text));
    }
    for field in &collection.fields {
        let shown_field = shown(&field.name);
        if !fields.insert(field.name.to_ascii_lowercase()) {
            let text = format!("The field {shown_field} of {name} shares its column with another.");
            found.push(Disagreement::new(Kind::Column, text));
        }
        if !columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case(&field.name))
        {
            let text = format!("The field {shown_field} of {name} has no column.");
            found.push(Disagreement::new(Kind::Column, text));
        }
    }
    for column in &columns {
        let shown_column = shown(&column.name);
        if column.generated {
            let text = format!("The column {shown_column} of {name} is computed by the database.");
            found.push(Disagreement::new(Kind::GeneratedColumn, text));
        } else if !fields.contains(&column.name.to_ascii_lowercase()) {
            let text = format!("The column {shown_column} of {name} is no field; it is left alone.");
            found.push(Disagreement::new(Kind::ForeignColumn, text));
        }
    }
    indexes(connection, objects, collection, refused, found)
}

fn indexes(
    connection: &Connection,
    objects: &[Object],
    collection: &Collection,
    refused: &Refused,
    found: &mut Vec<Disagreement>,
) -> Result<()> {
    let name = shown(&collection.name);
    let mut listed = HashSet::new();
    for sql in &collection.indexes {
        let Some(index) = Index::parse(sql) else {
            let text = format!(
                "An index of {name} has no text that could be understood: {}.",
                shown(sql)
            );
            found.push(Disagreement::new(Kind::Index, text));
            continue;
        };
        let shown_index = shown(&index.name);
        let differs = differs(connection, collection, &index).attempting("reading the indexes of a table")?;
        let key = index.name.to_ascii_lowercase();
        let text = match differs {
            None => None,
            Some(Difference::Missing) => Some(match refused.get(&key) {
                Some(why) => format!("The index {shown_index} of {name} can't be made: {why}"),
                None => format!("The index {shown_index} of {name} is missing."),
            }),
            Some(Difference::Other) => Some(format!(
                "The index {shown_index} of {name} is another than its text says."
            )),
        };
        found.extend(text.map(|text| Disagreement::new(Kind::Index, text)));
        listed.insert(key);
    }
    let of_table = |object: &&Object| object.kind == "index" && object.table.eq_ignore_ascii_case(&collection.name);
    for object in objects.iter().filter(of_table) {
        if !object.sql.is_empty() && !listed.contains(&object.name.to_ascii_lowercase()) {
            let text = format!(
                "The index {} of {name} is not listed by its collection.",
                shown(&object.name)
            );
            found.push(Disagreement::new(Kind::ForeignIndex, text));
        }
    }
    Ok(())
}

/// How an index differs from what its text says.
pub(super) enum Difference {
    Missing,
    Other,
}

/// How the index of the collection's table differs from `index`; `None` where it is that. Expressions and conditions
/// are compared by their being there only: SQLite rewrites their text when something is renamed.
pub(super) fn differs(
    connection: &Connection,
    collection: &Collection,
    index: &Index,
) -> rusqlite::Result<Option<Difference>> {
    let Some((unique, partial)) = objects::index_flags(connection, &collection.name, &index.name)? else {
        return Ok(Some(Difference::Missing));
    };
    let parts = objects::index_parts(connection, &index.name)?;
    let same = unique == index.unique
        && partial != index.condition.is_empty()
        && parts.len() == index.columns.len()
        && parts.iter().zip(&index.columns).all(|(part, column)| {
            let same_column = match &part.column {
                Some(name) => name.eq_ignore_ascii_case(&column.name),
                None => !collection
                    .fields
                    .iter()
                    .any(|field| field.name.eq_ignore_ascii_case(&column.name)),
            };
            same_column
                && (column.collate.is_empty() || column.collate.eq_ignore_ascii_case(&part.collate))
                && part.descending == (column.sort == "DESC")
        });
    Ok((!same).then_some(Difference::Other))
}

fn view(
    connection: &Connection,
    objects: &[Object],
    collection: &Collection,
    found: &mut Vec<Disagreement>,
) -> Result<()> {
    let name = shown(&collection.name);
    let mut wrong = |text: String| found.push(Disagreement::new(Kind::View, text));
    if objects::find(objects, "view", &collection.name).is_none() {
        wrong(format!("The view collection {name} has no view."));
        return Ok(());
    }
    match objects::columns(connection, &collection.name) {
        Ok(columns) => {
            for field in &collection.fields {
                if !columns
                    .iter()
                    .any(|column| column.name.eq_ignore_ascii_case(&field.name))
                {
                    wrong(format!("The view {name} has no column {}.", shown(&field.name)));
                }
            }
        }
        Err(error) => {
            let translated = Err::<(), _>(error).attempting("reading the columns of a view");
            let Err(error) = translated else { return Ok(()) };
            if matches!(error.kind(), crate::ErrorKind::Corrupt | crate::ErrorKind::NoSpace) {
                return Err(error);
            }
            let why = std::error::Error::source(&error)
                .and_then(|source| source.downcast_ref::<rusqlite::Error>())
                .map_or_else(|| error.detail().to_owned(), driver_message);
            wrong(format!("The view {name} can't be read: {}.", shown(&why)));
        }
    }
    Ok(())
}
