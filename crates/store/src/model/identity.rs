//! Identifiers and secrets, made as PocketBase makes them.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::RngExt;

use crate::model::collection::CollectionKind;
use crate::model::field::FieldKind;

/// A new record id: 15 random characters of `a-z0-9`.
#[must_use]
pub fn new_id() -> String {
    random_text(15, b"abcdefghijklmnopqrstuvwxyz0123456789")
}

/// A new id of a line of the log: 15 characters of `a-z0-9`, of which the first eight tell the millisecond (until 2059)
/// and the next three the line's place among those of the process. Lines that are written one after the other stand so
/// in the index of their ids.
#[must_use]
pub fn new_log_id() -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    static PLACE: AtomicU64 = AtomicU64::new(0);
    let mut id = String::with_capacity(15);
    let mut digits = |number: u64, count: u32| {
        let digit = |place| DIGITS[usize::try_from(number / 36_u64.pow(place) % 36).unwrap_or_default()];
        id.extend((0..count).rev().map(|place| char::from(digit(place))));
    };
    let milliseconds = jiff::Timestamp::now().as_millisecond();
    digits(milliseconds.unsigned_abs(), 8);
    digits(PLACE.fetch_add(1, Ordering::Relaxed), 3);
    digits(rand::rng().random_range(0..36_u64.pow(4)), 4);
    id
}

/// A new token secret or token key: 50 random letters and digits.
#[must_use]
pub fn new_secret() -> String {
    random_text(50, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

/// `length` characters of `alphabet` (ASCII) from the thread's cryptographically secure generator.
#[must_use]
pub fn random_text(length: usize, alphabet: &[u8]) -> String {
    let mut random = rand::rng();
    (0..length)
        .map(|_| char::from(alphabet[random.random_range(0..alphabet.len())]))
        .collect()
}

/// The id that a new field gets: its type and the CRC-32 of its name (`text3208210256`).
#[must_use]
pub fn field_id(kind: &FieldKind, name: &str) -> String {
    format!("{}{}", kind.name(), checksum(name))
}

/// The id that a new collection gets: `pbc_` and the CRC-32 of its type and name (`pbc_3142635823`).
#[must_use]
pub fn collection_id(kind: CollectionKind, name: &str) -> String {
    format!("pbc_{}", checksum(&format!("{}{name}", kind.name())))
}

/// CRC-32 as in zip files (IEEE 802.3), bit by bit: names are short.
fn checksum(text: &str) -> u32 {
    let rest = text.bytes().fold(u32::MAX, |rest, byte| {
        (0..8).fold(rest ^ u32::from(byte), |rest, _| {
            if rest & 1 == 1 {
                (rest >> 1) ^ 0xEDB8_8320
            } else {
                rest >> 1
            }
        })
    });
    !rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_lines_are_in_order_and_each_another() {
        let ids: Vec<String> = (0..10_000).map(|_| new_log_id()).collect();
        let different: std::collections::HashSet<&String> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
        assert!(ids.iter().all(|id| id.len() == 15));
        assert!(ids[0][..8] <= ids[9_999][..8]);
    }

    #[test]
    fn ids_and_secrets_have_their_length() {
        assert_eq!(new_id().len(), 15);
        assert_eq!(new_secret().len(), 50);
        assert_ne!(new_id(), new_id());
    }

    #[test]
    fn ids_made_of_names_are_those_of_pocketbase() {
        assert_eq!(collection_id(CollectionKind::Auth, "_superusers"), "pbc_3142635823");
        assert_eq!(collection_id(CollectionKind::Base, "_mfas"), "pbc_2279338944");
        assert_eq!(checksum("id"), 3_208_210_256);
    }
}
