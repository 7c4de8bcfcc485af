//! The one error of this crate.

use std::fmt;
use std::io;

/// Why a bucket did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no object of that key.
    NotFound,
    /// An object of that key is there already.
    AlreadyExists,
    /// The object is not the one that it was.
    Replaced,
    /// The bucket can't be told from the settings.
    Config,
    /// The provider does not let us: wrong keys, no rights, no such bucket.
    Denied,
    /// The provider does not know how to do this.
    Unsupported,
    /// The provider can't be reached or failed, also when asked again.
    Failed,
    /// Somebody wanted it to end.
    Interrupted,
}

/// What failed, of which bucket, in a text that holds no key, signature or token.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    attempted: String,
    reason: String,
    bucket: String,
}

/// Shorthand of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Of what a provider says so much is repeated, in characters.
const LONGEST_REASON: usize = 200;

impl Error {
    pub(crate) fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            attempted: String::new(),
            reason: reason.into(),
            bucket: String::new(),
        }
    }

    /// What the provider answered instead of what was asked for.
    pub(crate) fn answered(status: http::StatusCode, text: &str) -> Self {
        let kind = match (status.as_u16(), field(text, "Code").as_deref()) {
            (_, Some("NoSuchBucket")) | (401 | 403, _) => ErrorKind::Denied,
            (_, Some("NotImplemented")) => ErrorKind::Unsupported,
            (404, _) => ErrorKind::NotFound,
            _ => ErrorKind::Failed,
        };
        let reason = quoted(text).unwrap_or_else(|| format!("the provider answered {status}"));
        Self::new(kind, reason.chars().take(LONGEST_REASON).collect::<String>())
    }

    /// What sort of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// `true` if the same may go well when it is tried again.
    pub(crate) fn is_passing(&self) -> bool {
        self.kind == ErrorKind::Failed
    }

    /// Why it failed, and nothing else.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Says what was attempted, unless that is said already.
    pub(crate) fn while_(mut self, attempted: &str) -> Self {
        if self.attempted.is_empty() {
            attempted.clone_into(&mut self.attempted);
        }
        self
    }

    /// Says of which bucket it is.
    pub(crate) fn in_(mut self, bucket: &str) -> Self {
        bucket.clone_into(&mut self.bucket);
        self
    }

    /// The same without what was attempted, for who says that in words of their own.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.attempted.clear();
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.attempted.is_empty() {
            write!(f, "{}: ", self.attempted)?;
        }
        f.write_str(&self.reason)?;
        if !self.bucket.is_empty() {
            write!(f, " [{}]", self.bucket)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind {
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
            ErrorKind::Denied => io::ErrorKind::PermissionDenied,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error as Cause;
        // The text of the cause quotes the request's address and the whole answer; the answer to a wrong signature repeats
        // what was signed. So only the two fields that say why are taken over.
        let text = error.to_string();
        let code = field(&text, "Code");
        let kind = match (&error, code.as_deref()) {
            (_, Some("NoSuchBucket")) => ErrorKind::Denied,
            (_, Some("NotImplemented")) => ErrorKind::Unsupported,
            (Cause::NotFound { .. }, _) => ErrorKind::NotFound,
            (Cause::AlreadyExists { .. }, _) => ErrorKind::AlreadyExists,
            (Cause::Precondition { .. } | Cause::NotModified { .. }, _) => ErrorKind::Replaced,
            (Cause::PermissionDenied { .. } | Cause::Unauthenticated { .. }, _) => ErrorKind::Denied,
            (Cause::NotSupported { .. } | Cause::NotImplemented { .. }, _) => ErrorKind::Unsupported,
            (Cause::InvalidPath { .. }, _) => ErrorKind::Config,
            _ => ErrorKind::Failed,
        };
        let reason = quoted(&text).unwrap_or_else(|| plain(&error, kind, &text));
        Self::new(kind, reason.chars().take(LONGEST_REASON).collect::<String>())
    }
}

/// The two fields of an answer that say why.
fn quoted(text: &str) -> Option<String> {
    let code = field(text, "Code")?;
    Some(match field(text, "Message") {
        Some(message) => format!("{message} ({code})"),
        None => code,
    })
}

/// What to say of an answer that explains nothing.
fn plain(error: &object_store::Error, kind: ErrorKind, text: &str) -> String {
    const STATUS: &str = "status code: ";
    if let Some((_, rest)) = text.split_once(STATUS) {
        let status: String = rest.chars().take_while(|c| *c != ':' && *c != '\n').collect();
        return format!("the provider answered {}", status.trim());
    }
    match kind {
        ErrorKind::NotFound => "there is no such object".to_owned(),
        ErrorKind::AlreadyExists => "there is such an object already".to_owned(),
        ErrorKind::Replaced => "the object is not the one that it was".to_owned(),
        ErrorKind::Denied => "the provider refuses access".to_owned(),
        _ => innermost(error),
    }
}

/// The last cause, which says in a few words what happened to the connection.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// The text of the first element `name` of an XML document.
fn field(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    let inner: String = inner.chars().filter(|c| !c.is_control()).collect();
    Some(
        inner
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_quoted_without_what_was_signed() {
        let body = "Server returned non-2xx status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code>\
                    <Message>The signature does not match.</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId>\
                    <StringToSign>AWS4-HMAC</StringToSign></Error>";
        let error = Error::from(object_store::Error::PermissionDenied {
            path: "a".to_owned(),
            source: body.into(),
        });
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert_eq!(
            error.to_string(),
            "The signature does not match. (SignatureDoesNotMatch)"
        );
    }

    #[test]
    fn an_answer_without_words_is_told_by_its_number() {
        let error = Error::from(object_store::Error::Generic {
            store: "S3",
            source: "Server returned non-2xx status code: 502 Bad Gateway: ".into(),
        });
        assert_eq!(error.to_string(), "the provider answered 502 Bad Gateway");
    }
}
