//! Threads that work below the API's priority, and answers in the order they were asked for.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use parking_lot::Mutex;

use bosbase_background::{WORKER, give_way, step_back};

struct Task<J, R> {
    job: J,
    answer: SyncSender<R>,
}

/// Where jobs are handed in. Dropping it lets the workers end once they have done what is waiting.
pub(super) struct Queue<J, R>(Sender<Task<J, R>>);

/// Where a worker gets its jobs.
pub(super) struct Worker<J, R>(Arc<Mutex<Receiver<Task<J, R>>>>);

/// What a job will have made.
pub(super) enum Ticket<R> {
    /// It is done.
    Ready(R),
    /// A worker will do it.
    Awaited(Receiver<R>),
}

/// The two ends of a queue without bounds: who hands in jobs waits for tickets before it hands in more.
pub(super) fn queue<J, R>() -> (Queue<J, R>, Worker<J, R>) {
    let (sender, receiver) = mpsc::channel();
    (Queue(sender), Worker(Arc::new(Mutex::new(receiver))))
}

impl<J, R> Queue<J, R> {
    pub(super) fn submit(&self, job: J) -> Ticket<R> {
        let (answer, ticket) = mpsc::sync_channel(1);
        // Without workers the job is dropped, and with it the answer: the ticket says so.
        let _ = self.0.send(Task { job, answer });
        Ticket::Awaited(ticket)
    }
}

impl<R> Ticket<R> {
    /// Waits for what the job made.
    ///
    /// # Errors
    /// If the worker died over it.
    pub(super) fn wait(self) -> io::Result<R> {
        match self {
            Self::Ready(made) => Ok(made),
            Self::Awaited(ticket) => ticket
                .recv()
                .map_err(|_| io::Error::other("a worker thread ended before its work")),
        }
    }
}

impl<J, R> Clone for Worker<J, R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<J, R> Worker<J, R> {
    /// Does jobs until there will be no more.
    pub(super) fn run(&self, mut work: impl FnMut(J) -> R) {
        step_back(WORKER);
        while let Some(task) = self.next() {
            // A reader that gave up on it does not wait for the answer.
            let _ = task.answer.send(work(task.job));
            give_way();
        }
    }

    fn next(&self) -> Option<Task<J, R>> {
        self.0.lock().recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn answers_come_in_order_and_threads_end_with_the_queue() {
        let (queue, worker) = queue();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let worker: Worker<u64, u64> = worker.clone();
                thread::spawn(move || worker.run(|n| n * n))
            })
            .collect();
        drop(worker);
        let tickets: Vec<_> = (0..1000).map(|n| queue.submit(n)).collect();
        for (n, ticket) in tickets.into_iter().enumerate() {
            assert_eq!(ticket.wait().unwrap(), (n * n) as u64);
        }
        drop(queue);
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn a_worker_that_dies_is_an_error_not_a_hang() {
        let (queue, worker) = queue::<u8, u8>();
        let thread = thread::spawn(move || worker.run(|_| panic!("on purpose")));
        let first = queue.submit(1);
        let second = queue.submit(2);
        assert!(first.wait().is_err());
        assert!(thread.join().is_err());
        assert!(second.wait().is_err() && queue.submit(3).wait().is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn workers_step_back_and_nobody_else() {
        use rustix::process::getpriority_process;
        let (queue, worker) = queue::<(), i32>();
        let before = getpriority_process(None).unwrap();
        // Also one that is started by a thread that has stepped back: priorities are inherited, and its steps do not
        // add up.
        let starts = move || {
            step_back(WORKER);
            thread::spawn(move || worker.run(|()| getpriority_process(None).unwrap()))
        };
        let thread = thread::spawn(starts).join().unwrap();
        assert_eq!(queue.submit(()).wait().unwrap(), (before + WORKER).min(19));
        assert_eq!(getpriority_process(None).unwrap(), before);
        drop(queue);
        thread.join().unwrap();
    }
}
