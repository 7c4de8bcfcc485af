//! Paths along fields: `title`, `author.team.name`, `comments_via_post.text`, `meta.tags.0`, `tags:each`,
//! `@collection.teams.name`.

use rusqlite::types::Value;

use super::condition::Names;
use super::operand::{Many, NullFallback, Operand};
use super::scope::Scope;
use super::sql::Sql;
use super::{MAX_RELATIONS, invalid};
use crate::collection::Collection;
use crate::error::Result;
use crate::field::{Field, FieldKind};
use crate::sql::quote;
use crate::tables::indexes::Index;

/// What may follow a field's name after a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modifier {
    IsSet,
    Changed,
    Length,
    Each,
    Lower,
}

/// A field's name and its modifier. As in PocketBase anything with more than one colon is a name.
///
/// # Errors
/// An unknown modifier.
pub(super) fn split_modifier(property: &str) -> Result<(&str, Option<Modifier>)> {
    let Some((name, modifier)) = property.split_once(':').filter(|(_, rest)| !rest.contains(':')) else {
        return Ok((property, None));
    };
    let modifier = match modifier {
        "isset" => Modifier::IsSet,
        "changed" => Modifier::Changed,
        "length" => Modifier::Length,
        "each" => Modifier::Each,
        "lower" => Modifier::Lower,
        _ => return Err(invalid(format!("unknown modifier in {property:?}"))),
    };
    Ok((name, Some(modifier)))
}

/// Whether a name is made of letters, digits and `_`.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A path that starts at the base record, or at `@collection.`.
///
/// # Errors
/// A path that leads nowhere, or to what may not be used here.
pub(super) fn resolve(scope: &mut Scope<'_>, path: &str) -> Result<Operand> {
    let unresolved = || invalid(format!("failed to resolve field {path:?}"));
    if let Some(rest) = path.strip_prefix("@collection.") {
        let (target, rest) = rest.split_once('.').ok_or_else(unresolved)?;
        let (name, alias) = target
            .split_once(':')
            .map_or((target, None), |(name, alias)| (name, Some(alias)));
        if !is_word(name) || alias.is_some_and(|alias| !is_word(alias)) {
            return Err(unresolved());
        }
        let collection = scope
            .collection(name)
            .ok_or_else(|| invalid(format!("failed to load collection {target:?} from field path {path:?}")))?;
        let key = format!("@collection.{}:{}", collection.id, alias.unwrap_or_default());
        let mut walk = Walk::at_base(scope);
        walk.hidden = true;
        walk.jump(collection, &key, true, |_| Sql::default())?;
        return walk.follow(rest);
    }
    if !path.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Err(unresolved());
    }
    Walk::at_base(scope).follow(path)
}

/// Where a path has led so far: the same rows twice, outside and inside of the subquery that asks about all of them.
pub(super) struct Walk<'s, 'a> {
    scope: &'s mut Scope<'a>,
    collection: &'a Collection,
    outer: String,
    inner: String,
    /// The path as the key of its join.
    key: String,
    /// Whether hidden fields may be used.
    pub(super) hidden: bool,
    /// Whether what does not exist is absent instead of an error.
    pub(super) lenient: bool,
    /// Whether the way here was through several values, all of which must match.
    several: bool,
    /// Whether the rows jumped to can be several although they stand for one value.
    pub(super) repeats: bool,
    /// The subquery, without its value.
    many: Many,
}

impl<'s, 'a> Walk<'s, 'a> {
    pub(super) fn at_base(scope: &'s mut Scope<'a>) -> Self {
        let base = scope.base.clone();
        let inner = scope.alias();
        Self {
            collection: base.collection,
            outer: base.alias.clone(),
            inner: inner.clone(),
            key: String::new(),
            hidden: scope.hidden_allowed(),
            lenient: false,
            several: false,
            repeats: false,
            many: Many {
                source: base.source,
                alias: inner,
                outer: base.alias,
                joins: Sql::default(),
                value: Sql::default(),
            },
            scope,
        }
    }

    /// A column of the present rows, outside and inside of the subquery.
    fn column(&self, name: &str) -> (Sql, Sql) {
        (Sql::column(&self.outer, name), Sql::column(&self.inner, name))
    }

    /// Goes to rows of `collection` that no field leads to; `on` is the condition for an alias.
    pub(super) fn jump(
        &mut self,
        collection: &'a Collection,
        key: &str,
        several: bool,
        on: impl Fn(&str) -> Sql,
    ) -> Result<()> {
        let nowhere = (Sql::default(), Sql::default());
        self.step(collection, key.to_owned(), several, nowhere, |_, to| on(to))
    }

