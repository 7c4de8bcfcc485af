//! Logging in with a code that is mailed: a one-time password.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_store::{Collection, Filter, ListQuery, PageRequest, Record, new_id, new_secret, random_text};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::second_factor::{Factor, Login};
use super::{Accounts, is_within, superusers};
use crate::auth::AuthOptions;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, FieldErrors, Result};
use crate::form::{VALIDATING, check_email, text};
use crate::mails::OneTimePasswordMail;
use crate::records::RecordLocks;

/// Where they are kept until they are used or over.
const TABLE: &str = "_otps";
/// So many of one account may be valid at once.
const MOST: usize = 10;
/// The longest id and password that are looked at, in bytes, as in PocketBase.
const LONGEST_ID: usize = 255;
const LONGEST_PASSWORD: usize = 71;
/// So many passwords may be tried for an account …
const TRIES: u32 = 5;
/// … within this time, also where the settings limit nothing: they are short and of digits.
const TRIES_WITHIN: Duration = Duration::from_secs(180);
/// So many accounts are counted at once.
const MOST_COUNTED: usize = 50_000;

/// What is tried, counted: for five of a client at an account within three minutes, and five wrong ones of a password.
#[derive(Default)]
pub(super) struct Tries {
    counted: Mutex<HashMap<String, (Instant, u32)>>,
    /// One account's passwords are counted and made by one request at a time.
    turns: RecordLocks,
}

impl Tries {
    /// Counts one more of `what`. Where that is one too many, the time until it may be tried again.
    fn count(&self, what: &str) -> std::result::Result<(), Duration> {
        let now = Instant::now();
        let left = |since: Instant| TRIES_WITHIN.saturating_sub(now.duration_since(since));
        let mut counted = self.counted.lock();
        if counted.len() >= MOST_COUNTED && !counted.contains_key(what) {
            counted.retain(|_, (since, _)| !left(*since).is_zero());
            if counted.len() >= MOST_COUNTED {
                // So many are tried at once by an attack alone.
                return Err(TRIES_WITHIN);
            }
        }
        let (since, tries) = counted.entry(what.to_owned()).or_insert((now, 0));
        if left(*since).is_zero() {
            (*since, *tries) = (now, 0);
        }
        *tries += 1;
        if *tries > TRIES { Err(left(*since)) } else { Ok(()) }
    }

    fn forget(&self, what: &str) {
        self.counted.lock().remove(what);
    }
}

impl Accounts {
    /// Refuses a login with a one-time password before it is known whose.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Forbidden`] as [`Accounts::request_one_time_password`].
    pub fn check_one_time_login(&self, collection: &str) -> Result<()> {
        with_otp(&*self.collection(collection)?).map(drop)
    }

    /// Mails a one-time password to the account of `body.email`, and returns what it is called (`otpId`). Says the same
    /// where there is no such account. Does not wait for the mail server; what that says is logged. Hashes: take
    /// [`Accounts::password_turn`] first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such an auth collection, [`ErrorKind::Forbidden`] where it takes no one-time
    /// passwords, [`ErrorKind::Invalid`] for an address that is none.
    pub fn request_one_time_password(&self, collection: &str, body: &Map<String, Value>) -> Result<String> {
        let collection = self.collection(collection)?;
        let options = with_otp(&collection)?;
        let email = text(body, "email")?;
        let mut errors = FieldErrors::new();
        check_email(&mut errors, "email", email);
        errors.into_result(VALIDATING)?;
        let table = self.system_collection(TABLE)?;
        let password = digits(&options);
        let Some(account) = self.by_email(&collection, email)? else {
            // As long as it takes for an account that there is.
            self.passwords().hash(&table, "password", &password)?;
            return Ok(new_id());
        };
        let turn = self.one_time_tries().turns.turn(&collection.id, account.id());
        if self.valid_one_time_passwords(&table, &account, options.otp.duration)? >= MOST {
            let account = account.id();
            tracing::warn!(account, "too many one-time passwords are asked for; no more are mailed");
            self.passwords().hash(&table, "password", &password)?;
            // As for an address without an account.
            return Ok(new_id());
        }
        let made = self.keep_one_time_password(&account, &password)?;
        drop(turn);
        let id = made.id().to_owned();
        let mail = OneTimePasswordMail {
            id: id.clone(),
            password,
        };
        let (settings, logs, records) = (self.settings().get(), self.logs().clone(), self.records().clone());
        let taken = self.outbox().post(move || {
            let to = account.text("email");
            let sent = if is_within(&made, options.otp.duration) {
                mail.send(&settings, &account, to)
            } else {
                Err(Error::invalid("it waited for the mail server until it was over"))
            };
            let kept = match sent {
                Ok(()) => {
                    let mut values = Map::new();
                    values.insert("sentTo".to_owned(), to.into());
                    records.save_for_application(&made, values, "Failed to update record.")
                }
                Err(error) => {
                    logs.failure_for(&account, "Failed to send OTP email", &error);
                    records.delete(TABLE, made.id(), &Caller::application())
                }
            };
            if let Err(error) = kept
                && error.kind() != ErrorKind::NotFound
            {
                // It may be used already.
                logs.failure_for(&account, "Failed to keep an OTP's state", &error);
            }
        });
        if !taken {
            self.records().delete(TABLE, &id, &Caller::application())?;
        }
        Ok(id)
    }

