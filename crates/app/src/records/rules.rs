//! Who may do what with records.

use std::sync::Arc;

use bosbase_store::{Collection, ErrorKind as StoreErrorKind, ReadTx, Record, RequestContext};

use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};

/// A rule of `collection` as it applies to `caller`: `None` where nothing has to be checked.
///
/// # Errors
///
/// [`ErrorKind::Forbidden`] where the rule admits superusers only and the caller is none.
pub(super) fn applied<'a>(rule: Option<&'a String>, caller: &Caller) -> Result<Option<&'a str>> {
    if caller.is_superuser() {
        return Ok(None);
    }
    match rule {
        None => Err(Error::new(
            ErrorKind::Forbidden,
            "Only superusers can perform this action.",
        )),
        Some(rule) if rule.is_empty() => Ok(None),
        Some(rule) => Ok(Some(rule)),
    }
}

/// `answer`, where a rule that can't be evaluated admits nobody.
pub(super) fn or_deny(answer: bosbase_store::Result<bool>, collection: &Collection) -> Result<bool> {
    match answer {
        Err(error) if error.kind() == StoreErrorKind::InvalidQuery => {
            tracing::warn!(%error, collection = collection.name, "a rule can't be evaluated and admits nobody");
            Ok(false)
        }
        other => Ok(other?),
    }
}

/// What rules said of one record for one request while a change was planned, so that they can be asked again.
#[derive(Debug)]
pub(super) struct Judge {
    subject: Subject,
    context: RequestContext,
    answers: Vec<(String, bool)>,
}

/// What is judged.
#[derive(Debug)]
enum Subject {
    /// A record that is not stored yet.
    Candidate(Record),
    /// The record with this id, as it is stored.
    Stored(Arc<Collection>, String),
}

impl Judge {
    /// Judges a record that is not stored yet.
    pub(super) fn of_candidate(record: &Record) -> Self {
        Self::of(Subject::Candidate(record.clone()))
    }

    /// Judges a record as it is stored.
    pub(super) fn of_stored(record: &Record) -> Self {
        Self::of(Subject::Stored(record.collection.clone(), record.id().to_owned()))
    }

    fn of(subject: Subject) -> Self {
        Self {
            subject,
            context: RequestContext::default(),
            answers: Vec::new(),
        }
    }

    /// Takes note of the request, which every rule is asked about.
    pub(super) fn hear(&mut self, context: RequestContext) {
        self.context = context;
    }

    /// Whether `rule` admits it.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub(super) fn admits(&mut self, tx: &ReadTx<'_>, rule: &str) -> Result<bool> {
        let admitted = self.ask(tx, rule)?;
        self.answers.push((rule.to_owned(), admitted));
        Ok(admitted)
    }

    /// Whether every rule that was asked says the same on the data that `tx` has.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub(super) fn stands(&self, tx: &ReadTx<'_>) -> Result<bool> {
        for (rule, admitted) in &self.answers {
            if self.ask(tx, rule)? != *admitted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn ask(&self, tx: &ReadTx<'_>, rule: &str) -> Result<bool> {
        match &self.subject {
            Subject::Candidate(record) => {
                or_deny(tx.candidate_matches(record, rule, &self.context), &record.collection)
            }
            Subject::Stored(collection, id) => {
                or_deny(tx.record_matches(collection, id, rule, &self.context), collection)
            }
        }
    }
}
