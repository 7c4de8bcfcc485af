//! One open event stream: its queue, what it subscribed to, and whose it is.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use tokio::sync::Notify;

use super::hub::Hub;
use super::payload::Payload;
use super::topic::Subscription;
use crate::caller::Caller;

/// How many messages wait for a client before it is cut: a burst, as when a collection is truncated, is no reason yet.
const MESSAGES: usize = 20_000;
/// How many bytes wait for a client before it is cut; a single message may be larger.
pub(super) const BYTES: usize = 8 << 20;

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The event's name: the subscription as the client wrote it.
    pub name: Arc<str>,
    /// JSON on one line.
    pub data: Arc<Payload>,
}

impl Message {
    /// About how much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        const OWN: usize = 128;
        OWN + self.name.len() + self.data.len()
    }
}

/// A client as the hub holds it.
pub(super) struct Client {
    pub(super) id: String,
    /// Where it is, as [`Caller::client`] tells it.
    pub(super) place: String,
    waiting: Mutex<Waiting>,
    changed: Notify,
    state: Mutex<ClientState>,
}

/// What a client has yet to hear.
#[derive(Default)]
struct Waiting {
    messages: VecDeque<Message>,
    bytes: usize,
    is_cut: bool,
}

/// Who the client is and what it wants to hear of.
#[derive(Debug, Default, Clone)]
pub(super) struct ClientState {
    /// Who was logged in when it subscribed, and with which token; `None` for a guest.
    pub(super) session: Option<Arc<Caller>>,
    pub(super) subscriptions: Arc<Vec<Subscription>>,
    /// About how much memory they take, in bytes.
    pub(super) subscribed_bytes: usize,
}

impl Client {
    pub(super) fn new(id: String, place: String) -> Arc<Self> {
        Arc::new(Self {
            id,
            place,
            waiting: Mutex::default(),
            changed: Notify::new(),
            state: Mutex::default(),
        })
    }

    fn lock_waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }

    /// A copy of who the client is and what it subscribed to.
    pub(super) fn state(&self) -> ClientState {
        self.lock_state().clone()
    }

    pub(super) fn lock_state(&self) -> MutexGuard<'_, ClientState> {
        self.state.lock()
    }

    /// Whether it is subscribed to `topic`.
    pub(super) fn has_topic(&self, topic: &str) -> bool {
        self.lock_state().subscriptions.iter().any(|one| &*one.name == topic)
    }

    /// Ends its subscription to `topic`; whether it had one.
    pub(super) fn forget_topic(&self, topic: &str) -> bool {
        let mut state = self.lock_state();
        let others: Vec<Subscription> = state
            .subscriptions
            .iter()
            .filter(|one| &*one.name != topic)
            .cloned()
            .collect();
        let had_one = others.len() < state.subscriptions.len();
        if had_one {
            state.subscriptions = Arc::new(others);
        }
        had_one
    }

    /// Queues a message. Never waits; says whether the client keeps up.
    pub(super) fn send(&self, message: Message) -> bool {
        let size = message.size();
        let mut waiting = self.lock_waiting();
        let fits = waiting.messages.len() < MESSAGES && (waiting.bytes == 0 || waiting.bytes + size <= BYTES);
        if waiting.is_cut || !fits {
            return false;
        }
        waiting.bytes += size;
        waiting.messages.push_back(message);
        drop(waiting);
        self.changed.notify_one();
        true
    }

    /// How many bytes wait for it.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.lock_waiting().bytes
    }

    /// Ends the stream once what is queued was read.
    pub(super) fn cut(&self) {
        self.lock_waiting().is_cut = true;
        self.changed.notify_one();
    }

    /// Ends the stream at once, and forgets what is queued: a client that does not read would keep it.
    pub(super) fn abandon(&self) {
        *self.lock_waiting() = Waiting {
            is_cut: true,
            ..Waiting::default()
        };
        self.changed.notify_one();
    }
}

/// The reading end of an event stream; dropping it ends the subscriptions.
pub struct Subscriber {
    pub(super) hub: Hub,
    pub(super) client: Arc<Client>,
}

impl Subscriber {
    /// The id with which the client names itself when it subscribes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.client.id
    }

    /// The next message; `None` once the client was cut. Asynchronous, and may be dropped without losing a message.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            let changed = self.client.changed.notified();
            {
                let mut waiting = self.client.lock_waiting();
                if let Some(message) = waiting.messages.pop_front() {
                    waiting.bytes = waiting.bytes.saturating_sub(message.size());
                    return Some(message);
                }
                if waiting.is_cut {
                    return None;
                }
            }
            changed.await;
        }
    }
}

#[cfg(test)]
impl Subscriber {
    /// The next message if there is one; `Err(true)` once the client was cut.
    pub(super) fn try_next(&self) -> Result<Message, bool> {
        let mut waiting = self.client.lock_waiting();
        let message = waiting.messages.pop_front().ok_or(waiting.is_cut)?;
        waiting.bytes = waiting.bytes.saturating_sub(message.size());
        Ok(message)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.hub.forget(&self.client.id);
    }
}
