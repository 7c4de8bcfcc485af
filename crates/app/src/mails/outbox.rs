//! Mails that nobody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use parking_lot::Mutex;

/// So many may wait; a mail server that hangs must not fill the memory.
const MOST: usize = 1_000;
/// So many are on their way at once.
const THREADS: usize = 2;

type Letter = Box<dyn FnOnce() + Send>;

/// Sends mails on threads of its own, in the order in which they came.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Arc<AtomicUsize>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: Option<SyncSender<Letter>>,
    closed: bool,
}

impl Outbox {
    /// Has `send` called soon; whether that is so. Where too many wait, or the process ends, it is logged and nothing
    /// is sent.
    pub(crate) fn post(&self, send: impl FnOnce() + Send + 'static) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            tracing::warn!("a mail is not sent: the server is shutting down");
            return false;
        }
        if state.queue.is_none() {
            match self.start() {
                Ok(queue) => state.queue = Some(queue),
                Err(error) => {
                    tracing::error!(%error, "a mail is not sent: no thread could be started for it");
                    return false;
                }
            }
        }
        let Some(queue) = &state.queue else { return false };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = queue.try_send(Box::new(send)) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            tracing::error!("a mail is not sent: {MOST} wait for the mail server already");
            return false;
        }
        true
    }

    fn start(&self) -> std::io::Result<SyncSender<Letter>> {
        let (queue, letters) = sync_channel(MOST);
        let letters = Arc::new(Mutex::new(letters));
        for number in 0..THREADS {
            let (letters, waiting) = (letters.clone(), self.waiting.clone());
            let name = format!("mails-{number}");
            std::thread::Builder::new()
                .name(name)
                .spawn(move || deliver(&letters, &waiting))?;
        }
        Ok(queue)
    }

    /// Takes no more, and says how many are lost. Those that are on their way may still arrive.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.queue = None;
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting > 0 {
            tracing::warn!(waiting, "the server ends before the last mails were sent");
        }
    }
}

fn deliver(letters: &Mutex<Receiver<Letter>>, waiting: &AtomicUsize) {
    loop {
        let next = letters.lock().recv();
        let Ok(send) = next else { return };
        crate::outlive::outlive("sending a mail", send);
        waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
