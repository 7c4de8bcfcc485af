//! Whether a collection's indexes can stand.

use std::collections::HashSet;

use bosbase_store::{Collection, Index};
use serde_json::json;

use super::context::Context;
use super::problem::{Check, Problem};

/// Checks the indexes of `collection`.
pub fn check(context: &Context<'_, '_>, collection: &Collection) -> Check {
    if collection.is_view() && !collection.indexes.is_empty() {
        return Err(Problem::new(
            "validation_indexes_not_supported",
            "View collections don't support indexes.",
        ));
    }
    let (mut names, mut definitions) = (HashSet::new(), HashSet::new());
    for (position, sql) in collection.indexes.iter().enumerate() {
        one(context, collection, sql, &mut names, &mut definitions)
            .map_err(|problem| problem.at(position.to_string()))?;
    }
    unique_system_indexes_are_kept(context, collection)?;
    if collection.is_auth() {
        for field in ["tokenKey", "email"] {
            if !collection.has_unique(field) {
                return Err(Problem::with(
                    "validation_missing_required_unique_index",
                    format!("Missing required unique index for field \"{field}\"."),
                    json!({"fieldName": field}),
                ));
            }
        }
    }
    Ok(())
}

fn one(
    context: &Context<'_, '_>,
    collection: &Collection,
    sql: &str,
    names: &mut HashSet<String>,
    definitions: &mut HashSet<String>,
) -> Check {
    let Some(mut index) = Index::parse(sql) else {
        return Err(Problem::new(
            "validation_invalid_index_expression",
            "Invalid CREATE INDEX expression.",
        ));
    };
    if !names.insert(index.name.to_lowercase()) {
        return Err(Problem::new(
            "validation_duplicated_index_name",
            "The index name already exists.",
        ));
    }
    if let Some(other) = owner_of(context, collection, &index.name) {
        return Err(Problem::with(
            "validation_existing_index_name",
            format!("The index name is already used in {other} collection."),
            json!({"usedTableName": other}),
        ));
    }
    // What it is called does not make it another index.
    "same".clone_into(&mut index.name);
    "same".clone_into(&mut index.table);
    index.schema.clear();
    if !definitions.insert(index.statement()) {
        return Err(Problem::new(
            "validation_duplicated_index_definition",
            "The index definition already exists.",
        ));
    }
    Ok(())
}

/// The other collection that has an index of this name.
fn owner_of(context: &Context<'_, '_>, collection: &Collection, name: &str) -> Option<String> {
    let has = |other: &Collection| {
        other
            .indexes
            .iter()
            .filter_map(|sql| Index::parse(sql))
            .any(|index| index.name.eq_ignore_ascii_case(name))
    };
    let own_id = context.original.map_or(&collection.id, |original| &original.id);
    context
        .schema()
        .all()
        .iter()
        .filter(|other| other.id != *own_id)
        .find(|other| has(other))
        .map(|other| other.name.clone())
}

/// A unique index on a system field must stay; its name, condition, collation and order may change.
fn unique_system_indexes_are_kept(context: &Context<'_, '_>, collection: &Collection) -> Check {
    let Some(original) = context.original else {
        return Ok(());
    };
    let kept: HashSet<Vec<String>> = collection
        .indexes
        .iter()
        .filter_map(|sql| Index::parse(sql))
        .filter(|index| index.unique)
        .map(|index| column_names(&index))
        .collect();
    for index in original.indexes.iter().filter_map(|sql| Index::parse(sql)) {
        let system_field = original.fields.iter().find(|field| {
            field.system
                && index
                    .columns
                    .iter()
                    .any(|column| column.name.eq_ignore_ascii_case(&field.name))
        });
        let Some(field) = system_field.filter(|_| index.unique && !kept.contains(&column_names(&index))) else {
            continue;
        };
        return Err(Problem::with(
            "validation_invalid_unique_system_field_index",
            format!(
                "Unique index definition on system fields ({}) is invalid or missing.",
                field.name
            ),
            json!({"fieldName": field.name}),
        ));
    }
    Ok(())
}

fn column_names(index: &Index) -> Vec<String> {
    index.columns.iter().map(|column| column.name.to_lowercase()).collect()
}
