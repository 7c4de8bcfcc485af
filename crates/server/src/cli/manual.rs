//! Man pages and shell completions, written out of the grammar of the command line, so that they say what it says.

use std::path::Path;

use clap_complete::Shell;

use super::Failure;
use super::args::Arguments;
use super::output::say;

/// Writes a man page of each command into `directory`.
///
/// # Errors
///
/// Where that is not there or can't be written to.
pub fn write(directory: &Path) -> Result<(), Failure> {
    clap_mangen::generate_to(Arguments::explained(), directory)
        .map_err(|error| Failure(format!("{} can't be written to: {error}.", directory.display())))
}

/// Prints what makes a shell complete the command line.
pub fn complete(shell: Shell) {
    // Written at once: clap_complete panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::explained(), "bosbase", &mut script);
    say(String::from_utf8_lossy(&script).trim_end());
}
