//! Tokens that were found to be good, for as long as nothing was written since: who asks again need not be looked up
//! again.
//!
//! [`Store::version`](bosbase_store::Store::version) is another after every commit, two milliseconds later after one of
//! another process. After one the account is read again, and where it is what it was, its token need not be verified
//! again.

use std::collections::HashMap;

use bosbase_store::Version;
use parking_lot::Mutex;

use super::login::Login;
use super::token::{Claims, Purpose};
use crate::memory::weight;

/// So many tokens are remembered at the most …
const MANY: usize = 1_000;
/// … of accounts that take so many bytes at the most, each; longer ones are read each time. So they hold 16 MiB at the
/// most.
const HEAVY: usize = 16 << 10;

/// The tokens. Tokens that are not good are not remembered.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<String, Token>>);

struct Token {
    purpose: Purpose,
    /// The version of the data in which it was good.
    version: Version,
    /// The last second in which it is, in Unix time.
    last: i64,
    login: Login,
}

/// What is known of a token.
pub(super) enum Found {
    /// It is good.
    Current(Login),
    /// It was good before something was written.
    Before(Login),
    /// Nothing.
    Nothing,
}

impl Found {
    /// The login that it stood for before something was written.
    pub(super) fn before(self) -> Option<Login> {
        match self {
            Self::Before(login) => Some(login),
            Self::Current(_) | Self::Nothing => None,
        }
    }
}

impl Known {
    /// What is known of `token` while the data has this version.
    pub(super) fn find(&self, token: &str, purpose: Purpose, version: Option<Version>) -> Found {
        let known = self.0.lock();
        match known.get(token).filter(|known| known.purpose == purpose) {
            Some(known) if known.last < jiff::Timestamp::now().as_second() => Found::Nothing,
            Some(known) if Some(known.version) == version => Found::Current(known.login.clone()),
            Some(known) => Found::Before(known.login.clone()),
            None => Found::Nothing,
        }
    }

    /// Notes what `token` was found to stand for in data of this version, or a newer one.
    pub(super) fn note(
        &self,
        token: &str,
        purpose: Purpose,
        version: Option<Version>,
        claims: &Claims,
        login: Option<&Login>,
    ) {
        let mut known = self.0.lock();
        let is_light = |login: &&Login| login.account.values.values().map(weight).sum::<usize>() + token.len() <= HEAVY;
        let (Some(version), Some(login)) = (version, login.filter(is_light)) else {
            known.remove(token);
            return;
        };
        if known.len() >= MANY && !known.contains_key(token) {
            let now = jiff::Timestamp::now().as_second();
            known.retain(|_, other| other.version == version && other.last >= now);
            if known.len() >= MANY {
                known.clear();
            }
        }
        let token_known = Token {
            purpose,
            version,
            last: claims.last_second(),
            login: login.clone(),
        };
        known.insert(token.to_owned(), token_known);
    }
}
