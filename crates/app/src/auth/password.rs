//! Password hashes as PocketBase keeps them: bcrypt in `password` fields.

use bosbase_store::{Collection, FieldKind, Record};

use crate::error::{Error, Result};

/// The work factor where the field does not choose one.
const DEFAULT_COST: u32 = 10;
/// bcrypt reads no more than this; a longer password would be cut in silence.
pub(crate) const MAX_BYTES: usize = 72;

/// Hashes `password` for `collection`'s password field. Takes tens of milliseconds on purpose: not under the write lock.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] for more than 72 bytes, which bcrypt would cut off.
pub fn hash_password(collection: &Collection, password: &str) -> Result<String> {
    if password.len() > MAX_BYTES {
        return Err(Error::invalid("The password is longer than 72 bytes."));
    }
    bcrypt::hash_with_result(password, cost(collection))
        .map(|parts| parts.format_for_version(bcrypt::Version::TwoA))
        .map_err(Error::internal)
}

/// Whether `password` is `record`'s. Without a record, or without a hash, the answer is no after the same time, so that it
/// does not tell who has an account.
pub(crate) fn verify(collection: &Collection, record: Option<&Record>, password: &str) -> bool {
    let hash = record.map(|record| record.text("password")).unwrap_or_default();
    if hash.is_empty() {
        let _ = std::hint::black_box(bcrypt::hash_with_result(password, cost(collection)));
        return false;
    }
    // Unreadable hashes match nothing.
    bcrypt::verify(password, hash).unwrap_or(false)
}

fn cost(collection: &Collection) -> u32 {
    match collection.field("password").map(|field| &field.kind) {
        Some(FieldKind::Password { cost, .. }) if *cost > 0 => {
            u32::try_from(*cost).unwrap_or(DEFAULT_COST).clamp(4, 31)
        }
        _ => DEFAULT_COST,
    }
}
