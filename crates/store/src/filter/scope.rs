//! What one query knows while its filters are compiled: its base table, who asks, and the tables joined so far.

use jiff::Timestamp;

use super::condition::{Names, condition};
use super::operand::Operand;
use super::sql::Sql;
use super::{invalid, path, request, superuser_only_part, syntax};
use crate::collection::Collection;
use crate::error::Result;
use crate::request::RequestContext;
use crate::schema::Schema;
use crate::sql::quote;

/// The alias of the row that a query is about.
const ROW: &str = "_r";

/// Where the rows come from.
#[derive(Debug, Clone)]
pub(crate) struct Base<'a> {
    pub(crate) collection: &'a Collection,
    /// The quoted name of the table, or of the expression that stands in for it.
    pub(crate) source: String,
    pub(crate) alias: String,
    /// Whether others can refer to its rows, which only stored ones allow.
    pub(crate) stored: bool,
}

impl<'a> Base<'a> {
    /// The collection's own table.
    pub(crate) fn table(collection: &'a Collection) -> Self {
        Self {
            collection,
            source: quote(&collection.name),
            alias: ROW.into(),
            stored: true,
        }
    }

    /// An expression named `source` with the collection's columns.
    pub(crate) fn given(collection: &'a Collection, source: &str) -> Self {
        Self {
            source: quote(source),
            ..Self::table(collection)
        }
    }

    /// The same for a record that no other can refer to yet.
    pub(crate) fn unstored(collection: &'a Collection, source: &str) -> Self {
        Self {
            stored: false,
            ..Self::given(collection, source)
        }
    }
}

struct Join {
    /// The path that leads here; one path is one join, so that two comparisons along it speak of the same row.
    key: String,
    alias: String,
    sql: Sql,
}

/// The joins and conditions that filters and sorts of one query have asked for.
pub(crate) struct Scope<'a> {
    pub(super) base: Base<'a>,
    pub(super) request: &'a RequestContext,
    schema: &'a Schema,
    allow_hidden: bool,
    now: Timestamp,
    joins: Vec<Join>,
    /// Whether a join can repeat a row of the base.
    repeats: bool,
    /// Joined tables whose rows a client filters by and must therefore be allowed to list.
    listed: Vec<(String, &'a Collection)>,
    aliases: usize,
}

/// What a query needs beside its filters' conditions.
pub(crate) struct Joined {
    /// ` LEFT JOIN …`; empty if there are none.
    pub(crate) joins: Sql,
    /// Whether they can repeat a row.
    pub(crate) repeats: bool,
    /// Conditions beyond those that the filters returned.
    pub(crate) conditions: Vec<Sql>,
}

impl<'a> Scope<'a> {
    /// A scope without joins.
    pub(crate) fn new(schema: &'a Schema, base: Base<'a>, request: &'a RequestContext, now: Timestamp) -> Self {
        Self {
            base,
            request,
            schema,
            allow_hidden: true,
            now,
            joins: Vec::new(),
            repeats: false,
            listed: Vec::new(),
            aliases: 0,
        }
    }

    /// Whether what is compiled from here on may use hidden fields, hidden addresses and collections that the client may not
    /// list. Rules may, clients' filters only for superusers. It may at first.
    pub(crate) fn allow_hidden(&mut self, allow: bool) {
        self.allow_hidden = allow;
    }

    /// Whether hidden fields may be used.
    pub(super) fn hidden_allowed(&self) -> bool {
        self.allow_hidden
    }

    /// The condition of a filter or rule.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidQuery`]: it is empty, not a filter, or names what can't be resolved.
    pub(crate) fn filter(&mut self, text: &str) -> Result<Sql> {
        condition(&syntax::parse(text)?, self)
    }

    /// All joins, and the list rules of the collections that a client's filter went through.
    ///
    /// # Errors
    /// A list rule that can't be compiled.
    pub(crate) fn finish(mut self) -> Result<Joined> {
        let mut joins = Sql::joined(self.joins.drain(..).map(|join| join.sql), "");
        let mut conditions = Vec::new();
        let mut aliases = self.aliases;
        let mut repeats = self.repeats;
        for (alias, collection) in self.listed {
            let Some(rule) = collection.rules.list_rule.as_deref().filter(|rule| !rule.is_empty()) else {
                continue;
            };
            let base = Base {
                alias,
                ..Base::table(collection)
            };
            let mut inner = Scope::new(self.schema, base, self.request, self.now);
            inner.aliases = aliases;
            // An empty relation has no row that could pass, and must not hide the record that holds it.
            conditions.push(inner.filter(&format!("id='' || (\n{rule}\n)"))?);
            aliases = inner.aliases;
            repeats |= inner.repeats;
            joins = joins.with(Sql::joined(inner.joins.into_iter().map(|join| join.sql), ""));
        }
        Ok(Joined {
            joins,
            repeats,
            conditions,
        })
    }

    /// A collection by name or id; the base's definition may be newer than the schema's.
    pub(super) fn collection(&self, name_or_id: &str) -> Option<&'a Collection> {
        let base = self.base.collection;
        if base.id == name_or_id || base.name == name_or_id {
            return Some(base);
        }
        self.schema.find(name_or_id).map(std::convert::AsRef::as_ref)
    }

    /// Joins a table, or a collection, along the path `key`; `sql` makes the join from its alias. `repeats` tells whether
    /// there can be several rows for one of the base. Returns the alias.
    ///
    /// # Errors
    /// The client may not list that collection.
    pub(super) fn join(
        &mut self,
        key: &str,
        collection: Option<&'a Collection>,
        repeats: bool,
        sql: impl FnOnce(&str) -> Sql,
    ) -> Result<String> {
        let guarded = collection.filter(|_| !self.allow_hidden);
        if let Some(closed) = guarded.filter(|collection| collection.rules.list_rule.is_none()) {
            return Err(invalid(format!(
                "{:?} fields can be accessed only when allowHiddenFields is enabled or by superusers",
                closed.name
            )));
        }
        self.repeats |= repeats;
        let alias = match self.joins.iter().find(|join| join.key == key) {
            Some(join) => join.alias.clone(),
            None => {
                let alias = self.alias();
                let sql = sql(&alias);
                self.joins.push(Join {
                    key: key.to_owned(),
                    alias: alias.clone(),
                    sql,
                });
                alias
            }
        };
        if let Some(collection) = guarded.filter(|_| self.listed.iter().all(|(listed, _)| *listed != alias)) {
            self.listed.push((alias.clone(), collection));
        }
        Ok(alias)
    }
}

impl Names for Scope<'_> {
    fn name(&mut self, name: &str) -> Result<Operand> {
        if let Some(part) = superuser_only_part(name).filter(|_| !self.allow_hidden) {
            return Err(invalid(format!("only superusers can filter by {part}")));
        }
        if name.starts_with("@request.") {
            return request::resolve(self, name);
        }
        path::resolve(self, name)
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("_j{}", self.aliases)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
