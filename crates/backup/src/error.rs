//! The one error of this crate.

use std::fmt;
use std::io;

/// Why something could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No backup of that key.
    NotFound,
    /// The key is taken.
    AlreadyExists,
    /// Not a name that a backup may have.
    InvalidKey,
    /// The archive is broken, hostile or no backup of this kind.
    InvalidArchive,
    /// Not enough room; the message names the numbers.
    NoSpace,
    /// The databases in the archive do not pass their own checks.
    InvalidDatabase,
    /// Somebody asked for the work to stop.
    Cancelled,
    /// A file that a record names went away while the backup ran.
    Vanished,
    /// A restore is under way already, or there is nothing to undo.
    WrongState,
    /// The data directory is laid out in a way that cannot be switched (a database that is a mount point).
    Unsupported,
    /// The bucket can't be reached, or does not let us; the message says which and why.
    Unreachable,
    /// The disk or the storage failed.
    Io,
}

/// What failed: kind, what was attempted on what, and the cause underneath.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    attempted: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Shorthand of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a cause underneath; `attempted` is the whole message.
    pub fn new(kind: ErrorKind, attempted: impl Into<String>) -> Self {
        Self {
            kind,
            attempted: attempted.into(),
            source: None,
        }
    }

    /// An error with its cause.
    pub fn with(
        kind: ErrorKind,
        attempted: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            attempted: attempted.into(),
            source: Some(source.into()),
        }
    }

    /// An archive that is refused, and why.
    pub(crate) fn archive(why: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArchive, why)
    }

    /// What sort of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// `true` if a bucket is what failed, however deep below.
    #[must_use]
    pub fn is_of_bucket(&self) -> bool {
        let mut cause = self.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static));
        while let Some(error) = cause {
            // An I/O error shows what it wraps as itself, not as its cause.
            let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if error.is::<bosbase_bucket::Error>()
                || wrapped.is_some_and(<dyn std::error::Error + Send + Sync>::is::<bosbase_bucket::Error>)
            {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// What was attempted, without the cause.
    #[must_use]
    pub fn attempted(&self) -> &str {
        &self.attempted
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.attempted)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

/// Gives an I/O error its place.
pub(crate) trait Context<T> {
    /// Says what was attempted; a full disk becomes [`ErrorKind::NoSpace`], anything else [`ErrorKind::Io`].
    fn context(self, attempted: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, attempted: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| {
            // An error of ours that had to travel through `io::Read` or `io::Write` keeps its kind.
            match e.downcast::<Error>() {
                Ok(ours) => ours,
                Err(e) => {
                    let kind = match e.kind() {
                        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
                        _ => ErrorKind::Io,
                    };
                    Error::with(kind, attempted(), e)
                }
            }
        })
    }
}

impl From<Error> for io::Error {
    fn from(e: Error) -> Self {
        io::Error::other(e)
    }
}
