//! The command line: what was typed becomes a call, what came of it becomes lines and an exit code.

mod args;
mod backup;
mod bucket;
mod check;
mod complaint;
mod config;
mod configuration;
mod configuration_file;
mod dashes;
mod environment;
mod extract;
mod files;
mod global;
mod grammar;
mod hangup;
mod hints;
mod listening;
mod manual;
mod output;
mod safety;
mod serve;
mod superuser;
mod unheeded;
mod unsupported;

use std::process::ExitCode;

use bosbase_app::DataDir;

use args::{BackupAction, Command};
use configuration::Refusal;
use serve::Refused;

/// What to do where a command may not read the data.
const AS_OWNER: &str = "Run this as the owner of the data, or with sudo.";

/// How a command ends whose arguments, environment or configuration file make no sense. A service manager need not try
/// it again.
const MISCONFIGURED: u8 = 2;

/// A command that did not do what it was asked to: one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl From<bosbase_app::Error> for Failure {
    /// The public text with its causes: the person at the command line owns the data.
    fn from(error: bosbase_app::Error) -> Self {
        let text = error.with_causes();
        if !error.is_denied() || text.contains(AS_OWNER) {
            return Self(text);
        }
        match text.starts_with("Permission denied") {
            true => Self(format!(
                "This user may not read or write a file of the data ({}). {AS_OWNER}",
                text.trim_end_matches('.')
            )),
            false => Self(format!("{text} {AS_OWNER}")),
        }
    }
}

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let (arguments, settings) = match configuration::read() {
        Ok(read) => read,
        Err(Refusal::Wrong(failure)) => {
            output::complain(&failure.0);
            return misconfigured();
        }
        Err(Refusal::Asked(help)) => {
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    // Before there is a second thread, and anything is created.
    bosbase_app::jobs::keep_private(match &arguments.command {
        // Its copies are nobody else's, whatever the directory that is looked at is open to.
        Command::Check(_) => std::path::Path::new(""),
        _ => &arguments.global.dir,
    });
    if !arguments.command.reaches_elsewhere()
        && let Err(failure) = become_owner(&arguments.global.dir)
    {
        output::complain(&failure.0);
        return ExitCode::FAILURE;
    }
    let done = match arguments.command {
        Command::Check(check) => return check::run(&arguments.global, &check),
        Command::Config { action } => config::run(&arguments.global, &action, &settings),
        Command::Completions { shell } => {
            manual::complete(shell);
            Ok(())
        }
        Command::Manual { directory } => manual::write(&directory),
        Command::Routes => {
            print_routes();
            Ok(())
        }
        Command::Backup {
            action: BackupAction::Status,
        } => return safety::run(&arguments.global),
        Command::Backup { action } => backup::run(&arguments.global, &action),
        Command::Files { action } => files::run(&arguments.global, &action),
        // A server of root's would make files that the owner can't write.
        Command::Serve(serve) => {
            let not_as_root = |Failure(text)| Failure(text.replace(AS_OWNER, "Run this as the owner of the data."));
            let done = match serve::configured(&arguments.global, &serve) {
                Ok(configured) => serve::run(&arguments.global, &serve, configured),
                Err(Refused::Other(failure)) => Err(failure),
                Err(Refused::Configuration(failure)) => {
                    output::complain(&not_as_root(failure).0);
                    return misconfigured();
                }
            };
            done.map_err(not_as_root)
        }
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

/// How a command ends whose configuration makes no sense. A server that restarts has a restore to finish: a service
/// manager is to try it again until somebody mended the configuration.
fn misconfigured() -> ExitCode {
    match crate::restart::is_restart() {
        true => ExitCode::FAILURE,
        false => ExitCode::from(MISCONFIGURED),
    }
}

/// Does what root asks for as the user whose data directory it is, who could not write what root leaves there.
fn become_owner(dir: &DataDir) -> Result<(), Failure> {
    match bosbase_app::jobs::become_owner(dir, DataDir::DATABASE) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure(format!(
            "{} belongs to another user, and the system does not let root become that user ({error}). Run this as that user.",
            dir.display()
        ))),
    }
}

/// `bosbase routes`: one line a route, for the tests that try all of them from outside.
fn print_routes() {
    for (method, path, access) in crate::routes::table::ROUTES {
        output::say(&format!("{method:6} {path} {access}"));
    }
}
