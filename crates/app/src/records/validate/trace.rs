//! Records of system collections that belong to an account: whose they are, and of which provider.

use bosbase_store::{ReadTx, Record};

use super::Problem;
use crate::error::{FieldErrors, Result};
use crate::oauth2::is_known;

/// The collections whose records belong to an account, by `collectionRef` and `recordRef`.
pub(in crate::records) const TRACES: [&str; 4] = ["_externalAuths", "_mfas", "_otps", "_authOrigins"];

/// What is wrong with whom `record` belongs to. Of several problems the first is told.
///
/// # Errors
///
/// Only what the database says.
pub(super) fn check(tx: &ReadTx<'_>, record: &Record) -> Result<FieldErrors> {
    let name = record.collection.name.as_str();
    if !record.collection.system || !TRACES.contains(&name) {
        return Ok(FieldErrors::new());
    }
    let problem = |field: &str, problem: Problem| Ok(FieldErrors::one(field, problem.code, &problem.message));
    let collections = tx.schema().all();
    let owner = collections
        .iter()
        .find(|other| other.id == record.text("collectionRef"));
    let Some(owner) = owner else {
        let text = "Missing or invalid collection.";
        return problem("collectionRef", Problem::new("validation_invalid_collection_id", text));
    };
    if !owner.is_auth() {
        let text = "Invalid collection type - must be auth.";
        return problem(
            "collectionRef",
            Problem::new("validation_invalid_collection_type", text),
        );
    }
    if tx.record(owner, record.text("recordRef"))?.is_none() {
        let text = "Missing or invalid record.";
        return problem("recordRef", Problem::new("validation_invalid_record", text));
    }
    if name == "_externalAuths" && !is_known(record.text("provider")) {
        let text = "Must be a valid value.";
        return problem("provider", Problem::new("validation_in_invalid", text));
    }
    Ok(FieldErrors::new())
}
