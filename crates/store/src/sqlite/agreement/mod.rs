//! Whether the collections and the database say the same.
//!
//! Each collection promises a table with a column for each field, or a view, and the indexes it lists. Data from
//! elsewhere may keep no such promise: other programs write such files, a hand may have changed them, an earlier
//! version of this one dropped indexes. [`mend`] makes good what needs no guessing, [`check`] names the rest. What a
//! database can do by itself (triggers, views, generated columns) and no collection explains is named, too; see
//! `sqlite::open` for what is switched off.

mod check;
mod mend;
mod objects;

use std::fmt;

use rusqlite::Connection;

use crate::error::Result;

pub(crate) use mend::mend;

/// Names what does not agree, and mends nothing; `why` says why, where mending failed.
///
/// # Errors
/// When the database can't be read.
pub(crate) fn look(connection: &Connection, why: Option<&str>) -> Result<Agreement> {
    let mut disagreements = check::check(connection, &check::Refused::new())?;
    if let Some(why) = why {
        let text = format!("What is missing could not be made: {why}.");
        disagreements.push(Disagreement::new(DisagreementKind::Index, text));
    }
    Ok(Agreement {
        mended: Vec::new(),
        disagreements,
    })
}

/// Lines that are kept; what a hostile file holds beyond them is counted.
const MOST: usize = 100;
/// The longest part of a name that is shown, in characters.
const NAME: usize = 80;

/// What was found when a database was opened or staged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreement {
    /// What was made good, a sentence each.
    pub mended: Vec<String>,
    /// What does not agree still.
    pub disagreements: Vec<Disagreement>,
}

/// One thing that the collections say and the database does not, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    kind: DisagreementKind,
    text: String,
}

/// What a [`Disagreement`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisagreementKind {
    /// A collection has no table, or shares one with another: its records can't be read or written.
    Table,
    /// A field has no column, or shares one: the records of its collection can't be read or written.
    Column,
    /// A column that is no field. It is left alone.
    ForeignColumn,
    /// A column that SQLite computes.
    GeneratedColumn,
    /// An index of a collection is missing, is another than it should be, or its text is none.
    Index,
    /// An index that no collection lists.
    ForeignIndex,
    /// A view collection has no view that can be read.
    View,
    /// A view that belongs to no collection. Nothing asks it.
    ForeignView,
    /// A trigger. It does not run here.
    Trigger,
    /// More were found than are named.
    More,
}

impl Disagreement {
    fn new(kind: DisagreementKind, text: String) -> Self {
        Self { kind, text }
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> DisagreementKind {
        self.kind
    }

    /// Whether requests to a collection fail of it.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        use DisagreementKind::{Column, Table, View};
        matches!(self.kind, Table | Column | View)
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A name out of a database, in quotes, on one line, and no longer than is useful.
fn shown(name: &str) -> String {
    if name.chars().count() <= NAME {
        return format!("{name:?}");
    }
    let start: String = name.chars().take(NAME).collect();
    format!("{start:?}…")
}
