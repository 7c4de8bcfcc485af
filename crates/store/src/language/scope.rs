//! What one query knows while its filters are compiled: its base table, who asks, and the tables joined so far.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jiff::Timestamp;
use serde_json::Value;

use super::condition::{Names, condition};
use super::filter::Filter;
use super::predicate::{Join, Operand, Predicate, Row, Source};
use super::syntax::{self, Node};
use super::{MAX_STEPS, invalid, path, request, superuser_only_part};
use crate::error::Result;
use crate::model::collection::Collection;
use crate::model::context::RequestContext;
use crate::model::schema::Schema;

/// Where the rows come from.
#[derive(Debug, Clone)]
pub(crate) struct Base<'a> {
    pub(crate) collection: &'a Collection,
    /// The name of the table, or of the expression that stands in for it.
    pub(crate) table: String,
    pub(crate) row: Row,
    /// Whether others can refer to its rows, which only stored ones allow.
    pub(crate) stored: bool,
}

impl<'a> Base<'a> {
    /// The collection's own table.
    pub(crate) fn table(collection: &'a Collection) -> Self {
        Self {
            collection,
            table: collection.name.clone(),
            row: Row::BASE,
            stored: true,
        }
    }

    /// An expression named `table` with the collection's columns.
    pub(crate) fn given(collection: &'a Collection, table: &str) -> Self {
        Self {
            table: table.to_owned(),
            ..Self::table(collection)
        }
    }

    /// The same for a record that no other can refer to yet.
    pub(crate) fn unstored(collection: &'a Collection, table: &str) -> Self {
        Self {
            stored: false,
            ..Self::given(collection, table)
        }
    }
}

struct Joined {
    /// The path that leads here; one path is one join, so that two comparisons along it speak of the same row.
    key: String,
    join: Join,
}

/// The joins and conditions that filters and sorts of one query have asked for.
pub(crate) struct Scope<'a> {
    pub(super) base: Base<'a>,
    pub(super) request: &'a RequestContext,
    schema: &'a Schema,
    allow_hidden: bool,
    now: Timestamp,
    joins: Vec<Joined>,
    /// Whether a join can repeat a row of the base.
    repeats: bool,
    /// Joined tables whose rows a client filters by and must therefore be allowed to list.
    listed: Vec<(Row, &'a Collection)>,
    /// The last row that was given out.
    rows: u32,
    /// How many steps along relations a client's filters take within subqueries.
    steps: usize,
    /// The json fields of the body that paths lead into, read once.
    pub(super) parsed: RefCell<HashMap<String, Rc<Value>>>,
}

/// What a query needs beside its filters' conditions.
pub(crate) struct Needs {
    /// In an order in which each speaks of those before it only.
    pub(crate) joins: Vec<Join>,
    /// Whether they can repeat a row.
    pub(crate) repeats: bool,
    /// Conditions beyond those that the filters returned.
    pub(crate) conditions: Vec<Predicate>,
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
            rows: 0,
            steps: 0,
            parsed: RefCell::default(),
        }
    }

    /// Whether what is compiled from here on may use hidden fields, hidden addresses and collections that the client
    /// may not list. Rules may, clients' filters only for superusers. It may at first.
    pub(crate) fn allow_hidden(&mut self, allow: bool) {
        self.allow_hidden = allow;
    }

    /// Whether rows were joined so far.
    pub(crate) fn has_joins(&self) -> bool {
        !self.joins.is_empty()
    }

    /// Whether hidden fields may be used.
    pub(super) fn hidden_allowed(&self) -> bool {
        self.allow_hidden
    }

    /// The condition of a filter or rule.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidQuery`]: it is empty, not a filter, or names what can't be resolved.
    pub(crate) fn filter(&mut self, text: &str) -> Result<Predicate> {
        condition(&syntax::parse(text)?, self)
    }

    /// The condition of a filter that the program made itself.
    ///
    /// # Errors
    /// As [`Scope::filter`].
    pub(crate) fn made(&mut self, filter: &Filter) -> Result<Predicate> {
        condition(filter.node(), self)
    }

    /// A rule as far as the head of a request decides it.
    ///
    /// # Errors
    /// As [`Scope::filter`].
    pub(crate) fn beforehand(&mut self, rule: &str) -> Result<Predicate> {
        condition(&super::beforehand(rule)?, self)
    }

    /// All joins, and the list rules of the collections that a client's filter went through.
    ///
    /// # Errors
    /// A list rule that can't be compiled.
    pub(crate) fn finish(mut self) -> Result<Needs> {
        let mut joins: Vec<Join> = self.joins.drain(..).map(|joined| joined.join).collect();
        let mut conditions = Vec::new();
        let mut rows = self.rows;
        let mut repeats = self.repeats;
        for (row, collection) in self.listed {
            let Some(rule) = collection.rules.list_rule.as_deref().filter(|rule| !rule.is_empty()) else {
                continue;
            };
            let base = Base {
                row,
                ..Base::table(collection)
            };
            let mut inner = Scope::new(self.schema, base, self.request, self.now);
            inner.rows = rows;
            // An empty relation has no row that could pass, and must not hide the record that holds it.
            let passes = Node::Any(vec![Filter::is("id", "").into_node(), syntax::parse(rule)?]);
            conditions.push(condition(&passes, &mut inner)?);
            rows = inner.rows;
            repeats |= inner.repeats;
            joins.extend(inner.joins.into_iter().map(|joined| joined.join));
        }
        Ok(Needs {
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
        // In another spelling the name is that of what is stored, as in PocketBase.
        let stored = self.schema.find(name_or_id)?;
        Some(if stored.id == base.id { base } else { stored })
    }

    /// Joins rows of a collection, or other ones, along the path `key`. `repeats` tells whether there can be several
    /// for one of the base. Returns the row.
    ///
    /// # Errors
    /// The client may not list that collection.
    pub(super) fn join(
        &mut self,
        key: &str,
        collection: Option<&'a Collection>,
        repeats: bool,
        source: Source,
    ) -> Result<Row> {
        let guarded = collection.filter(|_| !self.allow_hidden);
        if let Some(closed) = guarded.filter(|collection| collection.rules.list_rule.is_none()) {
            return Err(invalid(format!(
                "{:?} fields can be accessed only when allowHiddenFields is enabled or by superusers",
                closed.name
            )));
        }
        self.repeats |= repeats;
        let row = match self.joins.iter().find(|joined| joined.key == key) {
            Some(joined) => joined.join.row,
            None => {
                let row = self.row();
                self.joins.push(Joined {
                    key: key.to_owned(),
                    join: Join { row, source },
                });
                row
            }
        };
        if let Some(collection) = guarded.filter(|_| self.listed.iter().all(|(listed, _)| *listed != row)) {
            self.listed.push((row, collection));
        }
        Ok(row)
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
        let found = path::resolve(self, name)?;
        // Each comparison with several values walks their whole path once more, for every row.
        if found.many.is_some() && !self.allow_hidden {
            self.steps += name.split('.').count();
            if self.steps > MAX_STEPS {
                return Err(invalid(format!(
                    "the filter follows relations more than {MAX_STEPS} times"
                )));
            }
        }
        Ok(found)
    }

    fn row(&mut self) -> Row {
        self.rows += 1;
        Row(self.rows)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
