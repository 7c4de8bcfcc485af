//! Who may log in and with what: passwords, tokens, and what an auth collection allows.
//!
//! Tokens are PocketBase's: a JWT signed (HS256) with the record's `tokenKey` followed by its collection's secret for the
//! token's purpose, so that a token made there is valid here and the other way round, and changing either kills it.

mod answer;
mod login;
mod methods;
mod options;
pub(crate) mod password;
#[cfg(test)]
mod tests;
mod token;

pub use answer::Authenticated;
pub use login::PasswordForm;
pub use options::AuthOptions;
pub use password::hash_password;
pub(crate) use token::{Purpose, issue_for_mail};
