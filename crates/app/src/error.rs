//! The one error of this crate: what the caller may be told, and what only the log may know.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// What went wrong, as far as the client has to act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is understood and can't be done as it stands.
    Invalid,
    /// Nobody, or nobody known, is asking.
    Unauthenticated,
    /// Who asks may not do this.
    Forbidden,
    /// There is no such thing, or none that who asks may know of.
    NotFound,
    /// What was sent is larger than is accepted.
    TooLarge,
    /// Too many requests; the caller should slow down.
    RateLimited,
    /// The service can't do it just now (restarting, disk full, overloaded); the same request may succeed later.
    Unavailable,
    /// A fault of ours. Its cause is for the log alone.
    Internal,
}

/// An operation that did not happen.
///
/// `message` and `data` are public: they are shown to the client. `source` is not.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    data: Map<String, Value>,
    retry_after: Option<u64>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What is said of a fault of ours.
const GENERIC: &str = "Something went wrong while processing your request.";

/// What helps against what the system refused, deep below `error`.
fn advice(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    use std::io::ErrorKind as Io;
    const DESCRIPTORS: &str = "There are too few file descriptors: raise the limit (ulimit -n, LimitNOFILE).";
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An I/O error shows what it wraps as itself, not as its cause.
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            match (io.raw_os_error(), io.kind()) {
                // EMFILE and ENFILE, which have no kind of their own.
                (Some(23 | 24), _) => return Some(DESCRIPTORS),
                (_, Io::StorageFull | Io::QuotaExceeded) => return Some("The disk is full."),
                (_, Io::PermissionDenied) => return Some("The server's user has no right to it."),
                (_, Io::ReadOnlyFilesystem) => return Some("The file system is mounted read-only."),
                _ => {}
            }
            if let Some(wrapped) = io.get_ref() {
                cause = Some(wrapped);
                continue;
            }
        }
        // SQLite does not tell why it can't open a file.
        if error.to_string().contains("unable to open database file")
            && let Err(io) = bosbase_disk::Disk::open(&bosbase_disk::RealDisk, std::path::Path::new("/proc/self/stat"))
            && matches!(io.raw_os_error(), Some(23 | 24))
        {
            return Some(DESCRIPTORS);
        }
        cause = error.source();
    }
    None
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with its public text: one sentence, capitalised, ending in a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            data: Map::new(),
            retry_after: None,
            source: None,
        }
    }

    /// A request that can't be done as it stands.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// PocketBase's answer to a missing or unreadable token.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            ErrorKind::Unauthenticated,
            "The request requires valid record authorization token.",
        )
    }

    /// PocketBase's answer to a valid token of somebody who may not do this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(
            ErrorKind::Forbidden,
            "The authorized record is not allowed to perform this action.",
        )
    }

    /// PocketBase's answer where there is nothing, or nothing for this caller.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "The requested resource wasn't found.")
    }

    /// A fault of ours with its cause, of which the public text says nothing.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, GENERIC).caused_by(source)
    }

    /// A failed validation: `message` with one `{code, message}` per field.
    pub fn validation(message: impl Into<String>, fields: FieldErrors) -> Self {
        Self {
            kind: ErrorKind::Invalid,
            message: message.into(),
            data: fields.0,
            retry_after: None,
            source: None,
        }
    }

    /// The same error with its cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error with another public text.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// The same error with what is wrong with a filter or an order, for somebody who may know what there is.
    #[must_use]
    pub fn explaining_query(mut self) -> Self {
        let source = self.source.as_deref();
        let refused = source.and_then(|source| source.downcast_ref::<bosbase_store::Error>());
        if let Some(error) = refused.filter(|error| error.kind() == bosbase_store::ErrorKind::InvalidQuery) {
            let detail = json!({"code": "invalid_query", "message": error.detail()});
            self.data.insert("query".to_owned(), detail);
        }
        self
    }

    /// The same error with the time after which it makes sense to try again. It is told in whole seconds, rounded up: who
    /// comes back then must not be too early.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let begun = u64::from(wait.subsec_nanos() > 0);
        self.retry_after = Some(wait.as_secs().saturating_add(begun).max(1));
        self
    }

    /// The seconds after which it makes sense to try again, where they are known.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after
    }

    /// The public text with its details by field, for a status that is read later.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut text = self.message.clone();
        for (field, detail) in &self.data {
            let message = detail.get("message").and_then(Value::as_str);
            if let Some(message) = message.filter(|message| !text.contains(message)) {
                text.push_str(&format!(" {field}: {message}"));
            }
        }
        text
    }

    /// Why a job failed, for its status, which superusers alone read: never just that something went wrong.
    #[must_use]
    pub fn reason(&self) -> String {
        let mut text = self.explain();
        if self.kind == ErrorKind::Internal
            && text == GENERIC
            && let Some(source) = std::error::Error::source(self)
        {
            text = sentence(&chain(source));
        }
        match std::error::Error::source(self).and_then(advice) {
            Some(advice) if !text.contains(advice) => format!("{text} {advice}"),
            _ => text,
        }
    }

    /// The public text with all causes, for the log and for the command line.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let mut text = self.explain();
        let mut cause = std::error::Error::source(self);
        if text == GENERIC {
            // That something went wrong says nothing.
            while let Some(error) = cause.filter(|error| error.to_string() == GENERIC) {
                cause = error.source();
            }
            return cause.map_or(text, |cause| sentence(&chain(cause)));
        }
        while let Some(error) = cause {
            let said = error.to_string();
            // That something went wrong is known by then.
            if said != GENERIC && adds(&text, &said) {
                text.push_str(&format!(" ({said})"));
            }
            cause = error.source();
        }
        text
    }

    /// Whether the system did not let this process's user at a file.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                // The errors of a bucket are wrapped in such ones.
                if error.kind() == std::io::ErrorKind::PermissionDenied && error.raw_os_error().is_some() {
                    return true;
                }
                // An `io::Error` hides what it wraps from `source`.
                if let Some(wrapped) = error.get_ref() {
                    cause = Some(wrapped);
                    continue;
                }
            }
            cause = error.source();
        }
        false
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The public text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The public details: a map from field to `{code, message}`, nested as the request was.
    #[must_use]
    pub fn data(&self) -> &Map<String, Value> {
        &self.data
    }
}

