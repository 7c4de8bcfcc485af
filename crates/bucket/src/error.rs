//! The one error of this crate.

use std::fmt;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};

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

    /// The bucket holds something else than was put there, as `reason` says.
    #[must_use]
    pub fn unlike(reason: &str) -> Self {
        Self::new(ErrorKind::Replaced, reason)
    }

    /// What the provider answered instead of what was asked for.
    pub(crate) fn answered(status: http::StatusCode, text: &str) -> Self {
        let explained = Explanation::find(text);
        let kind = match (status.as_u16(), explained.as_ref().map(|found| found.code.as_str())) {
            (_, Some("NoSuchBucket")) | (401 | 403, _) => ErrorKind::Denied,
            (_, Some("NotImplemented")) => ErrorKind::Unsupported,
            (404, _) => ErrorKind::NotFound,
            _ => ErrorKind::Failed,
        };
        let reason = explained.map_or_else(|| format!("the provider answered {status}"), |found| found.to_string());
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

    /// Says what to look at where the provider's host was not found by its name.
    pub(crate) fn looking_up(mut self, advice: &str) -> Self {
        if self.kind == ErrorKind::Failed && self.reason.contains("failed to lookup address") {
            self.reason = format!("{} ({advice})", self.reason);
        }
        self
    }

    /// Says what to look at where the provider's host answered, and not in TLS.
    pub(crate) fn speaking_tls(mut self, advice: &str) -> Self {
        // What rustls says of an answer in plain text, and tokio-rustls of a connection that was closed in its place.
        let is_plain = ["received corrupt message of type ", "tls handshake eof"];
        if self.kind == ErrorKind::Failed && is_plain.iter().any(|said| self.reason.contains(said)) {
            self.reason = format!("{} ({advice})", self.reason);
        }
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

impl From<io::Error> for Error {
    /// An error of this crate that went through [`io::Write`] or [`io::Read`].
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(other) => Self::new(ErrorKind::Failed, other.to_string()),
        }
    }
}

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
        // The text of the cause quotes the request's address and the whole answer; the answer to a wrong signature
        // repeats what was signed. So only the two fields that say why are taken over.
        let text = error.to_string();
        let explained = Explanation::find(&text);
        let kind = match (&error, explained.as_ref().map(|found| found.code.as_str())) {
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
        let reason = explained.map_or_else(|| plain(&error, kind, &text), |found| found.to_string());
        Self::new(kind, reason.chars().take(LONGEST_REASON).collect::<String>())
    }
}

/// What S3's error document says of why. Nothing else of an answer is shown to anybody: the address may be that of a
/// service which is none of the caller's business.
struct Explanation {
    code: String,
    message: Option<String>,
}

impl Explanation {
    /// The longest code, in bytes.
    const LONGEST_CODE: usize = 64;

    /// The document that `text` ends with, where that is one (`<Error><Code>…</Code><Message>…</Message></Error>`).
    fn find(text: &str) -> Option<Self> {
        let mut document = &text[text.find('<')?..];
        if let Some(rest) = document.strip_prefix("<?xml") {
            document = rest.split_once("?>")?.1.trim_start();
        }
        let opened = document.strip_prefix("<Error")?;
        if !opened.starts_with(['>', ' ']) || !document.contains("</Error>") {
            return None;
        }
        let code = field(document, "Code")?;
        let is_code = (1..=Self::LONGEST_CODE).contains(&code.len())
            && code
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        let message = field(document, "Message");
        is_code.then_some(Self { code, message })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{message} ({})", self.code),
            None => f.write_str(&self.code),
        }
    }
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
        _ if broke_off(error) => innermost(error),
        _ => NOT_S3.to_owned(),
    }
}

/// What is said of an answer that no provider of S3 gives. It quotes nothing of the answer.
pub(crate) const NOT_S3: &str = "the answer is not one of an S3 provider";

/// Whether the connection failed, and not the reading of what came over it.
fn broke_off(error: &object_store::Error) -> bool {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            return error.kind() != HttpErrorKind::Decode;
        }
        next = error.source();
    }
    false
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

    /// With an endpoint that has a path, the list of backups showed what an internal service had answered.
    #[test]
    fn only_the_error_document_of_s3_is_quoted() {
        for body in [
            "<html><Code>secret</Code></html>",
            "{\"token\": \"secret\"}",
            "<Code>secret</Code>",
            "<Errors><Code>secret</Code></Errors>",
            "<Error><Code>two words of a secret</Code></Error>",
            "<Error><Code>secret</Code>",
            "secret",
        ] {
            let told = Error::answered(http::StatusCode::FORBIDDEN, body).to_string();
            assert_eq!(told, "the provider answered 403 Forbidden", "{body}");
            let text = format!("Server returned non-2xx status code: 403 Forbidden: {body}");
            let source = text.into();
            let told = Error::from(object_store::Error::Generic { store: "S3", source }).to_string();
            assert_eq!(told, "the provider answered 403 Forbidden", "{body}");
            let source = format!("Got invalid list response: {body}").into();
            let told = Error::from(object_store::Error::Generic { store: "S3", source }).to_string();
            assert_eq!(told, NOT_S3, "{body}");
        }
        let body = "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>No &amp; none.</Message></Error>";
        let error = Error::answered(http::StatusCode::NOT_FOUND, body);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Denied, "No & none. (NoSuchBucket)")
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