    /// Makes a one-time password for the superuser with this address, for a command line. Nothing is mailed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is no such superuser, [`ErrorKind::Invalid`] where superusers take no
    /// one-time passwords.
    pub fn superuser_one_time_password(&self, email: &str) -> Result<OneTimePassword> {
        let collection = self.collection(Collection::SUPERUSERS)?;
        let account = self.superuser(email)?.ok_or_else(|| superusers::missing(email))?;
        let options = with_otp(&collection).map_err(|error| match error.kind() {
            ErrorKind::Forbidden => Error::invalid(
                "OTP auth is not enabled for the _superusers collection: with a superuser's token, PATCH \
                 /api/collections/_superusers with {\"otp\": {\"enabled\": true}} switches it on.",
            ),
            _ => error,
        })?;
        let password = digits(&options);
        let made = self.keep_one_time_password(&account, &password)?;
        Ok(OneTimePassword {
            id: made.id().to_owned(),
            password,
            seconds: options.otp.duration,
        })
    }

    /// Keeps the hash of a one-time password of `account`. Hashes.
    fn keep_one_time_password(&self, account: &Record, password: &str) -> Result<Record> {
        let mut values = Map::new();
        values.insert("collectionRef".to_owned(), account.collection.id.clone().into());
        values.insert("recordRef".to_owned(), account.id().into());
        values.insert("password".to_owned(), password.into());
        let table = self.system_collection(TABLE)?;
        self.records().create_for_application(&table, values)
    }

