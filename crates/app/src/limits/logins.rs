//! How many wrong passwords are listened to where the settings limit nothing.
//!
//! Failures count, successes do not: a burst of right logins passes. Three budgets are kept:
//!
//! - of an address for one account: who guesses at it is refused after a few tries;
//! - of an address for all accounts: who tries one password on many is refused, too, but for accounts it was in before;
//! - of an account for all addresses: where many guess at it, an address has one try at a time instead of ten. An
//!   address that has not failed itself is never refused for what others did, so that nobody locks an account for its
//!   owner.
//!
//! Attempts that are under way may fail yet. Further ones wait for their outcome, so that a hundred guesses at once are
//! no more than ten.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::budget::{Allowance, Budget, Verdict};
use super::too_many;
use crate::caller::client;
use crate::error::Result;

const PAIR: Allowance = Allowance {
    at_once: 10,
    each: Duration::from_secs(10),
};
const ADDRESS: Allowance = Allowance {
    at_once: 60,
    each: Duration::from_secs(2),
};
const ACCOUNT: Allowance = Allowance {
    at_once: 50,
    each: Duration::from_secs(2),
};

/// So many budgets of a kind are kept before those that are full again are forgotten.
const MANY: usize = 20_000;

/// Counts wrong passwords.
#[derive(Default)]
pub(crate) struct LoginGuard {
    names: RandomState,
    state: Mutex<State>,
    decided: Condvar,
}

#[derive(Default)]
struct State {
    pairs: HashMap<u64, Budget>,
    addresses: HashMap<u64, Budget>,
    accounts: HashMap<u64, Budget>,
}

/// Whom an attempt is counted against; texts of clients are kept as hashes with a key of this process.
#[derive(Debug, Default, Clone, Copy)]
struct Keys {
    pair: u64,
    address: u64,
    account: u64,
}

/// One try of a password. Dropped without an outcome it counts for nothing.
pub(crate) struct Attempt<'a> {
    guard: Option<&'a LoginGuard>,
    keys: Keys,
}

impl LoginGuard {
    /// Admits a try at `account` (any text that names it) from the address `ip`. Blocks while others that are under way
    /// decide whether it may be.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::RateLimited`] after too many failures, with the time until the next try.
    pub(crate) fn attempt(&self, ip: &str, account: &str) -> Result<Attempt<'_>> {
        let address = client(ip);
        let account = account.trim().to_lowercase();
        let keys = Keys {
            pair: self.names.hash_one((&address, &account)),
            address: self.names.hash_one(&address),
            account: self.names.hash_one(("account", &account)),
        };
        let mut state = self.state.lock();
        loop {
            match state.verdict(keys, Instant::now()) {
                Verdict::Room => break,
                Verdict::None(wait) => return Err(too_many(wait)),
                // They end, each within the time that a hash takes.
                Verdict::Undecided => self.decided.wait(&mut state),
            }
        }
        for budget in state.all(keys, Instant::now()) {
            budget.under_way += 1;
        }
        Ok(Attempt {
            guard: Some(self),
            keys,
        })
    }
}

impl Attempt<'_> {
    /// An attempt that nobody counts.
    pub(crate) fn uncounted() -> Self {
        let keys = Keys::default();
        Self { guard: None, keys }
    }

    /// Says whether the password was right.
    pub(crate) fn decide(self, is_right: bool) {
        let Some(guard) = self.guard else { return };
        let mut state = guard.state.lock();
        state.decide(self.keys, is_right, Instant::now());
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let Some(guard) = self.guard else { return };
        let mut state = guard.state.lock();
        for budget in state.all(self.keys, Instant::now()) {
            budget.under_way = budget.under_way.saturating_sub(1);
        }
        guard.decided.notify_all();
    }
}

impl State {
    fn all(&mut self, keys: Keys, now: Instant) -> [&mut Budget; 3] {
        let of = |map, key| budget(map, key, now);
        [
            of(&mut self.pairs, keys.pair),
            of(&mut self.addresses, keys.address),
            of(&mut self.accounts, keys.account),
        ]
    }

    fn verdict(&mut self, keys: Keys, now: Instant) -> Verdict {
        make_room(&mut self.pairs, PAIR, now);
        make_room(&mut self.addresses, ADDRESS, now);
        make_room(&mut self.accounts, ACCOUNT, now);
        let [pair, address, account] = self.all(keys, now);
        let mut verdict = pair.verdict(PAIR, now);
        if verdict == Verdict::Room && !pair.proven {
            verdict = address.verdict(ADDRESS, now);
        }
        if verdict == Verdict::Room && !pair.proven && matches!(account.verdict(ACCOUNT, now), Verdict::None(_)) {
            let alone = Allowance { at_once: 1, ..PAIR };
            verdict = pair.verdict(alone, now);
        }
        verdict
    }

