//! The places that accounts log in from (`_authOrigins`). An account is told of a login from somewhere new by mail
//! (`authAlert`).

use bosbase_store::{Filter, ListQuery, PageRequest, Record, now};
use md5::{Digest as _, Md5};
use serde_json::Map;

use super::Accounts;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::mails::LoginAlertMail;

/// Where they are kept until the account's password changes.
const TABLE: &str = "_authOrigins";
/// So many of an account are kept, as in PocketBase.
const MOST: usize = 5;
/// How much of a client's name counts, in characters, as in PocketBase.
const LONGEST_AGENT: usize = 200;
const FAILED: &str = "Failed to send login alert";

/// Where a request comes from, as far as can be told.
struct Origin {
    address: String,
    agent: String,
}

impl Origin {
    fn of(caller: &Caller) -> Self {
        let mut agent = caller.headers.get("user_agent").unwrap_or_default();
        if let Some((end, _)) = agent.char_indices().nth(LONGEST_AGENT) {
            agent.truncate(end);
            agent.push_str("...");
        }
        Self {
            address: caller.ip.clone(),
            agent,
        }
    }

    /// What it is known by: the same as in PocketBase, so that accounts are told of nothing twice when the data moves.
    fn fingerprint(&self) -> String {
        let digest = Md5::digest(format!("{}{}", self.address, self.agent));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What the mail says of it.
    fn described(&self) -> String {
        format!("{} - {} {}", now(), self.address, self.agent)
    }
}

impl Accounts {
    /// Notes from where `account` has logged in. What goes wrong keeps nobody from logging in; it is logged.
    pub(super) fn note_origin(&self, account: &Record, caller: &Caller) {
        if let Err(error) = self.try_to_note_origin(account, caller) {
            self.logs().failure_for(account, FAILED, &error);
        }
    }

    fn try_to_note_origin(&self, account: &Record, caller: &Caller) -> Result<()> {
        let origin = Origin::of(caller);
        let fingerprint = origin.fingerprint();
        let table = self.system_collection(TABLE)?;
        let own = Filter::is("recordRef", account.id()).and(Filter::is("collectionRef", &account.collection.id));
        let query = ListQuery {
            also: Some(own),
            sort: "-created".to_owned(),
            page: PageRequest::first(100),
            allow_hidden: true,
            ..ListQuery::default()
        };
        let known = self
            .store()
            .read(|tx| tx.list_records(&table, &query).map_err(Error::from))?
            .items;
        if let Some(known) = known.iter().find(|known| known.text("fingerprint") == fingerprint) {
            return self
                .records()
                .save_for_application(known, Map::new(), "Failed to update record.");
        }
        for old in known.iter().skip(MOST - 1) {
            self.forget_origin(old.id())?;
        }
        let mut values = Map::new();
        values.insert("collectionRef".to_owned(), account.collection.id.clone().into());
        values.insert("recordRef".to_owned(), account.id().into());
        values.insert("fingerprint".to_owned(), fingerprint.into());
        let noted = match self.records().create_for_application(&table, values) {
            // Another login from there was faster, and tells of it.
            Err(error) if error.data().contains_key("fingerprint") => return Ok(()),
            noted => noted?,
        };
        let settings = self.settings().get();
        let email = account.text("email").to_owned();
        if known.is_empty() || email.is_empty() || !settings.smtp.enabled {
            return Ok(());
        }
        let mail = LoginAlertMail(origin.described());
        let (accounts, of, id) = (self.clone(), account.clone(), noted.id().to_owned());
        let taken = self.outbox().post(move || {
            if let Err(error) = mail.send(&settings, &of, &email) {
                accounts.logs().failure_for(&of, FAILED, &error);
                accounts.retell(&of, &id);
            }
        });
        if !taken {
            self.retell(account, noted.id());
        }
        Ok(())
    }

    /// Has the next login from there be told, since this one was not.
    fn retell(&self, account: &Record, id: &str) {
        if let Err(error) = self.forget_origin(id) {
            self.logs().failure_for(account, FAILED, &error);
        }
    }

    fn forget_origin(&self, id: &str) -> Result<()> {
        match self.records().delete(TABLE, id, &Caller::application()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }
}
