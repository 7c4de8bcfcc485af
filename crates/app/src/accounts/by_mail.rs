//! What accounts do by mail: confirming an address, setting a new password, changing an address.
//!
//! Each goes in two requests. The first mails a token. The second brings it back. A token dies with the address that it
//! was mailed to, with the account's `tokenKey`, and by its age.

use std::sync::Arc;

use bosbase_store::{Collection, Record};

use super::Accounts;
use crate::error::Result;
use crate::mails::AccountMail;

pub(super) const INVALID_TOKEN: (&str, &str) = ("validation_invalid_token", "Invalid or expired token.");
pub(super) const OTHER_COLLECTION: (&str, &str) = (
    "validation_token_collection_mismatch",
    "The provided token is for different auth collection.",
);

impl Accounts {
    /// The account of this address.
    pub(super) fn by_email(&self, collection: &Arc<Collection>, email: &str) -> Result<Option<Record>> {
        self.store()
            .read(|tx| Ok(tx.find_record(collection, "email", email, true)?))
    }

    /// Mails `mail` to `record` behind the answer, unless it was mailed less than two minutes ago. Who asked is not
    /// told: it would say which addresses have accounts.
    pub(super) fn mail_once(&self, mail: AccountMail, record: Record) {
        let Some(turn) = self.resends().begin(mail, &record) else {
            return;
        };
        let (settings, logs) = (self.settings().get(), self.logs().clone());
        // Where it is not taken, the turn ends, and the account may ask again.
        let _taken = self
            .outbox()
            .post(move || match mail.send(&settings, &record, record.text("email")) {
                Ok(()) => turn.keep(),
                Err(error) => logs.failure_for(&record, &format!("Failed to send {} email", mail.name()), &error),
            });
    }
}
