//! `@request.*`: what a rule may ask about the request and who makes it.

use std::collections::HashSet;
use std::rc::Rc;

use serde_json::Value;

use super::condition::Names;
use super::invalid;
use super::path::{Modifier, Walk, can_be_multiple, split_modifier};
use super::predicate::{Comparison, Expression, Join, Literal, Many, On, Operand, Source};
use super::scope::Scope;
use super::token::{Comparator, Operator};
use crate::error::Result;
use crate::model::field::{Field, FieldKind};
use crate::model::record::Record;

/// Fields of the one who asks that are known without a look into the database.
const KNOWN_OF_AUTH: [&str; 6] = [
    "id",
    "collectionId",
    "collectionName",
    "email",
    "emailVisibility",
    "verified",
];

/// The operand of an `@request.` name. What the request does not have is absent.
///
/// # Errors
/// A name that can't be one, a modifier that does not fit.
pub(super) fn resolve(scope: &mut Scope<'_>, name: &str) -> Result<Operand> {
    let rest = &name["@request.".len()..];
    let well_formed = match rest.split_once('.') {
        None => matches!(rest, "context" | "method"),
        Some((section, path)) => {
            matches!(section, "auth" | "body" | "query" | "headers")
                && path.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && path
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'))
        }
    };
    if !well_formed {
        return Err(invalid(format!("failed to resolve field {name:?}")));
    }
    let properties: Vec<&str> = rest.split('.').collect();
    match properties[0] {
        "auth" => auth(scope, rest, &properties),
        "body" => body(scope, &properties),
        _ => sent(scope, &properties),
    }
}

/// `@request.auth.…`: known values as they are, others from the database as it is now.
fn auth(scope: &mut Scope<'_>, rest: &str, properties: &[&str]) -> Result<Operand> {
    let Some(record) = scope.request.auth.as_ref() else {
        return Ok(Operand::absent());
    };
    if properties.len() == 2 && KNOWN_OF_AUTH.contains(&properties[1]) {
        return Ok(known_of_auth(record, properties[1]));
    }
    let on = On::Id(record.id().to_owned());
    let mut walk = Walk::at_base(scope);
    walk.hidden = true;
    walk.lenient = true;
    walk.jump(&record.collection, "@request.auth", false, &on)?;
    walk.follow(&rest["auth.".len()..])
}

fn known_of_auth(record: &Record, field: &str) -> Operand {
    match field {
        "collectionId" => Operand::literal(Literal::Text(record.collection.id.clone())),
        "collectionName" => Operand::literal(Literal::Text(record.collection.name.clone())),
        _ => record.values.get(field).map_or_else(Operand::absent, value),
    }
}

/// `@request.body.…`: what was sent, read as the collection's field where it has one of that name.
fn body(scope: &mut Scope<'_>, properties: &[&str]) -> Result<Operand> {
    let (name, modifier) = split_modifier(properties[1])?;
    let collection = scope.base.collection;
    let Some(field) = collection.field(name) else {
        return sent(scope, properties);
    };
    if properties.len() > 2 {
        if let FieldKind::Relation { collection_id, .. } = &field.kind {
            return related(scope, field, collection_id, &properties[2..]);
        }
        return sent(scope, properties);
    }
    match modifier {
        Some(Modifier::Changed) => changed(scope, field),
        Some(Modifier::Each) => each(scope, field),
        Some(Modifier::Length) => {
            multiple(field)?;
            let sent = items(sent_value(scope, &["body", name]));
            Ok(Operand::new(Expression::Count(sent.len())))
        }
        Some(Modifier::Lower) => {
            let text = sent_value(scope, &["body", name]).map_or_else(String::new, plain_text);
            let text = Expression::Literal(Literal::Text(text));
            Ok(Operand::new(Expression::Lower(Box::new(text))))
        }
        Some(Modifier::IsSet) | None => sent(scope, properties),
    }
}

/// `@request.body.team.name`: a field of the records that the body relates to.
fn related(scope: &mut Scope<'_>, field: &Field, collection_id: &str, rest: &[&str]) -> Result<Operand> {
    let target = scope.collection(collection_id).ok_or_else(|| {
        let name = &field.name;
        invalid(format!(
            "failed to load collection {collection_id:?} from data field {name:?}"
        ))
    })?;
    let ids = ids(sent_value(scope, &["body", &field.name]));
    if ids.is_empty() {
        return Ok(Operand::absent());
    }
    let key = format!("@request.body.{}", field.name);
    let mut walk = Walk::at_base(scope);
    walk.hidden = true;
    walk.lenient = true;
    walk.repeats = ids.len() > 1;
    walk.jump(target, &key, field.kind.is_multiple(), &On::Ids(ids))?;
    walk.follow(&rest.join("."))
}

/// `@request.body.tags:each`.
fn each(scope: &mut Scope<'_>, field: &Field) -> Result<Operand> {
    multiple(field)?;
    let list = Value::Array(items(sent_value(scope, &["body", &field.name]))).to_string();
    let sent = Source::Sent(list);
    let outer = scope.join(&format!("@request.body.{}[]", field.name), None, true, sent.clone())?;
    // As in PocketBase, what is not sent has no empty element either.
    let mut operand = Operand {
        known: true,
        ..Operand::new(Expression::Column(outer.element()))
    };
    if field.kind.is_multiple() {
        let (start, inner) = (scope.row(), scope.row());
        operand.many = Some(Many {
            table: scope.base.table.clone(),
            start,
            outer: scope.base.row,
            joins: vec![Join {
                row: inner,
                source: sent,
            }],
            value: Expression::Column(inner.element()),
        });
    }
    Ok(operand)
}

