//! The way from the writers to the thread that tells subscribers: bounded, in order, and never waited for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use bosbase_store::Record;

use super::broadcast;
use super::client::{Client, Message};
use super::hub::Hub;
use crate::memory::weight;
use crate::records::RecordAction;

/// How many changes may wait to be told.
const JOBS: usize = 4096;
/// How many bytes of records may wait to be told.
const BYTES: usize = 32 << 20;

/// Something to be told.
pub(super) enum Job {
    /// A record was created or changed.
    Saved {
        hub: Hub,
        action: RecordAction,
        record: Record,
    },
    /// Records were deleted, among them accounts; who is told was decided before, but for those that are `late`.
    Deleted {
        hub: Hub,
        messages: Vec<(Arc<Client>, Message)>,
        late: Vec<Record>,
        accounts: Vec<Record>,
    },
}

impl Job {
    /// About how much memory it takes, in bytes.
    fn size(&self) -> usize {
        match self {
            Self::Saved { record, .. } => size(record),
            Self::Deleted { messages, late, .. } => {
                let messages = messages.iter().map(|(_, message)| message.size());
                messages.chain(late.iter().map(size)).sum()
            }
        }
    }
}

fn size(record: &Record) -> usize {
    record.values.values().map(weight).sum()
}

/// The queue with its thread, which begins with the first job and ends with the queue.
#[derive(Default)]
pub(super) struct Queue {
    sender: OnceLock<SyncSender<Job>>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Queue {
    /// Adds a job; false where there are too many.
    pub(super) fn push(&self, job: Job) -> bool {
        let sender = self.sender.get_or_init(|| {
            let (sender, receiver) = sync_channel(JOBS);
            let waiting_bytes = self.waiting_bytes.clone();
            // Without a thread the receiver is gone, and every push says so.
            let _ = std::thread::Builder::new()
                .name("realtime".to_owned())
                .spawn(move || work(&receiver, &waiting_bytes));
            sender
        });
        let size = job.size();
        let before = self.waiting_bytes.fetch_add(size, Ordering::Relaxed);
        if (before == 0 || before + size <= BYTES) && sender.try_send(job).is_ok() {
            return true;
        }
        self.waiting_bytes.fetch_sub(size, Ordering::Relaxed);
        false
    }
}

fn work(receiver: &Receiver<Job>, waiting_bytes: &AtomicUsize) {
    while let Ok(job) = receiver.recv() {
        let size = job.size();
        // One message that can't be made must not end all others.
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| broadcast::tell(job)));
        if told.is_err() {
            tracing::error!("telling subscribers of a change failed");
        }
        waiting_bytes.fetch_sub(size, Ordering::Relaxed);
    }
}
