//! What went wrong on the way.

/// How much of a reason is kept, in characters: it may quote what the other side says.
const LONGEST: usize = 500;

/// A message that did not arrive, as far as is known.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {reason}")]
pub struct Error {
    doing: &'static str,
    reason: String,
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(doing: &'static str, reason: impl std::fmt::Display) -> Self {
        Self {
            doing,
            reason: reason.to_string(),
        }
    }

    /// The same with every one of `secrets` struck out, since a server may repeat what it was told, and not endlessly
    /// long.
    #[must_use]
    pub fn without(mut self, secrets: &[String]) -> Self {
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            self.reason = self.reason.replace(secret, "***");
        }
        if let Some((end, _)) = self.reason.char_indices().nth(LONGEST) {
            self.reason.truncate(end);
            self.reason.push('…');
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_was_repeated_is_struck_out() {
        let error =
            Error::new("logging in", "535 no: hunter2 is wrong").without(&[String::new(), "hunter2".to_owned()]);
        assert_eq!(error.to_string(), "logging in: 535 no: *** is wrong");
        let error = Error::new("logging in", "ä".repeat(LONGEST) + "secret").without(&["secret".to_owned()]);
        assert_eq!(error.reason.chars().count(), LONGEST + 1);
    }
}
