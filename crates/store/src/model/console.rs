//! What SQL that somebody wrote is answered with.

/// The most rows that are answered; the rest is not read.
pub const MOST_ROWS: usize = 1_000;

/// What statements of SQL came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsoleAnswer {
    /// The rows that the last statement changed which changes any.
    pub affected: u64,
    /// What the last statement yields; nothing where it yields no rows.
    pub columns: Vec<ConsoleColumn>,
    /// Its first rows, no more than [`MOST_ROWS`]; every value as text, or null.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A column of a [`ConsoleAnswer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleColumn {
    /// Its name.
    pub name: String,
    /// The type that its table declares, in upper case; empty for an expression.
    pub kind: String,
}