/// `@request.body.role:changed`: it was sent, and is not what the record holds.
fn changed(scope: &mut Scope<'_>, field: &Field) -> Result<Operand> {
    if sent_value(scope, &["body", &field.name]).is_none() {
        return Ok(Operand::truth(false));
    }
    let comparison = Comparison {
        left: sent(scope, &["body", &field.name])?,
        operator: Operator {
            comparator: Comparator::NotEqual,
            any: false,
        },
        right: scope.name(&field.name)?,
    };
    Ok(Operand::new(Expression::Holds(Box::new(comparison))))
}

/// A value of the request that needs no table.
fn sent(scope: &Scope<'_>, properties: &[&str]) -> Result<Operand> {
    let (last, modifier) = split_modifier(properties[properties.len() - 1])?;
    let mut path = properties.to_vec();
    path.pop();
    path.push(last);
    let found = sent_value(scope, &path);
    match modifier {
        Some(Modifier::IsSet) => return Ok(Operand::is_sent(found.is_some())),
        Some(Modifier::Lower) | None => {}
        Some(_) => {
            return Err(invalid(format!(
                "invalid modifier sequence {}",
                properties[properties.len() - 1]
            )));
        }
    }
    let operand = match found.as_ref() {
        // A form sends numbers as text.
        Some(Value::String(text)) if is_number(scope, last) => {
            text.parse().ok().filter(|number: &f64| number.is_finite()).map_or_else(
                || Operand::literal(Literal::Text(text.clone())),
                |number| Operand::literal(Literal::Real(number)),
            )
        }
        Some(found) => value(found),
        None => Operand::absent(),
    };
    if modifier == Some(Modifier::Lower) && operand.value != Expression::Absent {
        return Ok(Operand::new(Expression::Lower(Box::new(operand.value))));
    }
    Ok(operand)
}

fn is_object(scope: &Scope<'_>, field: &str) -> bool {
    let field = scope.base.collection.field(field);
    field.is_some_and(|field| matches!(field.kind, FieldKind::Json { .. } | FieldKind::GeoPoint { .. }))
}

/// The value of a json field or a point of the body, which holds its text.
fn parsed_field(scope: &Scope<'_>, name: &str, text: &str) -> Rc<Value> {
    let mut known = scope.parsed.borrow_mut();
    if !known.contains_key(name) {
        let value = serde_json::from_str(text).unwrap_or_default();
        known.insert(name.to_owned(), Rc::new(value));
    }
    known[name].clone()
}

fn is_number(scope: &Scope<'_>, field: &str) -> bool {
    let field = scope.base.collection.field(field);
    field.is_some_and(|field| matches!(field.kind, FieldKind::Number { .. }))
}

/// The value that a path such as `body.meta.0` leads to; none if there is nothing. Json fields and points stand in the
/// body as their texts.
fn sent_value(scope: &Scope<'_>, path: &[&str]) -> Option<Value> {
    let request = scope.request;
    let section = match path[0] {
        "context" => return Some(Value::String(request.context.clone())),
        "method" => return Some(Value::String(request.method.clone())),
        "query" => &request.query,
        "headers" => {
            let found = request.headers.get(path.get(1)?)?;
            return (path.len() == 2).then_some(Value::String(found));
        }
        _ => &request.body,
    };
    let name = *path.get(1)?;
    let mut found = section.get(name)?;
    let parsed;
    if let (Value::String(text), true) = (found, path.len() > 2 && path[0] == "body" && is_object(scope, name)) {
        parsed = parsed_field(scope, name, text);
        found = &parsed;
    }
    for &key in &path[2..] {
        found = match found {
            Value::Object(object) => object.get(key)?,
            Value::Array(array) => array.get(key.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(found.clone())
}

/// A JSON value as an operand; lists and objects compare as their JSON text.
fn value(value: &Value) -> Operand {
    match value {
        Value::Null => Operand::absent(),
        Value::Bool(truth) => Operand::literal(Literal::Bool(*truth)),
        Value::Number(number) => Operand::literal(number.as_f64().map_or(Literal::Null, Literal::Real)),
        Value::String(text) => Operand::literal(Literal::Text(text.clone())),
        Value::Array(_) | Value::Object(_) => Operand::literal(Literal::Text(value.to_string())),
    }
}

fn plain_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn items(value: Option<Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(other) => vec![other],
    }
}

/// The ids in a relation's value: one, a list, or a list that a form sent as JSON text.
fn ids(value: Option<Value>) -> Vec<String> {
    let list = match value {
        Some(Value::String(text)) if text.starts_with('[') => {
            serde_json::from_str(&text).unwrap_or_else(|_| vec![Value::String(text)])
        }
        other => items(other),
    };
    let mut seen = HashSet::new();
    let given = list.into_iter().map(plain_text).filter(|id| !id.is_empty());
    given.filter(|id| seen.insert(id.clone())).collect()
}

fn multiple(field: &Field) -> Result<()> {
    if can_be_multiple(&field.kind) {
        return Ok(());
    }
    Err(invalid(format!(
        "field {:?} doesn't support multivalue operations",
        field.name
    )))
}
