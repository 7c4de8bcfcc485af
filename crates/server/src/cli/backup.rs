//! `bosbase backup …`, on a stopped data directory or beside a running server.

use std::time::Duration;

use bosbase_app::App;
use bosbase_app::jobs::{CREATE_STEPS, Job, JobState, RESTORE_STEPS, Ticket, restore_offline};

use super::Failure;
use super::args::{BackupAction, Global};
use super::output::{Meter, say};

/// How often a job is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Does what was asked and says so.
pub fn run(global: &Global, action: &BackupAction) -> Result<(), Failure> {
    if let BackupAction::Restore { key } = action {
        let meter = Meter::new("restoring");
        let outcome = restore_offline(&global.options()?, key, &|done, total| meter.show(done, total));
        meter.finish();
        say(&outcome?);
        return Ok(());
    }
    if matches!(action, BackupAction::Steps) {
        CREATE_STEPS.iter().for_each(|step| say(&format!("create {step}")));
        RESTORE_STEPS.iter().for_each(|step| say(&format!("restore {step}")));
        return Ok(());
    }
    let app = App::open(global.options()?)?;
    let done = act(&app, action);
    app.close()?;
    done
}

fn act(app: &App, action: &BackupAction) -> Result<(), Failure> {
    match action {
        BackupAction::Create { name } => {
            let job = follow("creating", &app.start_backup(name.as_deref().unwrap_or_default())?)?;
            say(&format!("Created and verified {}.", job.key));
            if !job.warning.is_empty() {
                say(&format!("Warning: {}", job.warning));
            }
        }
        BackupAction::List => {
            for backup in app.backups()? {
                let modified = bosbase_app::moment::wire(backup.modified);
                say(&format!("{modified}  {:>14}  {}", backup.size, backup.key));
            }
        }
        BackupAction::Verify { key } => {
            follow("verifying", &app.start_verify(key)?)?;
            say(&format!(
                "{key} is whole: structure, checksums, digests and databases are as they should be."
            ));
        }
        BackupAction::Delete { key } => {
            app.delete_backup(key)?;
            say(&format!("Deleted {key}."));
        }
        BackupAction::Export { key, file } => {
            let meter = Meter::new("exporting");
            let done = app.export_backup(key, file, &|done, total| meter.show(done, total));
            meter.finish();
            done.map_err(|error| match error.kind() {
                bosbase_app::ErrorKind::NotFound => {
                    Failure(format!("There is no backup {key}. See: bosbase backup list."))
                }
                _ => error.into(),
            })?;
            say(&format!("Exported {key} to {}.", file.display()));
        }
        BackupAction::Import { file, name } => {
            let meter = Meter::new("importing");
            let done = app.import_backup(file, name.as_deref(), &|done, total| meter.show(done, total));
            meter.finish();
            say(&format!("Imported {} as {}.", file.display(), done?.key));
        }
        // Both were done before the application was opened.
        BackupAction::Restore { .. } | BackupAction::Steps => {}
    }
    Ok(())
}

/// Shows a job's progress until it ends.
fn follow(what: &'static str, ticket: &Ticket) -> Result<Job, Failure> {
    let meter = Meter::new(what);
    loop {
        let job = ticket.job();
        meter.show(job.bytes_done, job.bytes_total);
        match job.state {
            JobState::Running => std::thread::sleep(LOOK),
            JobState::Succeeded => {
                meter.finish();
                return Ok(job);
            }
            JobState::Failed => {
                meter.finish();
                return Err(Failure(job.error));
            }
        }
    }
}
