//! Whether a field's definition can stand: its names and the options of its type.

use bosbase_store::{Collection, Field, FieldKind};
use serde_json::json;

use super::context::Context;
use super::problem::{Check, Problem, Problems};
use super::rules::{MAX_SAFE, at_least, at_most, between, domain, length, no_via, regex, required, word};

/// Names that mean something else in filters and answers.
const RESERVED: [&str; 7] = [
    "null",
    "true",
    "false",
    "_rowid_",
    "collectionId",
    "collectionName",
    "expand",
];
/// The longest help text, in bytes.
const MAX_HELP: usize = 300;
/// What bcrypt looks at, in bytes.
const MAX_PASSWORD: i64 = 71;
/// bcrypt's limits.
const COSTS: (i64, i64) = (4, 31);

/// Checks the definition of `field` in `collection`.
pub fn check(context: &Context<'_, '_>, collection: &Collection, field: &Field) -> Check {
    let mut problems = Problems::default();
    problems.check(
        "id",
        required(!field.id.is_empty()).and_then(|()| length(&field.id, 1, 100)),
    );
    problems.check("name", name(&field.name));
    options(context, collection, field, &mut problems);
    problems.into_check()
}

/// Checks the name of a field.
pub fn name(name: &str) -> Check {
    required(!name.is_empty())?;
    length(name, 1, 100)?;
    word(name)?;
    if RESERVED.contains(&name) {
        return Err(Problem::new("validation_not_in_invalid", "must not be in list"));
    }
    no_via(name)
}

/// What PocketBase says of the first field of a view whose name no field can have.
pub fn unfit(fields: &[Field]) -> Option<String> {
    fields.iter().enumerate().find_map(|(index, field)| {
        let why = name(&field.name).err()?.to_plain();
        let why = why.as_str().unwrap_or_default();
        Some(format!("invalid field {:?} ({index}): name: {why}", field.name))
    })
}

fn options(context: &Context<'_, '_>, collection: &Collection, field: &Field, problems: &mut Problems) {
    let mut check = |name: &str, outcome: Check| problems.check(name, outcome);
    match &field.kind {
        FieldKind::Text { help, .. } => {
            check("help", length(help, 1, MAX_HELP));
            text(context, collection, field, problems);
        }
        FieldKind::Editor { help, max_size, .. } | FieldKind::Json { help, max_size, .. } => {
            check("help", length(help, 1, MAX_HELP));
            check("maxSize", between(*max_size, 0, MAX_SAFE));
        }
        FieldKind::Number {
            help,
            min,
            max,
            only_int,
            ..
        } => {
            check("help", length(help, 1, MAX_HELP));
            check("min", whole(*min, *only_int));
            check("max", whole(*max, *only_int).and_then(|()| not_below(*max, *min)));
        }
        FieldKind::Bool { help, .. } | FieldKind::Date { help, .. } | FieldKind::GeoPoint { help, .. } => {
            check("help", length(help, 1, MAX_HELP));
        }
        FieldKind::Email {
            help,
            except_domains,
            only_domains,
            ..
        }
        | FieldKind::Url {
            help,
            except_domains,
            only_domains,
            ..
        } => {
            check("help", length(help, 1, MAX_HELP));
            check("exceptDomains", domains(except_domains, only_domains));
            check("onlyDomains", domains(only_domains, except_domains));
        }
        FieldKind::Autodate { on_create, on_update } => {
            let problem = || Problem::new("validation_required", "either onCreate or onUpdate must be enabled");
            if let Some((before_create, before_update)) = context.autodate_before(field) {
                check("onCreate", unchanged(*on_create, before_create));
                check("onUpdate", unchanged(*on_update, before_update));
            }
            if !on_create && !on_update {
                problems.add("onCreate", problem());
                problems.add("onUpdate", problem());
            }
        }
        FieldKind::Select {
            help,
            values,
            max_select,
            ..
        } => {
            check("help", length(help, 1, MAX_HELP));
            check("values", required(!values.is_empty()));
            let most = i64::try_from(values.len()).unwrap_or(i64::MAX).max(1);
            check("maxSelect", between(*max_select, 0, most));
        }
        FieldKind::File {
            help,
            max_select,
            max_size,
            thumbs,
            ..
        } => {
            check("help", length(help, 1, MAX_HELP));
            check("maxSelect", between(*max_select, 0, MAX_SAFE));
            check("maxSize", between(*max_size, 0, MAX_SAFE));
            check("thumbs", each(thumbs, thumb));
        }
        FieldKind::Relation {
            help,
            collection_id,
            min_select,
            max_select,
            ..
        } => {
            check("help", length(help, 1, MAX_HELP));
            check(
                "collectionId",
                required(!collection_id.is_empty()).and_then(|()| target(context, collection, field, collection_id)),
            );
            check("minSelect", at_least(*min_select, 0));
            check(
                "maxSelect",
                required(*min_select <= 0 || *max_select != 0).and_then(|()| at_least(*max_select, *min_select)),
            );
        }
        FieldKind::Password {
            help,
            min,
            max,
            pattern,
            cost,
            ..
        } => {
            check("help", length(help, 1, MAX_HELP));
            check("min", between(*min, 1, MAX_PASSWORD));
            check("max", between(*max, *min, MAX_PASSWORD));
            check("cost", between(*cost, COSTS.0, COSTS.1));
            check("pattern", regex(pattern));
        }
    }
}

