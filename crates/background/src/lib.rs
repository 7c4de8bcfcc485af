//! Working behind the API's back: below its priority, and out of its way.
//!
//! A thread that works for long on what no client waits for does so [`behind`] the others, or has its threads
//! [`step_back`], and they [`give_way`] all the time. A thread that does what clients wait for and threads of the
//! system have a part in, such as a commit, which they write and flush, says so with an [`Urgent`]: the others stop for
//! it once it is late.

mod priority;
mod turn;
mod urgent;

pub use priority::{LAST, WORKER, behind, step_back};
pub use turn::give_way;
pub use urgent::Urgent;

/// More threads that work at a time would wait for the disk.
const MOST_WORKERS: usize = 8;

/// How many threads this machine can use for one piece of work.
#[must_use]
pub fn workers() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_WORKERS)
}