    /// Goes from `anchor`, a column outside and inside of the subquery, to rows of `collection`; `on` is the condition for a
    /// column and the alias of the new rows.
    fn step(
        &mut self,
        collection: &'a Collection,
        key: String,
        several: bool,
        anchor: (Sql, Sql),
        on: impl Fn(Sql, &str) -> Sql,
    ) -> Result<()> {
        let table = quote(&collection.name);
        let join = |anchor: Sql, to: &str| {
            let on = on(anchor, to);
            let joined = Sql::new(format!(" LEFT JOIN {table} {to}"));
            if on.text.is_empty() {
                joined
            } else {
                joined.then(" ON ").with(on)
            }
        };
        // Only a table's ids are unique.
        let repeats = several || self.repeats || collection.is_view();
        self.outer = self
            .scope
            .join(&key, Some(collection), repeats, |to| join(anchor.0, to))?;
        self.inner = self.scope.alias();
        self.many.joins = std::mem::take(&mut self.many.joins).with(join(anchor.1, &self.inner));
        self.key = key;
        self.collection = collection;
        self.several |= several;
        Ok(())
    }

    /// Joins the elements of a list column; returns their columns outside and inside of the subquery.
    fn elements(&mut self, column: &str) -> Result<(Sql, Sql)> {
        let (outer, inner) = self.column(column);
        let join = |column: &Sql, to: &str| Sql::new(format!(" LEFT JOIN {} {to}", each_element(&column.text)));
        let key = format!("{}.{column}[]", self.key);
        let outer = self.scope.join(&key, None, true, |to| join(&outer, to))?;
        let alias = self.scope.alias();
        self.many.joins = std::mem::take(&mut self.many.joins).with(join(&inner, &alias));
        Ok((Sql::column(&outer, "value"), Sql::column(&alias, "value")))
    }

    /// Follows the rest of a path to its value.
    pub(super) fn follow(mut self, path: &str) -> Result<Operand> {
        let properties: Vec<&str> = path.split('.').collect();
        let last = properties.len() - 1;
        for (index, &property) in properties.iter().enumerate().take(last) {
            let Some(field) = self.collection.field(property) else {
                match self.back(property, index) {
                    Err(_) if self.lenient && index < MAX_RELATIONS => return Ok(Operand::null()),
                    other => other?,
                }
                continue;
            };
            if field.hidden && !self.hidden {
                return Err(invalid(format!("non-filterable field {property:?}")));
            }
            match &field.kind {
                FieldKind::Json { .. } | FieldKind::GeoPoint { .. } => {
                    return self.inside_json(&field.name, &properties[index + 1..]);
                }
                FieldKind::Relation { collection_id, .. } => {
                    deep_enough(index, property)?;
                    // `author.id` is what `author` holds.
                    if !field.kind.is_multiple() && index + 1 == last && properties[last] == "id" {
                        return self.value(&field.name);
                    }
                    self.forward(field, collection_id)?;
                }
                _ => {
                    deep_enough(index, property)?;
                    return Err(invalid(format!("field {property:?} is not a valid relation")));
                }
            }
        }
        self.value(properties[last])
    }

    /// Goes along a relation.
    fn forward(&mut self, field: &Field, collection_id: &str) -> Result<()> {
        let target = self
            .scope
            .collection(collection_id)
            .ok_or_else(|| invalid(format!("failed to load field {:?} collection", field.name)))?;
        let key = format!("{}.{}", self.key, field.name);
        let several = field.kind.is_multiple();
        let anchor = if several {
            self.elements(&field.name)?
        } else {
            self.column(&field.name)
        };
        self.step(target, key, several, anchor, |anchor, to| {
            equals(Sql::column(to, "id"), anchor)
        })
    }

    /// Goes back along a relation that points here: `comments_via_post`.
    fn back(&mut self, property: &str, index: usize) -> Result<()> {
        deep_enough(index, property)?;
        let (name, via) = property
            .rsplit_once("_via_")
            .filter(|(name, via)| is_word(name) && is_word(via))
            .ok_or_else(|| invalid(format!("failed to resolve field {property:?}")))?;
        let source = self
            .scope
            .collection(name)
            .ok_or_else(|| invalid(format!("failed to load back relation field {property:?} collection")))?;
        let field = source
            .field(via)
            .ok_or_else(|| invalid(format!("missing back relation field {via:?}")))?;
        let FieldKind::Relation { collection_id, .. } = &field.kind else {
            return Err(invalid(format!("invalid back relation field {via:?}")));
        };
        if field.hidden && !self.hidden {
            return Err(invalid(format!("non-filterable back relation field {via:?}")));
        }
        if *collection_id != self.collection.id || (self.key.is_empty() && !self.scope.base.stored) {
            return Err(invalid(format!(
                "invalid collection reference of a back relation field {via:?}"
            )));
        }
        let key = format!("{}.{}<{via}", self.key, source.id);
        let id = self.column("id");
        if field.kind.is_multiple() {
            return self.step(source, key, true, id, |id, to| {
                let elements = each_element(&Sql::column(to, via).text);
                id.then(&format!(" IN (SELECT \"value\" FROM {elements})"))
            });
        }
        let several = !has_unique_index(&source.indexes, via);
        self.step(source, key, several, id, |id, to| equals(Sql::column(to, via), id))
    }