fn text(context: &Context<'_, '_>, collection: &Collection, field: &Field, problems: &mut Problems) {
    let FieldKind::Text {
        min,
        max,
        pattern,
        autogenerate_pattern,
        primary_key,
        required: needed,
        ..
    } = &field.kind
    else {
        return;
    };
    if *primary_key {
        if field.name != "id" {
            problems.add(
                "name",
                Problem::new("validation_in_invalid", "The primary key must be named \"id\"."),
            );
        }
        let keys = collection
            .fields
            .iter()
            .filter(|field| matches!(field.kind, FieldKind::Text { primary_key: true, .. }))
            .count();
        if keys > 1 {
            problems.add(
                "primaryKey",
                Problem::new(
                    "validation_unsupported_composite_pk",
                    "Composite PKs are not supported and the collection must have only 1 PK.",
                ),
            );
        }
        problems.check("pattern", required(!pattern.is_empty()));
        problems.check("required", required(*needed));
        if field.hidden {
            problems.add("hidden", Problem::new("validation_empty", "must be blank"));
        }
    }
    problems.check("min", between(*min, 0, MAX_SAFE));
    problems.check("max", at_least(*max, *min).and_then(|()| at_most(*max, MAX_SAFE)));
    problems.check("pattern", regex(pattern));
    problems.check(
        "autogeneratePattern",
        regex(autogenerate_pattern).and_then(|()| generates_valid_values(context, field, autogenerate_pattern)),
    );
}

/// Tries the pattern: what it makes must be accepted by the field.
fn generates_valid_values(context: &Context<'_, '_>, field: &Field, pattern: &str) -> Check {
    const TRIES: usize = 10;
    if pattern.is_empty() {
        return Ok(());
    }
    for _ in 0..TRIES {
        let value = crate::records::generate(pattern).ok_or_else(|| {
            Problem::new(
                "validation_invalid_autogenerate_pattern",
                "the pattern can't be generated from",
            )
        })?;
        if !accepts(context, field, &value) {
            return Err(Problem::new(
                "validation_invalid_autogenerate_pattern_value",
                format!("The provided autogenerate pattern could produce invalid field values, ex.: {value:?}"),
            ));
        }
    }
    Ok(())
}

fn accepts(context: &Context<'_, '_>, field: &Field, value: &str) -> bool {
    let FieldKind::Text { min, max, pattern, .. } = &field.kind else {
        return false;
    };
    let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
    let max = if *max == 0 { 5_000 } else { *max };
    let matches = pattern.is_empty() || context.patterns.is_match(pattern, value);
    !value.is_empty() && length >= *min && length <= max && matches
}

fn whole(limit: Option<f64>, only_int: bool) -> Check {
    match limit {
        Some(limit) if only_int && limit.fract() != 0.0 => Err(Problem::new(
            "validation_only_int_constraint",
            "Decimal numbers are not allowed.",
        )),
        _ => Ok(()),
    }
}

fn not_below(max: Option<f64>, min: Option<f64>) -> Check {
    match (max, min) {
        (Some(max), Some(min)) if max < min => {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "checked to be whole and small just before"
            )]
            let shown = if min.fract() == 0.0 && min.abs() < 1e15 {
                json!(min as i64)
            } else {
                json!(min)
            };
            Err(Problem::with(
                "validation_min_number_constraint",
                format!("must be greater or equal than {shown}"),
                json!({"min": shown}),
            ))
        }
        _ => Ok(()),
    }
}

fn unchanged(value: bool, before: bool) -> Check {
    if value == before {
        Ok(())
    } else {
        Err(Problem::new("validation_values_mismatch", "values don't match"))
    }
}

fn each(values: &[String], check: impl Fn(&str) -> Check) -> Check {
    let mut problems = Problems::default();
    for (index, value) in values.iter().enumerate() {
        problems.check(index.to_string(), check(value));
    }
    problems.into_check()
}

fn domains(domains: &[String], others: &[String]) -> Check {
    if others.is_empty() {
        return each(domains, domain);
    }
    if domains.is_empty() {
        Ok(())
    } else {
        Err(Problem::new("validation_empty", "must be blank"))
    }
}

/// `WxH` with an optional `t`, `b` or `f`, where one of both may be 0.
fn thumb(size: &str) -> Check {
    if matches!(size, "0x0" | "0x0t" | "0x0b" | "0x0f") {
        return Err(Problem::new("validation_not_in_invalid", "must not be in list"));
    }
    let sides = size.strip_suffix(['t', 'b', 'f']).unwrap_or(size).split_once('x');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if size.is_empty() || sides.is_some_and(|(width, height)| digits(width) && digits(height)) {
        Ok(())
    } else {
        Err(Problem::new("validation_match_invalid", "must be in a valid format"))
    }
}

fn target(context: &Context<'_, '_>, collection: &Collection, field: &Field, id: &str) -> Check {
    if context.relation_before(field).is_some_and(|before| before != id) {
        return Err(Problem::new(
            "validation_field_relation_change",
            "The relation collection cannot be changed.",
        ));
    }
    // A new collection may refer to itself, by the id that it is about to have.
    let is_view = if id == collection.id {
        Some(collection.is_view())
    } else {
        context.collection_with_id(id).map(|target| target.is_view())
    };
    match is_view {
        None => Err(Problem::new(
            "validation_field_relation_missing_collection",
            "The relation collection doesn't exist.",
        )),
        Some(true) if !collection.is_view() => Err(Problem::new(
            "validation_relation_field_non_view_base_collection",
            "Only view collections are allowed to have relations to other views.",
        )),
        Some(_) => Ok(()),
    }
}