impl From<bosbase_store::Error> for Error {
    fn from(error: bosbase_store::Error) -> Self {
        use bosbase_store::ErrorKind as Store;
        match error.kind() {
            Store::NotFound | Store::Denied => Self::not_found().caused_by(error),
            Store::InvalidQuery | Store::InvalidSchema | Store::Unique => {
                Self::invalid("Something went wrong while processing your request.").caused_by(error)
            }
            // As with PocketBase it is the request that can't be done; the log says which rule of the table it met.
            Store::Refused => {
                Self::invalid("The table in the database refuses what its collection allows.").caused_by(error)
            }
            Store::NoSpace => Self::new(ErrorKind::Unavailable, "The server's disk is full.").caused_by(error),
            Store::TimedOut => Self::new(
                ErrorKind::Unavailable,
                "The query takes too long or the server is too busy; narrow the query or try again later.",
            )
            .caused_by(error),
            Store::TooLarge => {
                Self::invalid("The answer is too large; ask for fewer records, fields or relations at once.")
                    .caused_by(error)
            }
            Store::Closed => Self::new(ErrorKind::Unavailable, "The server is restarting.").caused_by(error),
            Store::Corrupt | Store::CorruptLog | Store::Database => Self::internal(error),
        }
    }
}

/// `error` and what caused it, for the log.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if adds(&text, &said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

/// Whether a cause says what `text` does not say yet: an error of another crate may tell its own causes, and its text
/// may have been made a sentence.
fn adds(text: &str, cause: &str) -> bool {
    let cause = cause.trim().trim_end_matches('.').to_lowercase();
    !text.to_lowercase().contains(&cause)
}

