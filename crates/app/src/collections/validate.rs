//! Whether a definition can stand: what is checked before anything is stored.

use bosbase_store::{Collection, CollectionKind, Field, FieldKind};
use serde_json::json;

use super::auth_checks;
use super::context::Context;
use super::draft::Draft;
use super::field_checks;
use super::index_checks;
use super::problem::{Check, Problem, Problems};
use super::rules::{length, no_via, required, word};

/// Tables of the database that are not collections.
const INTERNAL_TABLES: [&str; 3] = ["_collections", "_params", "_migrations"];
/// Fields of auth records' requests that are no columns.
const RESERVED_IN_AUTH: [&str; 2] = ["passwordConfirm", "oldPassword"];

/// Everything that is wrong with the draft.
pub fn check(context: &Context<'_, '_>, draft: &Draft) -> Problems {
    let collection = &draft.collection;
    let mut problems = Problems::default();
    problems.check("id", id(context, collection));
    if let Some(original) = context.original
        && original.system != collection.system
    {
        problems.add(
            "system",
            Problem::new(
                "validation_collection_system_flag_change",
                "System collection state cannot be changed.",
            ),
        );
    }
    problems.check("type", kind(context, draft));
    problems.check("name", name(context, collection));
    problems.check("fields", fields(context, collection));
    rules(context, collection, &mut problems);
    problems.check("indexes", index_checks::check(context, collection));
    match collection.kind {
        CollectionKind::Base => {}
        CollectionKind::View => problems.check("viewQuery", view_query(context, collection)),
        CollectionKind::Auth => auth_checks::check(context, draft, &mut problems),
    }
    problems
}

fn id(context: &Context<'_, '_>, collection: &Collection) -> Check {
    let id = &collection.id;
    required(!id.is_empty())?;
    if let Some(original) = context.original {
        if original.id != *id {
            return Err(Problem::new("validation_values_mismatch", "values don't match"));
        }
        return Ok(());
    }
    length(id, 1, 100)?;
    word(id)?;
    if context.collection_with_id(id).is_some() {
        return Err(Problem::new(
            "validation_invalid_or_existing_id",
            "the model id is invalid or already exists",
        ));
    }
    Ok(())
}

fn kind(context: &Context<'_, '_>, draft: &Draft) -> Check {
    if draft.unknown_kind {
        return Err(Problem::new("validation_in_invalid", "must be a valid value"));
    }
    match context.original {
        Some(original) if original.kind != draft.collection.kind => Err(Problem::new(
            "validation_collection_type_change",
            "Collection type cannot be changed.",
        )),
        _ => Ok(()),
    }
}

fn name(context: &Context<'_, '_>, collection: &Collection) -> Check {
    let name = collection.name.as_str();
    required(!name.is_empty())?;
    length(name, 1, 255)?;
    no_via(name)?;
    word(name)?;
    if context.system().is_some_and(|original| original.name != name) {
        return Err(Problem::new(
            "validation_collection_system_name_change",
            "System collection name cannot be changed.",
        ));
    }
    let own_id = context.original.map(|original| original.id.as_str());
    let mut others = context
        .schema()
        .all()
        .iter()
        .filter(|other| Some(other.id.as_str()) != own_id);
    if others.any(|other| other.name.eq_ignore_ascii_case(name)) {
        return Err(Problem::new(
            "validation_collection_name_exists",
            "Collection name must be unique (case insensitive).",
        ));
    }
    if context.collection_with_id(name).is_some() {
        return Err(Problem::new(
            "validation_collection_name_id_duplicate",
            "The name must not match an existing collection id.",
        ));
    }
    if INTERNAL_TABLES.iter().any(|table| table.eq_ignore_ascii_case(name)) {
        return Err(Problem::new(
            "validation_collection_name_invalid",
            "The name shouldn't match with an existing internal table.",
        ));
    }
    Ok(())
}

fn fields(context: &Context<'_, '_>, collection: &Collection) -> Check {
    no_duplicates(&collection.fields)?;
    system_fields_are_there(context, collection)?;
    if !collection.is_view() {
        stored_fields_are_kept(context, collection)?;
    }
    if collection.is_auth() {
        each(&collection.fields, |field| {
            if RESERVED_IN_AUTH.contains(&field.name.as_str()) {
                let problem = Problem::new(
                    "validation_reserved_field_name",
                    "The field name is reserved and cannot be used.",
                );
                return Err(problem.at("name"));
            }
            Ok(())
        })?;
    }
    each(&collection.fields, |field| {
        field_checks::check(context, collection, field)
    })
}

