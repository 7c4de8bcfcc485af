//! Realtime: who listens to what, and what they are told.
//!
//! The [`Hub`] knows every open event stream. A changed record is judged, subscriber by subscriber, by the collection's
//! list or view rule on a thread of its own, so that no writer waits for it; what belongs to one record arrives in the
//! order in which it happened. Nothing grows without bound: a client that does not keep up is cut, and one that was cut
//! connects anew and asks for what it missed.

mod broadcast;
mod client;
mod hub;
mod payload;
mod queue;
#[cfg(test)]
mod tests;
mod topic;

pub use client::{Message, Subscriber};
pub use hub::Hub;
pub use payload::Payload;

/// The topic on which superusers follow backups and restores.
pub const BACKUPS_TOPIC: &str = "@backups";

/// The topic on which a client waits for somebody to come back from a provider.
const OAUTH2_TOPIC: &str = "@oauth2";
