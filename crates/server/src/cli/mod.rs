//! The command line: what was typed becomes a call, what came of it becomes lines and an exit code.

mod args;
mod backup;
mod bucket;
mod files;
mod output;
mod serve;
mod superuser;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};

/// A command that did not do what it was asked to: one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl From<bosbase_app::Error> for Failure {
    /// The public text with its causes: whoever is at the command line owns the data.
    fn from(error: bosbase_app::Error) -> Self {
        Self(error.with_causes())
    }
}

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    // Before there is a second thread, and anything is created.
    bosbase_app::jobs::keep_private(&arguments.global.dir);
    let done = match arguments.command {
        Command::Routes => {
            print_routes();
            Ok(())
        }
        Command::Backup { action } => backup::run(&arguments.global, &action),
        Command::Files { action } => files::run(&arguments.global, &action),
        Command::Serve(serve) => serve::run(&arguments.global, &serve),
        Command::Superuser { action } => superuser::run(&arguments.global, &action),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.0);
            ExitCode::FAILURE
        }
    }
}

/// `bosbase routes`: one line a route, for the tests that try all of them from outside.
fn print_routes() {
    for (method, path, access) in crate::routes::table::ROUTES {
        output::say(&format!("{method:6} {path} {access}"));
    }
}