    /// A value inside of a JSON column.
    fn inside_json(self, column: &str, properties: &[&str]) -> Result<Operand> {
        let mut path = String::from("$");
        for property in properties {
            // Nothing else can be in a name, and neither brackets nor quotes are.
            let key: String = property.chars().filter(|&c| c != ':').collect();
            if key.is_empty() {
                return Err(invalid(format!("empty key in a path into {column:?}")));
            }
            if key.chars().all(|c| c.is_ascii_digit()) {
                path.push_str(&format!("[{key}]"));
            } else {
                path.push_str(&format!(".{key}"));
            }
        }
        let (outer, inner) = self.column(column);
        let (outer, inner) = (extract(&outer, &path), extract(&inner, &path));
        let operand = self.end(outer, inner);
        Ok(Operand {
            fallback: NullFallback::Disabled,
            ..operand
        })
    }

    /// The value of the path's last property.
    fn value(mut self, property: &str) -> Result<Operand> {
        let (name, modifier) = split_modifier(property)?;
        let Some(field) = self.collection.field(name) else {
            if self.lenient {
                return Ok(Operand::null());
            }
            return Err(invalid(format!("unknown field {name:?}")));
        };
        if field.hidden && !self.hidden {
            return Err(invalid(format!("non-filterable field {name:?}")));
        }
        let (outer, inner) = self.column(name);
        if can_be_multiple(&field.kind) {
            match modifier {
                Some(Modifier::Length) => return Ok(self.end(length(&outer.text), length(&inner.text))),
                Some(Modifier::Each) => {
                    let (outer, inner) = self.elements(name)?;
                    self.several |= field.kind.is_multiple();
                    return Ok(self.end(outer, inner));
                }
                _ => {}
            }
        }
        let guard = (name == "email" && !self.hidden && self.collection.is_auth())
            .then(|| Sql::column(&self.outer, "emailVisibility").then(" = TRUE"));
        let (outer, inner, fallback) = if matches!(field.kind, FieldKind::Json { .. }) {
            // A plain value stored as JSON compares like the value, not like its JSON text.
            (extract(&outer, "$"), extract(&inner, "$"), NullFallback::Disabled)
        } else {
            (outer, inner, NullFallback::Auto)
        };
        let (outer, inner) = if modifier == Some(Modifier::Lower) {
            (lower(outer), lower(inner))
        } else {
            (outer, inner)
        };
        let operand = self.end(outer, inner);
        Ok(Operand {
            fallback,
            guard,
            ..operand
        })
    }

    /// The operand of a value, given how it is read outside and inside of the subquery.
    fn end(mut self, outer: Sql, inner: Sql) -> Operand {
        let mut operand = Operand::new(outer);
        if self.several {
            self.many.value = inner;
            operand.many = Some(self.many);
        }
        operand
    }
}

fn deep_enough(index: usize, property: &str) -> Result<()> {
    if index < MAX_RELATIONS {
        return Ok(());
    }
    Err(invalid(format!("max nested relations reached for field {property:?}")))
}

fn equals(left: Sql, right: Sql) -> Sql {
    left.then(" = ").with(right)
}

pub(super) fn lower(value: Sql) -> Sql {
    Sql::new("LOWER(").with(value).then(")")
}

/// Whether a type of field can hold a list, be it configured so or not.
pub(super) fn can_be_multiple(kind: &FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::Select { .. } | FieldKind::File { .. } | FieldKind::Relation { .. }
    )
}

/// The elements of a column; a value that is no list is its own only element.
fn each_element(column: &str) -> String {
    format!(
        "json_each(CASE WHEN iif(json_valid({column}), json_type({column}) = 'array', FALSE) \
         THEN {column} ELSE json_array({column}) END)"
    )
}

/// How many elements a column has; an empty value has none.
fn length(column: &str) -> Sql {
    Sql::new(format!(
        "json_array_length(CASE WHEN iif(json_valid({column}), json_type({column}) = 'array', FALSE) THEN {column} \
         WHEN {column} = '' OR {column} IS NULL THEN json_array() ELSE json_array({column}) END)"
    ))
}

/// What `path` (`$`, `$.a[0]`) leads to in a column, also where the column holds text that is not JSON.
fn extract(column: &Sql, path: &str) -> Sql {
    let wrapped = format!("$.pb{}", &path[1..]);
    let column = &column.text;
    Sql::new(format!("(CASE WHEN json_valid({column}) THEN json_extract({column}, "))
        .with(Sql::detail(Value::Text(path.to_owned())))
        .then(&format!(") ELSE json_extract(json_object('pb', {column}), "))
        .with(Sql::detail(Value::Text(wrapped)))
        .then(") END)")
}

/// Whether one of the indexes is unique in just this column.
fn has_unique_index(indexes: &[String], column: &str) -> bool {
    indexes
        .iter()
        .filter_map(|sql| Index::parse(sql))
        .any(|index| index.unique && index.columns.len() == 1 && index.columns[0].name.eq_ignore_ascii_case(column))
}
