//! A look at a data directory before it is served here: what works, what differs, what is not honoured, what is broken.
//!
//! The directory stays as it is, also while a server uses it: the databases are copied, and a start's work is done on
//! the copy. What a start says is said here, by the same code.

mod copy;
mod data;
mod mails;
mod report;
mod uploads;

use bosbase_disk::{Disk as _, FileKind, RealDisk};

use crate::jobs::{Neighbour, denied, neighbours, restore_is_pending};
use crate::options::AppOptions;
use crate::public::PublicFiles;
use crate::unsupported::{ProgramDirs, Programs, listed};

use copy::Copy;

pub use copy::Scratch;
pub use report::{Finding, Report, Verdict};

/// Looks at the data directory of `options`, and changes nothing there. Takes as long as copying its databases and
/// reading them some times; the copy is made in `scratch`, and removed. A caller that ends before has to remove it.
/// Programs are looked for in `dirs`; `public` are the static files that a start would serve, or why it would not.
#[must_use]
pub fn look(
    options: &AppOptions,
    dirs: &ProgramDirs,
    public: &crate::Result<PublicFiles>,
    scratch: &Scratch,
) -> Report {
    let mut report = Report::default();
    match public {
        Ok(files) if files.is_there() => {
            let folder = files.folder().display();
            report.note(
                "public",
                format!("The static files in {folder} are served, but for links that lead out of it."),
            );
        }
        Ok(_) => {}
        Err(error) => report.cannot_serve("public", error.with_causes()),
    }
    if let Err(error) = look_at(options, dirs, scratch, &mut report) {
        let error = match error.is_denied() {
            true => denied(&options.data_dir).caused_by(error),
            false => error,
        };
        report.cannot_serve("unreadable", error.with_causes());
    }
    report
}

fn look_at(options: &AppOptions, dirs: &ProgramDirs, scratch: &Scratch, report: &mut Report) -> crate::Result<()> {
    let data_dir = &options.data_dir;
    let dir = data_dir.display();
    if !RealDisk.exists(&data_dir.database()).map_err(crate::Error::internal)? {
        let text = match RealDisk.metadata(data_dir) {
            Ok(found) if found.kind == FileKind::Directory => {
                format!("There is no data.db in {dir}. Name the folder that holds one: pb_data, as a rule.")
            }
            Ok(_) => format!("{dir} is no folder. Name the data directory: the folder that holds data.db."),
            Err(_) => format!("There is no folder {dir}. Name the data directory: the folder that holds data.db."),
        };
        report.cannot_serve("database", text);
        return Ok(());
    }
    if restore_is_pending(data_dir)? {
        let text =
            "A restore was begun here and is not finished: the next start of bosbase finishes it. Look again then.";
        report.cannot_serve("restore", text);
        return Ok(());
    }
    for Neighbour { pid, program } in neighbours(data_dir) {
        let text = format!("Process {pid} ({program} serve) uses the directory. Stop it before a start here.");
        report.note("server", text);
    }
    let copy = Copy::of(data_dir, scratch)?;
    report.note(
        "copy",
        format!(
            "Nothing in {dir} was changed: a copy of the databases was looked at ({} KiB), and is removed.",
            copy.bytes.div_ceil(1024)
        ),
    );
    tell_programs(&Programs::held_against(data_dir, dirs, copy.dir())?, report);
    data::look(&copy, options, report)
}

fn tell_programs(programs: &Programs, report: &mut Report) {
    if !programs.hooks.is_empty() {
        report.not_honoured(
            "hooks",
            format!(
                "Hooks are not run, and {} holds {}: what they check or refuse would not be. A start goes on without \
                 them with --ignore-hooks.",
                programs.hooks_in,
                listed(&programs.hooks)
            ),
        );
    }
    if !programs.migrations.is_empty() {
        report.not_honoured(
            "migrations",
            format!(
                "Migrations are not applied, and {} holds some that were not: {}. Apply them with PocketBase; a start \
                 goes on without them with --ignore-migrations.",
                programs.migrations_in,
                listed(&programs.migrations)
            ),
        );
    }
}
