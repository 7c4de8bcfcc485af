//! Who may log in and with what: passwords, tokens, and what an auth collection allows.
//!
//! Tokens are PocketBase's: a JWT signed (HS256) with the record's `tokenKey` followed by its collection's secret for
//! the token's purpose, so that a token made there is valid here and the other way round, and changing either kills it.

mod known;
mod login;
pub(crate) mod password;
mod session;
mod token;

pub use bosbase_store::AuthOptions;
pub use password::PasswordTurn;
pub(crate) use password::Passwords;
pub use session::Sessions;
pub(crate) use session::admit;
pub(crate) use token::{Purpose, addresses, is_refreshable, issue, issue_for_email_change, issue_for_mail};
