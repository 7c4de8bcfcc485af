//! The one error of this crate.

/// What went wrong, coarse enough to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The row, collection or parameter does not exist.
    NotFound,
    /// A unique index refused the write; [`Error::subject`] names the columns.
    Unique,
    /// The table refused the write for a reason that the collection does not know: a check, a reference, an expression
    /// that fails. Nothing was written.
    Refused,
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
    /// `auxiliary.db` is damaged or holds no log. Nothing is wrong with `data.db`: set it aside and open the store
    /// again.
    CorruptLog,
    /// The store is shutting down.
    Closed,
    /// What was asked for is larger than may be read at once.
    TooLarge,
    /// A query computed for too long, or no connection became free in time.
    TimedOut,
    /// Anything else that the database said.
    Database,
}

/// The part of a record or a definition that an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The columns of the unique index that refused the record ([`ErrorKind::Unique`]), spelled as the database does.
    /// An expression stands for itself.
    Columns(Vec<String>),
    /// The index of the collection that can't be made ([`ErrorKind::InvalidSchema`]), by its position from 0 on.
    Index(usize),
}

/// An operation of the store that did not happen.
#[derive(Debug, thiserror::Error)]
#[error("{attempted}: {detail}")]
pub struct Error {
    kind: ErrorKind,
    attempted: String,
    detail: String,
    subject: Option<Subject>,
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
            subject: None,
            source: None,
        }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, telling which part of what was asked for it is about.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
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

    /// The same error as one of another kind.
    pub(crate) fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Which part of what was asked for the error is about, where that is known.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }
}
