//! The one error of this crate.

/// What went wrong, coarse enough to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The row, collection or parameter does not exist.
    NotFound,
    /// A unique index refused the write; [`Error::columns`] names the columns.
    Unique,
    /// A filter, sort or rule could not be understood or may not be used here.
    InvalidQuery,
    /// The definition of a collection, field, index or view can't be applied; nothing was changed.
    InvalidSchema,
    /// The access rule does not admit the row. Nothing was written.
    Denied,
    /// The disk is full.
    NoSpace,
    /// The database file is damaged or is not a database.
    Corrupt,
    /// The store is shutting down.
    Closed,
    /// A query computed for too long, or no connection became free in time.
    TimedOut,
    /// Anything else that the database said.
    Database,
}

/// An operation of the store that did not happen.
#[derive(Debug, thiserror::Error)]
#[error("{attempted}: {detail}")]
pub struct Error {
    kind: ErrorKind,
    attempted: String,
    detail: String,
    columns: Vec<String>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` while `attempted` (a gerund: "creating the collection posts"), explained by `detail`.
    pub fn new(kind: ErrorKind, attempted: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind,
            attempted: attempted.into(),
            detail: detail.into(),
            columns: Vec::new(),
            source: None,
        }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error naming the columns of the unique index that refused it.
    #[must_use]
    pub fn with_columns(mut self, columns: Vec<String>) -> Self {
        self.columns = columns;
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong, in a sentence fit for the person who sent the query or definition ([`ErrorKind::InvalidQuery`],
    /// [`ErrorKind::InvalidSchema`]); for the other kinds it is for the log.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// For [`ErrorKind::Unique`]: the columns of the violated index.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}