/// Validation messages by field, in the shape of the wire: `{"name": {"code": "…", "message": "…"}}`.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct FieldErrors(Map<String, Value>);

impl From<Map<String, Value>> for FieldErrors {
    /// Errors that are in the shape of the wire already.
    fn from(errors: Map<String, Value>) -> Self {
        Self(errors)
    }
}

impl FieldErrors {
    /// No errors yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A single field's error.
    #[must_use]
    pub fn one(field: &str, code: &str, message: &str) -> Self {
        let mut errors = Self::new();
        errors.add(field, code, message);
        errors
    }

    /// Adds a field's error; the first one said about a field stays.
    pub fn add(&mut self, field: &str, code: &str, message: &str) {
        self.0
            .entry(field)
            .or_insert_with(|| json!({"code": code, "message": message}));
    }

    /// Adds a field's error with the values that its message was made of (`params` on the wire).
    pub fn add_with(&mut self, field: &str, code: &str, message: &str, params: &Value) {
        self.0
            .entry(field)
            .or_insert_with(|| json!({"code": code, "message": message, "params": params}));
    }

    /// The value is missing.
    pub fn add_required(&mut self, field: &str) {
        self.add(field, "validation_required", "Cannot be blank.");
    }

    /// The number is below `threshold`.
    pub fn add_min(&mut self, field: &str, threshold: i64) {
        self.add_with(
            field,
            "validation_min_greater_equal_than_required",
            &format!("Must be no less than {threshold}."),
            &json!({"threshold": threshold}),
        );
    }

    /// The number is above `threshold`.
    pub fn add_max(&mut self, field: &str, threshold: i64) {
        self.add_with(
            field,
            "validation_max_less_equal_than_required",
            &format!("Must be no greater than {threshold}."),
            &json!({"threshold": threshold}),
        );
    }

    /// The text's length is not between `min` and `max`.
    pub fn add_length(&mut self, field: &str, min: usize, max: usize) {
        let params = json!({"min": min, "max": max});
        if min == max {
            let message = format!("The length must be exactly {min}.");
            self.add_with(field, "validation_length_invalid", &message, &params);
        } else {
            let message = format!("The length must be between {min} and {max}.");
            self.add_with(field, "validation_length_out_of_range", &message, &params);
        }
    }

    /// The text, or list, is longer than `max`.
    pub fn add_max_length(&mut self, field: &str, max: usize) {
        let message = format!("The length must be no more than {max}.");
        self.add_with(
            field,
            "validation_length_too_long",
            &message,
            &json!({"min": 0, "max": max}),
        );
    }

    /// Adds errors that belong below `field` (an index of a list, a section of the settings).
    pub fn nest(&mut self, field: &str, errors: Self) {
        if errors.is_empty() {
            return;
        }
        if let Some(existing) = self.0.get_mut(field).and_then(Value::as_object_mut) {
            existing.extend(errors.0);
        } else {
            self.0.insert(field.to_owned(), Value::Object(errors.0));
        }
    }

    /// Whether there is nothing to complain of.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something is wrong with `field`.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// `Ok` where nothing was added, else the validation error with `message`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] with what was added.
    pub fn into_result(self, message: &str) -> Result<()> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Error::validation(message, self))
        }
    }
}

/// `text` as a sentence: capitalised, with a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.trim().chars();
    let Some(first) = characters.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 9.97 seconds were told as 9: who came back then was refused again.
    #[test]
    fn when_to_try_again_is_rounded_up() {
        for (wait, told) in [
            (0, 1),
            (1, 1),
            (999, 1),
            (1_000, 1),
            (1_001, 2),
            (9_970, 10),
            (10_000, 10),
        ] {
            let error = Error::new(ErrorKind::RateLimited, "").retry_after(Duration::from_millis(wait));
            assert_eq!(error.retry_after_seconds(), Some(told), "{wait} ms");
        }
    }
}
