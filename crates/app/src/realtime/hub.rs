//! All open event streams, and the ways in which something is said on them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bosbase_store::{Record, random_text};
use serde_json::Value;

use super::BACKUPS_TOPIC;
use super::broadcast;
use super::client::{Client, Message, Subscriber};
use super::queue::{Job, Queue};
use super::topic::Subscription;
use crate::app::App;
use crate::error::{Error, ErrorKind, FieldErrors, Result};

const ID_ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The limits on what one client may ask for, PocketBase's.
const MAX_ID: usize = 255;
const MAX_SUBSCRIPTIONS: usize = 1000;
const MAX_NAME: usize = 2500;
/// How long all of a deletion may take to find out who is to be told: meanwhile nothing else is written.
const DELETE_PATIENCE: Duration = Duration::from_millis(500);

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordAction {
    /// It is new.
    Create,
    /// It changed.
    Update,
    /// It is gone.
    Delete,
}

impl RecordAction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// All open event streams. Clones share them.
#[derive(Clone, Default)]
pub struct Hub {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    clients: RwLock<HashMap<String, Arc<Client>>>,
    queue: Queue,
}

/// What is to be said of records that are about to be deleted, decided while they, and what the rules look at, are still there.
#[must_use = "subscribers hear of the deletion when this is sent"]
pub struct PreparedDelete {
    hub: Hub,
    messages: Vec<(Arc<Client>, Message)>,
    accounts: Vec<Record>,
}

impl PreparedDelete {
    /// Tells it; to be called once the deletion is durable.
    pub fn send(self) {
        if self.messages.is_empty() && self.accounts.is_empty() {
            return;
        }
        self.hub.enqueue(Job::Deleted {
            hub: self.hub.clone(),
            messages: self.messages,
            accounts: self.accounts,
        });
    }
}

impl Hub {
    /// Opens an event stream that is subscribed to nothing yet and nobody's.
    #[must_use]
    pub fn connect(&self) -> Subscriber {
        let (client, receiver) = Client::new(random_text(40, ID_ALPHABET));
        self.inner
            .clients
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(client.id.clone(), client.clone());
        Subscriber {
            hub: self.clone(),
            client,
            receiver,
        }
    }

