//! One open event stream: its queue, what it subscribed to, and whose it is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bosbase_store::Record;
use tokio::sync::mpsc;

use super::hub::Hub;
use super::topic::Subscription;

/// How many messages wait for a client before it is cut: a burst, as when a collection is truncated, is no reason yet.
const MESSAGES: usize = 20_000;
/// How many bytes wait for a client before it is cut; a single message may be larger.
const BYTES: usize = 8 << 20;

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The event's name: the subscription as the client wrote it.
    pub name: String,
    /// JSON on one line.
    pub data: Arc<str>,
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
    sender: Mutex<Option<mpsc::Sender<Message>>>,
    waiting_bytes: AtomicUsize,
    state: Mutex<ClientState>,
}

/// Who the client is and what it wants to hear of.
#[derive(Debug, Default, Clone)]
pub(super) struct ClientState {
    pub(super) auth: Option<Record>,
    pub(super) subscriptions: Arc<Vec<Subscription>>,
}

impl Client {
    pub(super) fn new(id: String) -> (Arc<Self>, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel(MESSAGES);
        let client = Self {
            id,
            sender: Mutex::new(Some(sender)),
            waiting_bytes: AtomicUsize::new(0),
            state: Mutex::default(),
        };
        (Arc::new(client), receiver)
    }

    /// A copy of who the client is and what it subscribed to.
    pub(super) fn state(&self) -> ClientState {
        self.lock_state().clone()
    }

    pub(super) fn lock_state(&self) -> MutexGuard<'_, ClientState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a message. Never waits; says whether the client keeps up.
    pub(super) fn send(&self, message: Message) -> bool {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = sender.as_ref() else { return false };
        let size = message.size();
        let before = self.waiting_bytes.fetch_add(size, Ordering::Relaxed);
        (before == 0 || before + size <= BYTES) && sender.try_send(message).is_ok()
    }

    /// Ends the stream once what is queued was read.
    pub(super) fn cut(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The reading end of an event stream; dropping it ends the subscriptions.
pub struct Subscriber {
    pub(super) hub: Hub,
    pub(super) client: Arc<Client>,
    pub(super) receiver: mpsc::Receiver<Message>,
}

impl Subscriber {
    /// The id with which the client names itself when it subscribes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.client.id
    }

    /// The next message; `None` once the client was cut. Asynchronous, and may be dropped without losing a message.
    pub async fn next(&mut self) -> Option<Message> {
        let message = self.receiver.recv().await?;
        self.client.waiting_bytes.fetch_sub(message.size(), Ordering::Relaxed);
        Some(message)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.hub.forget(&self.client.id);
    }
}
