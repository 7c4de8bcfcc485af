//! Work whose panic must end nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does `work` and goes on after its panic: what goes wrong with one thing must not end the schedule of all, nor the
/// server's start.
pub(crate) fn outlive(what: &str, work: impl FnOnce()) {
    // What it panicked of was written to the standard error.
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!(what, "it panicked; the rest goes on");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_does_not_end_the_schedule() {
        let mut done = Vec::new();
        outlive("panicking", || panic!("on purpose"));
        outlive("working", || done.push(1));
        assert_eq!(done, [1]);
    }
}
