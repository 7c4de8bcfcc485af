//! `bosbase check DIR`: what would work here, said before anything is switched.

use std::process::ExitCode;

use bosbase_app::checkup::{self, Report, Scratch, Verdict};
use bosbase_app::public::PublicFiles;
use bosbase_app::unsupported::ProgramDirs;
use bosbase_app::{AppOptions, DataDir};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use super::args::Check;
use super::global::Global;
use super::output::{complain, say};

/// Looks, says what was found, and answers with the exit code of the verdict.
pub fn run(global: &Global, check: &Check) -> ExitCode {
    let dir = check.directory.clone().unwrap_or_else(|| global.dir.clone());
    let options = match global.options() {
        Ok(options) => AppOptions {
            data_dir: dir.clone(),
            ..options
        },
        Err(failure) => {
            complain(&failure.0);
            return ExitCode::from(Verdict::CannotServe.code());
        }
    };
    let (dirs, public) = (global.program_dirs(), global.public_files(&dir));
    let report = match look(options, dirs, public) {
        Ok(report) => report,
        Err(failure) => {
            complain(&failure.0);
            return ExitCode::from(Verdict::CannotServe.code());
        }
    };
    if check.json {
        say(&document(&dir, &report));
    } else {
        print(&dir, &report);
    }
    ExitCode::from(report.verdict().code())
}

/// Looks, and ends the process at a signal, once the copy of the databases is gone.
fn look(options: AppOptions, dirs: ProgramDirs, public: bosbase_app::Result<PublicFiles>) -> Result<Report, Failure> {
    let unusable = |error: std::io::Error| Failure(format!("Can't wait for signals: {error}."));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(unusable)?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate, mut hangup) = (
            signal(SignalKind::interrupt()).map_err(unusable)?,
            signal(SignalKind::terminate()).map_err(unusable)?,
            signal(SignalKind::hangup()).map_err(unusable)?,
        );
        let scratch = Scratch::new();
        let kept = scratch.clone();
        let looking = tokio::task::spawn_blocking(move || checkup::look(&options, &dirs, &public, &scratch));
        tokio::select! {
            report = looking => report.map_err(|error| Failure(format!("The check failed: {error}."))),
            _ = interrupt.recv() => ended(&kept),
            _ = terminate.recv() => ended(&kept),
            _ = hangup.recv() => ended(&kept),
        }
    })
}

/// Ends the process without its copy.
fn ended(scratch: &Scratch) -> ! {
    scratch.discard();
    complain("Ended by a signal; the copy of the databases is removed.");
    std::process::exit(130)
}

fn document(dir: &DataDir, report: &Report) -> String {
    let verdict = report.verdict();
    let mut document = json!(report);
    document["dir"] = json!(dir.display().to_string());
    document["verdict"] = json!(verdict);
    document["code"] = json!(verdict.code());
    document.to_string()
}

fn print(dir: &DataDir, report: &Report) {
    let dir = dir.display();
    say(&match report.verdict() {
        Verdict::Works => format!("{dir} can be served here, and nothing differs."),
        Verdict::Differs => format!("{dir} can be served here, and not all of it is as it was."),
        Verdict::CannotServe => format!("{dir} can't be served here as it is."),
    });
    for (heading, findings) in report.sections() {
        say("");
        say(heading);
        for finding in findings {
            say(&format!("- {}", finding.text));
        }
    }
}