    fn decide(&mut self, keys: Keys, is_right: bool, now: Instant) {
        let [pair, address, account] = self.all(keys, now);
        if is_right {
            pair.proven = true;
            pair.forgive();
        } else {
            pair.spend(PAIR, now);
            address.spend(ADDRESS, now);
            account.spend(ACCOUNT, now);
        }
    }
}

fn budget(map: &mut HashMap<u64, Budget>, key: u64, now: Instant) -> &mut Budget {
    map.entry(key).or_insert_with(|| Budget::new(now))
}

/// Forgets what is of least use where there is too much of it.
fn make_room(map: &mut HashMap<u64, Budget>, allowance: Allowance, now: Instant) {
    if map.len() < MANY {
        return;
    }
    map.retain(|_, budget| budget.proven || !budget.is_untouched(allowance, now));
    if map.len() >= MANY {
        map.retain(|_, budget| !budget.is_untouched(allowance, now));
    }
    if map.len() >= MANY {
        map.retain(|_, budget| budget.under_way > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn fail(guard: &LoginGuard, ip: &str, account: &str) -> Result<()> {
        guard.attempt(ip, account).map(|attempt| attempt.decide(false))
    }

    #[test]
    fn ten_wrong_passwords_are_enough_for_one_account() {
        let guard = LoginGuard::default();
        for _ in 0..10 {
            fail(&guard, "10.0.0.1", "ann@example.com").unwrap();
        }
        let refused = fail(&guard, "10.0.0.1", "Ann@Example.com ").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::RateLimited);
        assert!(matches!(refused.retry_after_seconds(), Some(1..=10)));
        fail(&guard, "10.0.0.1", "bob@example.com").unwrap();
        fail(&guard, "10.0.0.2", "ann@example.com").unwrap();
    }

    #[test]
    fn right_passwords_are_not_counted_however_many_come_at_once() {
        let guard = LoginGuard::default();
        for _ in 0..1_000 {
            guard.attempt("10.0.0.1", "ann").unwrap().decide(true);
        }
        std::thread::scope(|scope| {
            for _ in 0..50 {
                scope.spawn(|| {
                    let attempt = guard.attempt("10.0.0.1", "ann").unwrap();
                    std::thread::sleep(Duration::from_millis(5));
                    attempt.decide(true);
                });
            }
        });
    }

    #[test]
    fn a_hundred_guesses_at_once_are_ten() {
        let guard = LoginGuard::default();
        let listened: usize = std::thread::scope(|scope| {
            let guess = || {
                let attempt = guard.attempt("10.0.0.1", "ann");
                std::thread::sleep(Duration::from_millis(5));
                attempt.map(|attempt| attempt.decide(false)).is_ok()
            };
            let guesses: Vec<_> = (0..100).map(|_| scope.spawn(guess)).collect();
            guesses
                .into_iter()
                .map(|guess| usize::from(guess.join().unwrap()))
                .sum()
        });
        assert!((10..=11).contains(&listened), "{listened}");
    }

    #[test]
    fn one_password_for_many_accounts_is_refused_but_for_those_who_were_in_before() {
        let guard = LoginGuard::default();
        guard.attempt("10.0.0.1", "ann").unwrap().decide(true);
        for account in 0..60 {
            fail(&guard, "10.0.0.1", &account.to_string()).unwrap();
        }
        fail(&guard, "10.0.0.1", "zoe").unwrap_err();
        guard.attempt("10.0.0.1", "ann").unwrap().decide(true);
        fail(&guard, "10.0.0.2", "zoe").unwrap();
    }

    #[test]
    fn many_who_guess_at_an_account_lock_out_none_who_did_not() {
        let guard = LoginGuard::default();
        for address in 0..60 {
            fail(&guard, &format!("10.0.1.{address}"), "ann").unwrap();
        }
        // Each of them has had its one try now.
        fail(&guard, "10.0.1.3", "ann").unwrap_err();
        guard.attempt("10.0.0.1", "ann").unwrap().decide(true);
        for _ in 0..10 {
            fail(&guard, "10.0.0.1", "ann").unwrap();
        }
    }

    #[test]
    fn accounts_without_number_take_bounded_memory() {
        let guard = LoginGuard::default();
        for account in 0..2 * MANY {
            let attempt = guard.attempt(
                &format!("10.{}.{}.1", account / 256 % 256, account % 256),
                &account.to_string(),
            );
            drop(attempt);
        }
        let state = guard.state.lock();
        assert!(state.pairs.len() <= MANY && state.accounts.len() <= MANY);
    }
}