    /// Logs in with the one-time password `body.otpId`, which is used up by that. Confirms the address that it was
    /// mailed to, and then replaces the account's password by a random one. Hashes: take [`Accounts::password_turn`]
    /// first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such an auth collection, [`ErrorKind::Forbidden`] where it takes no one-time
    /// passwords or does not admit the account, [`ErrorKind::Invalid`] for a wrong one, [`ErrorKind::RateLimited`]
    /// after five tries in three minutes.
    pub fn log_in_with_one_time_password(
        &self,
        collection: &str,
        body: Map<String, Value>,
        caller: &Caller,
    ) -> Result<Login> {
        let collection = self.collection(collection)?;
        let options = with_otp(&collection)?;
        let (id, password) = (text(&body, "otpId")?.to_owned(), text(&body, "password")?.to_owned());
        let mut errors = FieldErrors::new();
        for (field, value, most) in [("otpId", &id, LONGEST_ID), ("password", &password, LONGEST_PASSWORD)] {
            if value.is_empty() {
                errors.add_required(field);
            } else if value.len() > most {
                errors.add_length(field, 1, most);
            }
        }
        errors.into_result(VALIDATING)?;
        let table = self.system_collection(TABLE)?;
        let wrong = || Error::invalid("Invalid or expired OTP.");
        let found = self.store().read(|tx| -> Result<_> {
            let Some(sent) = tx.record(&table, &id)? else {
                return Ok(None);
            };
            if sent.text("collectionRef") != collection.id || !is_within(&sent, options.otp.duration) {
                return Ok(None);
            }
            Ok(tx
                .record(&collection, sent.text("recordRef"))?
                .map(|account| (sent, account)))
        })?;
        let Some((sent, account)) = found else {
            // As long as it takes for one that there is.
            self.passwords().verify(self.store(), &table, None, &password)?;
            return Err(wrong());
        };
        let client = format!("{} {} {}", caller.client(), collection.id, account.id());
        if let Err(wait) = self.one_time_tries().count(&client) {
            let text = "Too many attempts, please try again later with a new OTP.";
            return Err(Error::new(ErrorKind::RateLimited, text).retry_after(wait));
        }
        if !self.passwords().verify(self.store(), &table, Some(&sent), &password)? {
            // Many clients together get hardly more tries at one of them.
            if self.one_time_tries().count(sent.id()).is_err() {
                self.records().delete(TABLE, sent.id(), &Caller::application())?;
            }
            return Err(wrong());
        }
        self.one_time_tries().forget(&client);
        // Used up before anything follows of it: two requests with the same password are one login.
        match self.records().delete(TABLE, sent.id(), &Caller::application()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(wrong()),
            done => done?,
        }
        let account = if !account.flag("verified")
            && sent.text("sentTo") == account.text("email")
            && !sent.text("sentTo").is_empty()
        {
            let mut values = Map::new();
            values.insert("verified".to_owned(), true.into());
            // Somebody else may have registered the address, with a password of theirs. Where two factors are wanted,
            // that alone opens nothing, and it may be the one that comes next.
            if !options.mfa.enabled {
                let password = new_secret();
                values.insert("password".to_owned(), password.clone().into());
                values.insert("passwordConfirm".to_owned(), password.into());
            }
            self.records()
                .save_for_application(&account, values, "Failed to update record.")?;
            let saved = self
                .store()
                .read(|tx| tx.record(&collection, account.id()).map_err(Error::from))?;
            saved.ok_or_else(wrong)?
        } else {
            account
        };
        let session = Factor::session_of(caller, &body).to_owned();
        let factor = Factor {
            method: "otp",
            session: &session,
            caller,
        };
        let mut told = body;
        told.remove("password");
        self.grant(account, &options, &caller.context("otp", told), &factor)
    }

    /// How many one-time passwords of `account` can be used; [`MOST`] where there are more.
    fn valid_one_time_passwords(&self, table: &Arc<Collection>, account: &Record, seconds: i64) -> Result<usize> {
        let own = Filter::is("recordRef", account.id()).and(Filter::is("collectionRef", &account.collection.id));
        let query = ListQuery {
            also: Some(own),
            sort: "-created".to_owned(),
            page: PageRequest::first(MOST as u64),
            allow_hidden: true,
            ..ListQuery::default()
        };
        let newest = self
            .store()
            .read(|tx| tx.list_records(table, &query).map_err(Error::from))?;
        Ok(newest.items.iter().filter(|sent| is_within(sent, seconds)).count())
    }
}

/// A one-time password that is told at the command line.
pub struct OneTimePassword {
    /// What it is called (`otpId`).
    pub id: String,
    /// The password.
    pub password: String,
    /// How long it is good, in seconds.
    pub seconds: i64,
}

/// A new one-time password.
fn digits(options: &AuthOptions) -> String {
    let length = usize::try_from(options.otp.length).unwrap_or_default().max(4);
    random_text(length, b"0123456789")
}

/// The options of a collection that admits logins with a one-time password.
fn with_otp(collection: &Collection) -> Result<AuthOptions> {
    let options = AuthOptions::of(collection)?;
    if options.otp.enabled {
        return Ok(options);
    }
    let text = "The collection is not configured to allow OTP authentication.";
    Err(Error::new(ErrorKind::Forbidden, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole three minutes were told, however much of them had passed.
    #[test]
    fn one_try_too_many_waits_for_what_is_left_of_the_time() {
        let tries = Tries::default();
        for _ in 0..TRIES {
            assert_eq!(tries.count("a"), Ok(()));
        }
        std::thread::sleep(Duration::from_millis(1));
        let wait = tries.count("a").unwrap_err();
        assert!(wait < TRIES_WITHIN && !wait.is_zero(), "{wait:?}");
        assert_eq!(tries.count("b"), Ok(()));
        tries.forget("a");
        assert_eq!(tries.count("a"), Ok(()));
    }
}
