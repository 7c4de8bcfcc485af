//! What of a plan takes as long as a hash does: whether an old password is right, and the hashes of new ones.

use std::sync::Arc;

use bosbase_store::{Collection, new_id};

use super::Records;
use super::account::Proof;
use super::change::Change;
use super::plan::{self, Fixed, Plan, Request};
use crate::caller::Caller;
use crate::error::Result;

/// Begins what stands for a hash that is still to be computed. What it is in is never committed.
const TO_COME: &str = "to come ";

/// A new password whose hash is not known yet.
#[derive(Debug)]
pub(super) struct Unhashed {
    pub(super) collection: Arc<Collection>,
    pub(super) field: String,
    pub(super) plain: String,
}

impl Proof {
    /// Whether the account's password is one whose hash is not known yet.
    pub(super) fn is_to_come(&self) -> bool {
        self.account.text("password").starts_with(TO_COME)
    }
}

impl Plan {
    /// The old password that has to be proven, where `fixed` does not know it.
    pub(super) fn unproven(&self, fixed: &Fixed) -> Option<&Proof> {
        self.proof.as_ref().filter(|proof| fixed.proves(proof).is_none())
    }

    /// Refuses what is wrong. An old password that is still to be proven counts as right.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] with what is wrong by field.
    pub(super) fn check(&mut self, fixed: &Fixed) -> Result<()> {
        let mut form = std::mem::take(&mut self.form);
        if self
            .proof
            .as_ref()
            .is_some_and(|proof| fixed.proves(proof) == Some(false))
        {
            let text = "Missing or invalid old password.";
            form.add("oldPassword", "validation_invalid_old_password", text);
        }
        form.into_result(self.message)?;
        std::mem::take(&mut self.values).into_result(self.message)
    }

    /// The new passwords whose hashes `fixed` does not know.
    pub(super) fn unhashed(&self, fixed: &Fixed) -> Vec<Unhashed> {
        let passwords = self.passwords.iter();
        let unknown = passwords.filter(|(field, plain)| !plain.is_empty() && !fixed.hashes.contains_key(*field));
        let unhashed = unknown.map(|(field, plain)| Unhashed {
            collection: self.change.record().collection.clone(),
            field: field.clone(),
            plain: plain.clone(),
        });
        unhashed.collect()
    }

    /// The change with the hashes that `fixed` knows; others are to come.
    pub(super) fn into_change(mut self, fixed: &Fixed) -> Change {
        if let Some(record) = self.change.stored_mut() {
            for (field, plain) in self.passwords {
                let hash = match fixed.hashes.get(&field) {
                    // It was cleared.
                    _ if plain.is_empty() => String::new(),
                    Some(hash) => hash.clone(),
                    // No hash is another's: a unique index may say so.
                    None => format!("{TO_COME}{}", new_id()),
                };
                record.values.insert(field, hash.into());
            }
        }
        self.change
    }
}

impl Fixed {
    /// Whether an old password is right, where that was found out.
    fn proves(&self, proof: &Proof) -> Option<bool> {
        let (hash, is_right) = self.proven.as_ref()?;
        (hash == proof.account.text("password")).then_some(*is_right)
    }
}

impl Records {
    /// Plans `request` on the data as it is now, and finds out what takes long.
    pub(super) fn decide(&self, request: &Request<'_>, fixed: &mut Fixed) -> Result<Change> {
        let mut plan = self
            .store()
            .read(|tx| plan::plan(tx, self.patterns(), request, fixed))?;
        if let Some(proof) = plan.unproven(fixed) {
            self.prove(proof, request.caller, fixed)?;
        }
        plan.check(fixed)?;
        for unhashed in plan.unhashed(fixed) {
            self.hash(unhashed, fixed)?;
        }
        Ok(plan.into_change(fixed))
    }

    /// Finds out whether the old password is the account's. A guess counts as one at a login does: a stolen token must
    /// not find the password out.
    pub(super) fn prove(&self, proof: &Proof, caller: &Caller, fixed: &mut Fixed) -> Result<()> {
        let account = &proof.account;
        let collection = &account.collection;
        let attempt = self
            .inner
            .tries
            .begin(&caller.ip, &format!("{} {}", collection.id, account.id()))?;
        let is_right = self
            .inner
            .passwords
            .verify(self.store(), collection, Some(account), &proof.old)?;
        attempt.decide(is_right);
        fixed.proven = Some((account.text("password").to_owned(), is_right));
        Ok(())
    }

    /// Computes the hash of a new password.
    pub(super) fn hash(&self, unhashed: Unhashed, fixed: &mut Fixed) -> Result<()> {
        let Unhashed {
            collection,
            field,
            plain,
        } = unhashed;
        let hash = self.inner.passwords.hash(&collection, &field, &plain)?;
        fixed.hashes.insert(field, hash);
        Ok(())
    }
}
