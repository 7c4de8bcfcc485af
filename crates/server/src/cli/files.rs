//! `bosbase files …`, on a stopped data directory or beside a running server.

use bosbase_app::jobs::take_over_files;

use super::Failure;
use super::args::FilesAction;
use super::global::Global;
use super::output::say;

/// Does what was asked and says so.
pub fn run(global: &Global, action: &FilesAction) -> Result<(), Failure> {
    match action {
        FilesAction::TakeOver => say(&take_over_files(&global.options()?)?),
    }
    Ok(())
}
