//! Lines for whoever typed the command. A closed pipe ends the talking, not the work.

use std::io::Write as _;

/// Says `line` on standard output.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Says what went wrong, on standard error.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "Error: {line}");
}