    /// Replaces what the client `id` is subscribed to. Whoever was logged in when it subscribed before has to be now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where no such stream is open, [`ErrorKind::Forbidden`] for somebody else's stream and for topics
    /// that only superusers may follow, [`ErrorKind::Invalid`] for more, or longer, names than are accepted.
    pub fn subscribe(&self, id: &str, names: &[String], auth: Option<&Record>) -> Result<()> {
        validate(id, names)?;
        let client = self
            .inner
            .clients
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing or invalid client id."))?;
        let subscriptions: Vec<Subscription> = names.iter().map(|name| Subscription::parse(name)).collect();
        let mut state = client.lock_state();
        if let Some(before) = &state.auth
            && !auth.is_some_and(|auth| is_same(before, auth))
        {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "The current and the previous request authorization don't match.",
            ));
        }
        let reserved = subscriptions.iter().any(|one| one.topic == BACKUPS_TOPIC);
        if reserved && !auth.is_some_and(|auth| auth.collection.is_superusers()) {
            return Err(Error::forbidden());
        }
        state.auth = auth.cloned();
        state.subscriptions = Arc::new(subscriptions);
        Ok(())
    }

    /// Tells of a record that was created or changed, as it is now. To be called once it is durable; does not wait.
    pub fn record_saved(&self, app: &App, action: RecordAction, record: &Record) {
        if self.is_idle() {
            return;
        }
        self.enqueue(Job::Saved {
            app: app.clone(),
            action,
            record: record.clone(),
        });
    }

    /// Decides who will be told that `records` are deleted. To be called before they are, or, where that is only known within
    /// the transaction, in it: what is asked of the database is asked outside of it.
    pub fn prepare_delete(&self, app: &App, records: &[Record]) -> PreparedDelete {
        let mut prepared = PreparedDelete {
            hub: self.clone(),
            messages: Vec::new(),
            accounts: Vec::new(),
        };
        if self.is_idle() {
            return prepared;
        }
        let clients = self.clients();
        let until = Instant::now() + DELETE_PATIENCE;
        for record in records {
            prepared
                .messages
                .extend(broadcast::of_deletion(app, &clients, record, until));
            if record.collection.is_auth() {
                prepared.accounts.push(record.clone());
            }
        }
        prepared
    }

    /// Tells the superusers that follow the system topic `topic`. Does not wait.
    pub fn publish(&self, topic: &str, message: &Value) {
        if self.is_idle() {
            return;
        }
        let data: Arc<str> = message.to_string().into();
        for client in self.clients() {
            let state = client.state();
            if !state.auth.as_ref().is_some_and(|auth| auth.collection.is_superusers()) {
                continue;
            }
            for subscription in state.subscriptions.iter().filter(|one| one.topic == topic) {
                let name = subscription.name.clone();
                self.deliver(
                    &client,
                    Message {
                        name,
                        data: data.clone(),
                    },
                );
            }
        }
    }

    pub(super) fn clients(&self) -> Vec<Arc<Client>> {
        let clients = self.inner.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.values().cloned().collect()
    }

    pub(super) fn deliver(&self, client: &Client, message: Message) {
        if !client.send(message) {
            tracing::debug!(client = client.id, "an event stream that does not keep up is cut");
            self.cut(client);
        }
    }

    /// Ends a client's stream; it connects anew, with whatever token it has by then.
    pub(super) fn cut(&self, client: &Client) {
        client.cut();
        self.forget(&client.id);
    }

    pub(super) fn forget(&self, id: &str) {
        let mut clients = self.inner.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.remove(id);
    }

    /// Streams of an account carry on as what it is now, or, where it is gone, as nobody's. Where its tokens died (with a new
    /// password), so do its streams.
    pub(super) fn account_changed(&self, account: &Record, gone: bool) {
        for client in self.clients() {
            let mut state = client.lock_state();
            let Some(auth) = state.auth.as_ref().filter(|auth| is_same(auth, account)) else {
                continue;
            };
            if !gone && auth.text("tokenKey") != account.text("tokenKey") {
                drop(state);
                self.cut(&client);
            } else {
                state.auth = (!gone).then(|| account.clone());
            }
        }
    }

    fn is_idle(&self) -> bool {
        let clients = self.inner.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.is_empty()
    }

    fn enqueue(&self, job: Job) {
        if !self.inner.queue.push(job) {
            // Somebody would miss something without knowing. Cut off, all know, and ask again.
            tracing::warn!("changes come faster than subscribers can be told: all event streams are cut");
            for client in self.clients() {
                self.cut(&client);
            }
        }
    }
}

fn is_same(one: &Record, other: &Record) -> bool {
    one.id() == other.id() && one.collection.id == other.collection.id
}

fn validate(id: &str, names: &[String]) -> Result<()> {
    let mut errors = FieldErrors::new();
    if id.is_empty() {
        errors.add_required("clientId");
    } else if id.len() > MAX_ID {
        errors.add_length("clientId", 1, MAX_ID);
    }
    if names.len() > MAX_SUBSCRIPTIONS {
        errors.add_max_length("subscriptions", MAX_SUBSCRIPTIONS);
    } else {
        let mut each = FieldErrors::new();
        for (index, name) in names.iter().enumerate() {
            if name.len() > MAX_NAME {
                each.add_max_length(&index.to_string(), MAX_NAME);
            } else if name.contains(char::is_control) {
                // It becomes a line of the event stream.
                each.add(
                    &index.to_string(),
                    "validation_match_invalid",
                    "Must not contain control characters.",
                );
            }
        }
        errors.nest("subscriptions", each);
    }
    errors.into_result("Something went wrong while processing your request.")
}
