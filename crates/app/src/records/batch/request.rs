//! What a batch asks for, and what each request is answered.

use crate::caller::Caller;
use crate::error::Error;
use crate::records::{Body, Records};

/// One request of a batch.
#[derive(Debug)]
pub struct BatchRequest {
    /// The collection's name or id.
    pub collection: String,
    /// What is to be done.
    pub action: BatchAction,
    /// What was sent for it.
    pub body: Body,
    /// Who asks, with the query and the headers of this request. The method follows from the action.
    pub caller: Caller,
    /// Why it is refused in any case when its turn comes.
    pub refused: Option<Error>,
}

/// What a request of a batch does.
#[derive(Debug)]
pub enum BatchAction {
    /// Creates a record.
    Create,
    /// Changes the record with this id.
    Update(String),
    /// Changes the record whose id the body names, or creates it where there is none.
    Upsert,
    /// Deletes the record with this id.
    Delete(String),
}

/// The answer to one request: the record as JSON, cut down to the fields that were asked for; `None` for one that was
/// deleted.
pub type BatchAnswer = Option<Vec<u8>>;

/// What a run works on; the same for all runs of a batch.
pub(super) struct Batch {
    pub(super) records: Records,
    pub(super) requests: Vec<BatchRequest>,
    /// The first request that is refused in any case.
    pub(super) refused_from: Option<usize>,
}
