//! Paths along fields: `title`, `author.team.name`, `comments_via_post.text`, `meta.tags.0`, `tags:each`,
//! `@collection.teams.name`.

use super::condition::Names;
use super::predicate::{Column, Expression, Join, JsonStep, Many, NullFallback, On, Operand, Row, Source};
use super::scope::Scope;
use super::{MAX_RELATIONS, invalid};
use crate::error::Result;
use crate::model::collection::Collection;
use crate::model::field::{Field, FieldKind};

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
        walk.jump(collection, &key, true, &On::All)?;
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
    outer: Row,
    inner: Row,
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
    /// The table that the path starts in, its row inside of the subquery, and the one outside.
    start: (String, Row, Row),
    /// The steps inside of the subquery.
    joins: Vec<Join>,
}

impl<'s, 'a> Walk<'s, 'a> {
    pub(super) fn at_base(scope: &'s mut Scope<'a>) -> Self {
        let base = scope.base.clone();
        let inner = scope.row();
        Self {
            collection: base.collection,
            outer: base.row,
            inner,
            key: String::new(),
            hidden: scope.hidden_allowed(),
            lenient: false,
            several: false,
            repeats: false,
            start: (base.table, inner, base.row),
            joins: Vec::new(),
            scope,
        }
    }

    /// A column of the present rows, outside and inside of the subquery.
    fn column(&self, name: &str) -> (Column, Column) {
        (self.outer.column(name), self.inner.column(name))
    }

    /// Goes to rows of `collection` that no field leads to.
    pub(super) fn jump(&mut self, collection: &'a Collection, key: &str, several: bool, on: &On) -> Result<()> {
        self.step(collection, key.to_owned(), several, (on.clone(), on.clone()))
    }

    /// Goes to rows of `collection`; `on` tells which, outside and inside of the subquery.
    fn step(&mut self, collection: &'a Collection, key: String, several: bool, on: (On, On)) -> Result<()> {
        let records = |on: On| Source::Records {
            collection: collection.name.clone(),
            on,
        };
        // Only a table's ids are unique.
        let repeats = several || self.repeats || collection.is_view();
        self.outer = self.scope.join(&key, Some(collection), repeats, records(on.0))?;
        self.inner = self.join_inside(records(on.1));
        self.key = key;
        self.collection = collection;
        self.several |= several;
        Ok(())
    }

    /// Joins the elements of a list column; returns their columns outside and inside of the subquery.
    fn elements(&mut self, column: &str) -> Result<(Column, Column)> {
        let (outer, inner) = self.column(column);
        let key = format!("{}.{column}[]", self.key);
        let outer = self.scope.join(&key, None, true, Source::Elements(outer))?;
        let inner = self.join_inside(Source::Elements(inner));
        Ok((outer.element(), inner.element()))
    }

    fn join_inside(&mut self, source: Source) -> Row {
        let row = self.scope.row();
        self.joins.push(Join { row, source });
        row
    }

    /// Follows the rest of a path to its value.
    pub(super) fn follow(mut self, path: &str) -> Result<Operand> {
        let properties: Vec<&str> = path.split('.').collect();
        let last = properties.len() - 1;
        for (index, &property) in properties.iter().enumerate().take(last) {
            let Some(field) = self.collection.field(property) else {
                match self.back(property, index) {
                    Err(_) if self.lenient && index < MAX_RELATIONS => return Ok(Operand::absent()),
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
                        self.target(field, collection_id)?;
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

    fn target(&self, field: &Field, collection_id: &str) -> Result<&'a Collection> {
        let target = self.scope.collection(collection_id);
        target.ok_or_else(|| invalid(format!("failed to load field {:?} collection", field.name)))
    }

    /// Goes along a relation.
    fn forward(&mut self, field: &Field, collection_id: &str) -> Result<()> {
        let target = self.target(field, collection_id)?;
        let key = format!("{}.{}", self.key, field.name);
        let several = field.kind.is_multiple();
        let anchor = if several {
            self.elements(&field.name)?
        } else {
            self.column(&field.name)
        };
        self.step(target, key, several, (same("id", anchor.0), same("id", anchor.1)))
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
        let (outer, inner) = self.column("id");
        if field.kind.is_multiple() {
            let holding = |anchor| On::Holding {
                list: via.to_owned(),
                anchor,
            };
            return self.step(source, key, true, (holding(outer), holding(inner)));
        }
        let several = !source.has_unique(via);
        self.step(source, key, several, (same(via, outer), same(via, inner)))
    }

    /// A value inside of a JSON column.
    fn inside_json(self, column: &str, properties: &[&str]) -> Result<Operand> {
        let path: Option<Vec<JsonStep>> = properties.iter().map(|property| JsonStep::parse(property)).collect();
        let path = path.ok_or_else(|| invalid(format!("empty key in a path into {column:?}")))?;
        let (outer, inner) = self.column(column);
        let operand = self.end(json(outer, path.clone()), json(inner, path));
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
                return Ok(Operand::absent());
            }
            return Err(invalid(format!("unknown field {name:?}")));
        };
        if field.hidden && !self.hidden {
            return Err(invalid(format!("non-filterable field {name:?}")));
        }
        let (outer, inner) = self.column(name);
        if can_be_multiple(&field.kind) {
            match modifier {
                Some(Modifier::Length) => return Ok(self.end(Expression::Length(outer), Expression::Length(inner))),
                Some(Modifier::Each) => {
                    let (outer, inner) = self.elements(name)?;
                    self.several |= field.kind.is_multiple();
                    return Ok(self.end(Expression::Column(outer), Expression::Column(inner)));
                }
                _ => {}
            }
        }
        let guarded = name == "email" && !self.hidden && self.collection.is_auth();
        let visible = |row: Row| guarded.then(|| row.column("emailVisibility"));
        let (guard, inner_guard) = (visible(self.outer), visible(self.inner));
        let (outer, inner, fallback) = if matches!(field.kind, FieldKind::Json { .. }) {
            // A plain value stored as JSON compares like the value, not like its JSON text.
            (json(outer, Vec::new()), json(inner, Vec::new()), NullFallback::Disabled)
        } else {
            (Expression::Column(outer), Expression::Column(inner), NullFallback::Auto)
        };
        let (outer, inner) = if modifier == Some(Modifier::Lower) {
            (Expression::Lower(Box::new(outer)), Expression::Lower(Box::new(inner)))
        } else {
            (outer, inner)
        };
        // The guard speaks of one of the rows; that all of them match must not tell of those that are hidden.
        let operand = self.end(outer, inner.guarded_by(inner_guard.as_ref()));
        Ok(Operand {
            fallback,
            guard,
            ..operand
        })
    }

    /// The operand of a value, given how it is read outside and inside of the subquery.
    fn end(self, outer: Expression, inner: Expression) -> Operand {
        let mut operand = Operand::new(outer);
        if self.several {
            let (table, start, outer) = self.start;
            operand.many = Some(Many {
                table,
                start,
                outer,
                joins: self.joins,
                value: inner,
            });
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

/// The records whose column is the same as `anchor`.
fn same(column: &str, anchor: Column) -> On {
    On::Same {
        column: column.to_owned(),
        anchor,
    }
}

/// What is at `path` in a column, also where the column holds text that is not JSON.
fn json(column: Column, path: Vec<JsonStep>) -> Expression {
    Expression::Json {
        column,
        path,
        lenient: true,
    }
}

/// Whether a type of field can hold a list, be it configured so or not.
pub(super) fn can_be_multiple(kind: &FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::Select { .. } | FieldKind::File { .. } | FieldKind::Relation { .. }
    )
}