fn each(fields: &[Field], check: impl Fn(&Field) -> Check) -> Check {
    let mut problems = Problems::default();
    for (index, field) in fields.iter().enumerate() {
        problems.check(index.to_string(), check(field));
    }
    problems.into_check()
}

fn no_duplicates(fields: &[Field]) -> Check {
    for (index, field) in fields.iter().enumerate() {
        let earlier = &fields[..index];
        let problem = if earlier.iter().any(|other| other.id == field.id) {
            Problem::new(
                "validation_duplicated_field_id",
                format!("Duplicated or invalid field id {:?}", field.id),
            )
            .at("id")
        } else if earlier.iter().any(|other| other.name.eq_ignore_ascii_case(&field.name)) {
            // Names are columns, which SQLite compares without regard to case.
            Problem::with(
                "validation_duplicated_field_name",
                format!("Duplicated or invalid field name {}", field.name),
                json!({"fieldName": field.name}),
            )
            .at("name")
        } else {
            continue;
        };
        return Err(problem.at(index.to_string()));
    }
    Ok(())
}

fn system_fields_are_there(context: &Context<'_, '_>, collection: &Collection) -> Check {
    let view_error = context.view_error.as_deref().unwrap_or_default();
    // What is wrong with the ids is said of the query alone.
    if view_error.starts_with("the query could return records with") {
        return Ok(());
    }
    required(view_error.starts_with("missing required id") || !collection.fields.is_empty())?;
    let is_key = |field: &Field| matches!(field.kind, FieldKind::Text { primary_key: true, .. });
    if !collection.field("id").is_some_and(is_key) {
        return Err(Problem::new(
            "validation_missing_primary_key",
            "Missing or invalid \"id\" PK field.",
        ));
    }
    if !collection.is_auth() {
        return Ok(());
    }
    // What was there in another type was replaced before; a type that differs still is a bug or a damaged definition.
    for (code, name, of_kind) in [
        ("validation_missing_password_field", "password", "password"),
        ("validation_missing_tokenKey_field", "tokenKey", "text"),
        ("validation_missing_email_field", "email", "email"),
        ("validation_missing_emailVisibility_field", "emailVisibility", "bool"),
        ("validation_missing_verified_field", "verified", "bool"),
    ] {
        if collection.field(name).is_none_or(|field| field.kind.name() != of_kind) {
            return Err(Problem::new(code, format!("System \"{name}\" field is required.")));
        }
    }
    Ok(())
}

fn stored_fields_are_kept(context: &Context<'_, '_>, collection: &Collection) -> Check {
    let Some(original) = context.original else {
        return Ok(());
    };
    for before in original.fields.iter().filter(|field| field.system) {
        let now = collection.fields.iter().find(|field| field.id == before.id);
        if now.is_none_or(|now| now.name != before.name) {
            return Err(Problem::new(
                "validation_system_field_change",
                "System fields cannot be deleted or renamed.",
            ));
        }
    }
    each(&collection.fields, |field| match context.before(field) {
        Some(before) if before.kind.name() != field.kind.name() => Err(Problem::new(
            "validation_field_type_change",
            "Field type cannot be changed.",
        )),
        _ => Ok(()),
    })
}

fn rules(context: &Context<'_, '_>, collection: &Collection, problems: &mut Problems) {
    let (now, before) = (&collection.rules, context.original.map(|original| &original.rules));
    for (name, writes, rule, before) in [
        (
            "listRule",
            false,
            &now.list_rule,
            before.map(|before| &before.list_rule),
        ),
        (
            "viewRule",
            false,
            &now.view_rule,
            before.map(|before| &before.view_rule),
        ),
        (
            "createRule",
            true,
            &now.create_rule,
            before.map(|before| &before.create_rule),
        ),
        (
            "updateRule",
            true,
            &now.update_rule,
            before.map(|before| &before.update_rule),
        ),
        (
            "deleteRule",
            true,
            &now.delete_rule,
            before.map(|before| &before.delete_rule),
        ),
    ] {
        if writes && collection.is_view() && rule.is_some() {
            problems.add(name, Problem::new("validation_nil", "must be blank"));
        }
        problems.check(
            name,
            context.rule(collection, rule.as_deref(), before.map(Option::as_deref)),
        );
    }
}

fn view_query(context: &Context<'_, '_>, collection: &Collection) -> Check {
    required(!collection.view_query().is_empty())?;
    match &context.view_error {
        None => Ok(()),
        Some(error) => Err(Problem::new(
            "validation_invalid_view_query",
            format!("Invalid query - {error}"),
        )),
    }
}
