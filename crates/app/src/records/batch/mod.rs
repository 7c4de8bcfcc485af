//! Several requests to change records, in one transaction: all of them happen, or none.
//!
//! Each request is planned on the view of the open transaction, so that it sees what those before it wrote. What such a
//! plan needs and a write must not wait for (hashes, files in place, notes of files that will go, a share of the
//! memory) is not known before. So the requests are [run](run::run), and what they [lack](run::Lacking) is told; then
//! nothing of it happened. It is [prepared](preparation), and they are run again. Where nothing is lacking, the first
//! run is the last.

mod foresight;
mod preparation;
mod request;
mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bosbase_store::LONG_WRITE;

use super::references::file_names;
use super::save::{ATTEMPTS, contended};
use super::{RecordAction, Records};
use crate::error::{Error, Result};
pub use foresight::{Foresight, Upsert};
use preparation::Preparation;
use request::Batch;
pub use request::{BatchAction, BatchAnswer, BatchRequest};
use run::{Done, Effect, Halt};

/// What a batch that failed is told.
const FAILED: &str = "Batch transaction failed.";

/// What came of a batch.
#[derive(Debug)]
pub enum BatchOutcome {
    /// All of it happened, durably. The answers are in the order of the requests.
    Done(Vec<BatchAnswer>),
    /// Nothing of it happened, since the request with this index was refused.
    Refused(usize, Error),
}

impl Records {
    /// Does what `requests` ask for in one transaction, which may compute for `timeout` at the most. Hashes, files and
    /// waiting for others do not count. Blocks.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where it takes longer; [`crate::ErrorKind::Unavailable`] and
    /// [`crate::ErrorKind::Internal`] where it is no request's fault. Nothing of it happened then.
    pub fn batch(&self, mut requests: Vec<BatchRequest>, timeout: Duration) -> Result<BatchOutcome> {
        let refused_from = requests.iter().position(|request| request.refused.is_some());
        let mut refusal = refused_from.and_then(|index| requests[index].refused.take());
        let batch = Arc::new(Batch {
            records: self.clone(),
            requests,
            refused_from,
        });
        let mut actions = batch.requests.iter().map(|request| &request.action);
        let outcome = if actions.all(|action| matches!(action, BatchAction::Delete(_))) {
            // What only deletes may free the room that it needs.
            self.inner.reserve.spend(|| self.batch_once(&batch, timeout))?
        } else {
            self.batch_once(&batch, timeout)?
        };
        Ok(match outcome {
            Ok(answers) => BatchOutcome::Done(answers),
            Err((index, error)) => {
                let refusal = refusal.take().filter(|_| refused_from == Some(index));
                BatchOutcome::Refused(index, refusal.unwrap_or(error))
            }
        })
    }

    fn batch_once(&self, batch: &Arc<Batch>, timeout: Duration) -> Result<Result<Vec<BatchAnswer>, (usize, Error)>> {
        let mut preparation = Preparation::new(batch);
        let outcome = self.attempt(batch, &mut preparation, timeout.min(LONG_WRITE));
        match outcome {
            Ok(done) => Ok(Ok(self.conclude(done, preparation))),
            Err(halt) => {
                preparation.take_back();
                match halt {
                    Halt::Refused(index, error) => Ok(Err((index, error))),
                    Halt::TimedOut => Err(Error::invalid(FAILED)),
                    Halt::Whole(error) => Err(error),
                    Halt::Lacking(_) => Err(contended()),
                }
            }
        }
    }

    /// Runs the requests until nothing is lacking.
    fn attempt(&self, batch: &Arc<Batch>, preparation: &mut Preparation, timeout: Duration) -> Result<Done, Halt> {
        let mut left = timeout;
        for _ in 0..ATTEMPTS {
            let known = preparation.known(self.audience().is_listening());
            // The last reference is never the writer's: what goes with it are files.
            let batch_again = Arc::downgrade(batch);
            let run = self.store().write_within(left, move |tx| match batch_again.upgrade() {
                Some(batch) => run::run(&batch, &known, tx, left),
                None => Err(Halt::Whole(contended())),
            });
            match run {
                Err(Halt::Lacking(lacking)) => {
                    left = left.saturating_sub(lacking.took);
                    preparation.prepare(self, batch, *lacking)?;
                }
                outcome => return outcome,
            }
        }
        Err(Halt::Whole(contended()))
    }

    /// What follows a batch that is durable: files are settled, and those who listen are told.
    fn conclude(&self, done: Done, preparation: Preparation) -> Vec<BatchAnswer> {
        let Done {
            answers,
            effects,
            removals,
        } = done;
        let named = |index: usize| match &effects[index] {
            Effect::Saved(_, record) => file_names(record),
            Effect::Deleted { .. } => Vec::new(),
        };
        let mut farewells = preparation.conclude(named, removals);
        for (index, effect) in effects.into_iter().enumerate() {
            match effect {
                Effect::Saved(action, record) => self.audience().saved(action, &record),
                Effect::Deleted { records, changed } => {
                    for record in &changed {
                        self.audience().saved(RecordAction::Update, record);
                    }
                    if let Some(farewell) = farewells.remove(&index) {
                        farewell.deleted(records);
                    }
                }
            }
        }
        answers
    }
}
