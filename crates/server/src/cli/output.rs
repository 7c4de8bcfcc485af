//! Lines for the person who typed the command. A closed pipe ends the talking, not the work.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

/// Says `line` on standard output.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{}", harmless(line));
}

/// Says what went wrong, on standard error.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "Error: {}", harmless(line));
}

/// Says what somebody should know, on standard error.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "Note: {}", harmless(line));
}

/// `text` without what a terminal would obey: names and errors come out of backups and buckets as well.
fn harmless(text: &str) -> String {
    let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars()
        .map(|c| if obeyed(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

/// How far long work is: a bar on a terminal, a plain line for every tenth in a pipe; both on standard error.
pub struct Meter {
    what: &'static str,
    bar: Option<ProgressBar>,
    tenths: AtomicU64,
}

impl Meter {
    /// Begins showing `what` (a gerund).
    pub fn new(what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = "{msg} {bar:32} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style).with_message(what)
        });
        Self {
            what,
            bar,
            tenths: AtomicU64::new(0),
        }
    }

    /// Shows that `done` of `total` bytes are done; a total of 0 is not known yet.
    pub fn show(&self, done: u64, total: u64) {
        if total == 0 {
            return;
        }
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            return;
        }
        let tenths = done.saturating_mul(10) / total;
        if tenths > self.tenths.swap(tenths, Ordering::Relaxed) {
            let _ = writeln!(std::io::stderr(), "{} {}%", self.what, tenths * 10);
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_terminal_obeys_nothing_that_is_said() {
        assert_eq!(
            harmless("a\u{1b}[2J\u{7}\u{9b}b\r\nc\td é"),
            "a\u{fffd}[2J\u{fffd}\u{fffd}b\u{fffd}\nc\td é"
        );
    }
}
